import { describe, expect, test } from 'tstyche'
import { topology } from '../src/dsl/builder.ts'
import type { KStream } from '../src/dsl/stream.ts'
import type { GlobalKTable, KTable } from '../src/dsl/table.ts'
import type { Destination } from '../src/operators/destination.ts'
import type { Serde } from '../src/serde/serde.ts'
import { streamTopic, tableTopic } from '../src/topic.ts'

interface Booking {
  type: 'booking'
  id: string
  activityId: string | null
  price: number
}
interface Wish {
  type: 'wish'
  id: string
  activityId: string
}
interface Customer {
  name: string
}
interface Activity {
  title: string
}
interface MarketingEvent {
  name: string
  price: number
}

declare function serde<T>(): Serde<T>
declare const bookings: KStream<string, Booking>
declare const events: KStream<string, Booking | Wish>
declare const customers: KTable<string, Customer>
declare const customersByNumber: KTable<number, Customer>
declare const activities: GlobalKTable<string, Activity>
declare const destination: Destination<MarketingEvent>
const marketing = streamTopic('marketing', { key: serde<string>(), value: serde<MarketingEvent>() })
const profiles = tableTopic('profiles', { key: serde<string>(), value: serde<Customer>() })

describe('sources', () => {
  const builder = topology('types')

  test('take their types from the topic', () => {
    expect(builder.stream(marketing)).type.toBe<KStream<string, MarketingEvent>>()
    expect(builder.table(profiles)).type.toBe<KTable<string, Customer>>()
    expect(builder.globalTable(profiles)).type.toBe<GlobalKTable<string, Customer>>()
  })

  test('a topic of events is no table, and a topic of rows no stream', () => {
    expect(builder.table).type.not.toBeCallableWith(marketing)
    expect(builder.stream).type.not.toBeCallableWith(profiles)
  })
})

describe('joins', () => {
  test('give the joiner the value, the row and the key', () => {
    const joined = bookings.join(customers, {
      joiner: (booking, customer, key) => ({ price: booking.price, name: customer.name, length: key.length }),
    })
    expect(joined).type.toBe<KStream<string, { price: number; name: string; length: number }>>()
  })

  test('with a table of another key type is refused, and the message says so', () => {
    expect(
      bookings.join(customersByNumber, { joiner: (booking, customer) => booking.id + customer.name }),
    ).type.toRaiseError(
      /the stream has another key type than the table: use selectKey\(\) and repartition\(\).*JoinKeyMismatch<string, number>/s,
    )
    expect(
      bookings.leftJoin(customersByNumber, { joiner: (booking, customer) => [booking, customer] }),
    ).type.toRaiseError(/the stream has another key type than the table/)
  })

  test('branded keys of two sorts do not meet', () => {
    type CustomerId = string & { readonly brand: 'customer' }
    type BookingId = string & { readonly brand: 'booking' }
    const byBooking = bookings as unknown as KStream<BookingId, Booking>
    const byCustomer = bookings as unknown as KStream<CustomerId, Booking>
    const rows = customers as unknown as KTable<CustomerId, Customer>
    expect(byCustomer.join(rows, { joiner: (_, row) => row.name })).type.toBe<KStream<CustomerId, string>>()
    expect(byBooking.join(rows, { joiner: (_, row) => row.name })).type.toRaiseError(
      /the stream has another key type than the table/,
    )
  })

  test('by a key that may be null is refused for the inner join and allowed for the left one', () => {
    const rekeyed = bookings.selectKey(booking => booking.activityId)
    expect(rekeyed.join(customers, { joiner: (_, customer) => customer.name })).type.toRaiseError(
      /the key may be null: filter such records, or use leftJoin\(\).*JoinKeyMayBeNull<string \| null>/s,
    )
    expect(rekeyed.leftJoin(customers, { joiner: (_, customer) => customer?.name })).type.toBe<
      KStream<string | null, string | undefined>
    >()
    expect(
      rekeyed.filter((_, key) => key !== null).join(customers, { joiner: (_, customer) => customer.name }),
    ).type.toBe<KStream<string, string>>()
  })

  test('may park a record without a row; what becomes of it in the end only the inner join says', () => {
    const joiner = (booking: Booking, customer: Customer | undefined): string => booking.id + customer?.name
    expect(
      bookings.join(customers, { joiner, missing: { parkForMs: 60_000, otherwise: 'dead-letter' } }),
    ).type.toBe<KStream<string, string>>()
    expect(bookings.leftJoin(customers, { joiner, missing: { parkForMs: 60_000 } })).type.toBe<
      KStream<string, string>
    >()
    expect(bookings.leftJoin(customers, { joiner, missing: 'drop' })).type.toRaiseError()
    expect(
      bookings.leftJoin(customers, { joiner, missing: { parkForMs: 1, otherwise: 'drop' } }),
    ).type.toRaiseError(/'otherwise' does not exist/)
    expect(bookings.join(customers, { joiner, missing: { otherwise: 'drop' } })).type.toRaiseError(
      /Property 'parkForMs' is missing/,
    )
    expect(
      bookings.leftJoin(customers, {
        joiner: (_, customer) => customer.name,
        missing: { parkForMs: 60_000 },
      }),
    ).type.toRaiseError(/'customer' is possibly 'undefined'/)
  })

  test('a left join’s row may be undefined', () => {
    expect(bookings.leftJoin(customers, { joiner: (_, customer) => customer.name })).type.toRaiseError(
      /'customer' is possibly 'undefined'/,
    )
    expect(
      bookings.leftJoin(activities, { key: booking => booking.id, joiner: (_, activity) => activity.title }),
    ).type.toRaiseError(/'activity' is possibly 'undefined'/)
    expect(bookings.leftJoin(customers, { joiner: (_, customer) => customer?.name ?? '' })).type.toBe<
      KStream<string, string>
    >()
  })

  test('with a global table need a key, which may be null only in a left join', () => {
    const joiner = (booking: Booking, activity: Activity | undefined): string =>
      booking.id + (activity?.title ?? '')
    expect(bookings.join(activities, { key: booking => booking.activityId, joiner })).type.toRaiseError(
      /Type 'null' is not assignable to type 'string'/,
    )
    expect(bookings.join(activities, { key: (): string | undefined => undefined, joiner })).type.toRaiseError(
      /Type 'undefined' is not assignable to type 'string'/,
    )
    expect(bookings.join(activities, { key: booking => booking.price, joiner })).type.toRaiseError(
      /Type 'number' is not assignable to type 'string'/,
    )
    expect(bookings.join(activities, { joiner })).type.toRaiseError(/Property 'key' is missing/)
    expect(bookings.join(activities, { key: booking => booking.id, joiner })).type.toBe<
      KStream<string, string>
    >()
    expect(bookings.leftJoin(activities, { key: booking => booking.activityId, joiner })).type.toBe<
      KStream<string, string>
    >()
  })

  test('with a partitioned table take no key', () => {
    const joiner = (booking: Booking, customer: Customer): string => booking.id + customer.name
    expect(bookings.join(customers, { key: (booking: Booking) => booking.id, joiner })).type.toRaiseError(
      /'key' does not exist in type/,
    )
  })

  test('work in a helper that knows only a part of the value', () => {
    const withName = <V extends { id: string }>(stream: KStream<string, V>): KStream<string, string> =>
      stream.join(customers, { joiner: (value, customer) => value.id + customer.name })
    expect(withName(bookings)).type.toBe<KStream<string, string>>()
  })
})

describe('predicates', () => {
  test('that are type guards narrow the stream, also inferred ones', () => {
    expect(events.filter(event => event.type === 'booking')).type.toBe<KStream<string, Booking>>()
    expect(events.filterNot(event => event.type === 'booking')).type.toBe<KStream<string, Wish>>()
    expect(events.filter((event): event is Wish => event.type === 'wish')).type.toBe<KStream<string, Wish>>()
  })

  test('that are no guards leave it as it is', () => {
    expect(events.filter(event => event.id !== '')).type.toBe<KStream<string, Booking | Wish>>()
    expect(events.filterNot(event => event.id !== '')).type.toBe<KStream<string, Booking | Wish>>()
  })

  test('that take everything leave no stream of never behind', () => {
    expect(bookings.filterNot((booking): booking is Booking => booking.price > 1)).type.toBe<
      KStream<string, Booking>
    >()
  })

  test('narrow the branches of a split, and its default branch by what they take', () => {
    const branches = events.split(
      { bookings: event => event.type === 'booking', named: event => event.id !== '' },
      { default: 'rest' },
    )
    expect(branches.bookings).type.toBe<KStream<string, Booking>>()
    expect(branches.named).type.toBe<KStream<string, Booking | Wish>>()
    expect(branches.rest).type.toBe<KStream<string, Wish>>()
  })

  test('a split without a default has only its branches', () => {
    const branches = events.split({ bookings: event => event.type === 'booking' })
    expect<keyof typeof branches>().type.toBe<'bookings'>()
  })

  test('must be synchronous', () => {
    expect(events.filter(async event => event.id !== '')).type.toRaiseError(
      /Type 'Promise<boolean>' is not assignable to type 'boolean'/,
    )
  })
})

describe('steps', () => {
  test('infer keys and values', () => {
    expect(bookings.map((value, key) => ({ key: value.price, value: key }))).type.toBe<
      KStream<number, string>
    >()
    expect(bookings.mapValues((value, key) => value.id + key)).type.toBe<KStream<string, string>>()
    expect(bookings.flatMap((value, key) => [{ key: 1, value: key }])).type.toBe<KStream<number, string>>()
    expect(bookings.flatMapValues(value => [value.price])).type.toBe<KStream<string, number>>()
    expect(bookings.selectKey(value => value.price)).type.toBe<KStream<number, Booking>>()
    expect(bookings.selectKey(() => 'all')).type.toBe<KStream<string, Booking>>()
    expect(bookings.peek(value => value.price.toFixed())).type.toBe<KStream<string, Booking>>()
    expect(bookings.merge(bookings.selectKey(value => value.price).mapValues(() => null))).type.toBe<
      KStream<string | number, Booking | null>
    >()
  })

  test('a repartition drops records without a key, and its type says so', () => {
    expect(
      bookings
        .selectKey(booking => booking.activityId)
        .repartition({ name: 'by-activity', key: serde<string>() }),
    ).type.toBe<KStream<string, Booking>>()
  })

  test('that nobody waits for take no asynchronous function', () => {
    expect(bookings.foreach(async booking => booking.id)).type.toRaiseError(
      /use enrich\(\) for asynchronous work/,
    )
    expect(bookings.peek(async booking => booking.id)).type.toRaiseError(
      /use enrich\(\) for asynchronous work/,
    )
  })

  test('a stream fits where a stream of a wider type is asked for, and not the other way', () => {
    expect<KStream<string, Booking>>().type.toBeAssignableTo<KStream<string | null, Booking | Wish>>()
    expect<KStream<string, Booking | Wish>>().type.not.toBeAssignableTo<KStream<string, Booking>>()
    expect<KStream<string | null, Booking>>().type.not.toBeAssignableTo<KStream<string, Booking>>()
  })
})

describe('enrich', () => {
  test('hands the result of the call to the joiner', () => {
    const enriched = bookings.enrich({
      using: async (booking, key, { signal }) => ({ ids: [booking.id, key], stopped: signal.aborted }),
      joiner: (booking, { ids, stopped }) => ({ id: booking.id, ids, stopped }),
      timeoutMs: 500,
    })
    expect(enriched).type.toBe<KStream<string, { id: string; ids: string[]; stopped: boolean }>>()
  })

  test('a fallback is one more result', () => {
    const enriched = bookings.enrich({
      using: async booking => [booking.id],
      joiner: (_, ids) => ids,
      onFailure: { fallback: undefined },
    })
    expect(enriched).type.toBe<KStream<string, string[] | undefined>>()
  })

  test('the call must be asynchronous', () => {
    expect(bookings.enrich({ using: (booking: Booking) => booking.id, joiner: () => '' })).type.toRaiseError(
      /Type 'string' is not assignable to type 'Promise/,
    )
  })
})

describe('sinks', () => {
  const named = bookings.mapValues(booking => ({ name: booking.id, price: booking.price, more: true }))

  test('take what their topic’s serdes take', () => {
    expect(named.to(marketing)).type.toBe<void>()
    expect(named.to(marketing, { name: 'out' })).type.toBe<void>()
  })

  test('refuse a wrong value, and the message names the member', () => {
    expect(bookings.to(marketing)).type.toRaiseError(/Property 'name' is missing in type 'Booking'/)
    expect(
      bookings.mapValues(booking => ({ name: booking.price, price: 1 })).to(marketing, { name: 'out' }),
    ).type.toRaiseError(/Types of property 'name' are incompatible/)
    expect(named.mapValues(async value => value).to(marketing)).type.toRaiseError(/Promise/)
  })

  test('refuse a wrong key', () => {
    expect(named.selectKey(value => value.price).to(marketing)).type.toRaiseError(
      /Type 'number' is not assignable to type 'string'/,
    )
    expect(named.selectKey((): string | null => null).to(marketing)).type.toRaiseError(
      /Type 'null' is not assignable to type 'string'/,
    )
  })

  test('take null only for a table topic, where it deletes the row', () => {
    expect(named.mapValues((): MarketingEvent | null => null).to(marketing)).type.toRaiseError(/null/)
    expect(named.mapValues((): Customer | null => null).to(profiles)).type.toBe<void>()
    expect(named.mapValues((): Customer | undefined => undefined).to(profiles)).type.toRaiseError(/undefined/)
  })

  describe('that choose a topic for each record', () => {
    const germany = streamTopic('germany', { key: serde<string>(), value: serde<MarketingEvent>() })
    const france = streamTopic('france', { key: serde<string>(), value: serde<{ name: string }>() })
    const byNumber = streamTopic('by-number', { key: serde<number>(), value: serde<MarketingEvent>() })

    test('choose by the names that the topics are listed under', () => {
      expect(
        named.to({ germany, france }, { choose: value => (value.price > 1 ? 'germany' : 'france') }),
      ).type.toBe<void>()
      expect(
        named.to(
          { germany, france },
          {
            name: 'by-topic',
            choose: (value, key, context) => (value.name + key === context.topic ? 'france' : 'germany'),
          },
        ),
      ).type.toBe<void>()
      expect(
        named
          .mapValues(value => ({ ...value, country: value.more ? ('DE' as const) : ('FR' as const) }))
          .to({ DE: germany, AT: germany, FR: france }, { choose: value => value.country }),
      ).type.toBe<void>()
    })

    test('refuse a name that is not listed', () => {
      expect(named.to({ germany, france }, { choose: () => 'spain' })).type.toRaiseError(
        /Type '"spain"' is not assignable to type '"germany" \| "france"'/,
      )
      expect(named.to({ germany, france }, { choose: value => value.name })).type.toRaiseError(
        /Type 'string' is not assignable to type '"germany" \| "france"'/,
      )
      expect(named.to({ germany }, { choose: () => germany })).type.toRaiseError(
        /is not assignable to type '"germany"'/,
      )
      expect(named.to({ germany }, { choose: async () => 'germany' as const })).type.toRaiseError(/Promise/)
    })

    test('need the choice, and a single topic takes none', () => {
      expect(named.to({ germany, france })).type.toRaiseError(/Expected 2 arguments/)
      expect(named.to({ germany, france }, { name: 'out' })).type.toRaiseError(/Property 'choose' is missing/)
      expect(named.to(germany, { choose: () => 'germany' })).type.toRaiseError(
        /'choose' does not exist in type 'StepOptions'/,
      )
    })

    test('need a value and a key that every one of the topics takes', () => {
      const choose = (): 'france' => 'france'
      expect(bookings.to({ france, germany }, { choose })).type.toRaiseError(
        /Property 'name' is missing in type 'Booking'/,
      )
      expect(
        bookings.mapValues(({ id }) => ({ name: id })).to({ france, germany }, { choose }),
      ).type.toRaiseError(/Property 'price' is missing in type '{ name: string; }'/)
      expect(bookings.mapValues(({ id }) => ({ name: id })).to({ france }, { choose })).type.toBe<void>()
      expect(named.to({ france, byNumber }, { choose })).type.toRaiseError(/'string' is not assignable to/)
    })

    test('take null only where each is a table topic', () => {
      const archive = tableTopic('archive', { key: serde<string>(), value: serde<Customer>() })
      const rows = named.mapValues((): Customer | null => null)
      expect(rows.to({ profiles, archive }, { choose: () => 'archive' })).type.toBe<void>()
      expect(rows.to({ profiles, france }, { choose: () => 'profiles' })).type.toRaiseError(/null/)
    })

    test('a topic that is one of two takes what both do', () => {
      const either = marketing as typeof germany | typeof byNumber
      expect(named.to(either)).type.toRaiseError(/'string' is not assignable to/)
      const wide = marketing as typeof germany | typeof france
      expect(named.to(wide)).type.toBe<void>()
    })
  })

  test('a destination takes only its own values', () => {
    expect(
      named.deliver({ destination, maxBatchItems: 10, laneKey: (value, key) => value.name + key }),
    ).type.toBe<void>()
    expect(bookings.deliver({ destination, maxBatchItems: 10 })).type.toRaiseError(
      /Property 'name' is missing in type 'Booking'/,
    )
  })

  describe('what it remembers', () => {
    interface Sent {
      at: number
    }
    const destination = {} as Destination<{ readonly name: string }, Sent>
    const named = {} as KStream<string, { name: string }>
    const memoryOf = <K, M>(key: Serde<K>, value: Serde<M>) => tableTopic('memory', { key, value })
    const text = {} as Serde<string>

    test('rows are what the destination remembers, by a lane key that is text', () => {
      expect(
        named.deliver({ destination, maxBatchItems: 1, memory: memoryOf(text, {} as Serde<Sent>) }),
      ).type.toBe<void>()
      expect(
        named.deliver({ destination, maxBatchItems: 1, memory: memoryOf(text, {} as Serde<{ at: string }>) }),
      ).type.toRaiseError(/Type 'string' is not assignable to type 'number'/)
      expect(
        named.deliver({
          destination,
          maxBatchItems: 1,
          memory: memoryOf({} as Serde<number>, {} as Serde<Sent>),
        }),
      ).type.toRaiseError(
        /Type 'string' is not assignable to type 'number'|'number' is not assignable to type 'string'/,
      )
    })

    test('a step without a topic for it remembers nothing', () => {
      expect(named.deliver({ destination, maxBatchItems: 1 })).type.toBe<void>()
    })

    test('an item may come without a memory, and an outcome changes it, keeps it or forgets it', () => {
      type Items = Parameters<typeof destination.deliver>[0]
      expect<Items[number]['memory']>().type.toBe<Sent | undefined>()
      type Outcome = Awaited<ReturnType<typeof destination.deliver>>[number]
      expect<Outcome>().type.toBeAssignableFrom({ kind: 'accepted' as const, memory: { at: 1 } })
      expect<Outcome>().type.toBeAssignableFrom({ kind: 'accepted' as const, memory: null })
      expect<Outcome>().type.toBeAssignableFrom({ kind: 'accepted' as const })
      expect<Outcome>().type.not.toBeAssignableFrom({ kind: 'accepted' as const, memory: { at: '1' } })
      expect<Outcome>().type.not.toBeAssignableFrom({
        kind: 'retry' as const,
        memory: { at: 1 },
        afterMs: '1',
      })
    })
  })
})
