import assert from 'node:assert/strict'
import { test } from 'node:test'
import { customerEvents, type DomainEventOf, type DomainEventType } from '@tributary/marketing-events'
import { SchemaNotLoaded } from '@tributary/topology'
import { InMemorySchemaRegistry } from '@tributary/topology/testing'
import { generateDemoData } from '../../demo/data/demo-data.ts'
import { generateMalformed } from '../../demo/data/malformed.ts'

const data = generateDemoData({ seed: 1, events: 20_000 })

test('a seed gives the same data again, and another seed other data', () => {
  assert.deepEqual(generateDemoData({ seed: 1, events: 500 }), generateDemoData({ seed: 1, events: 500 }))
  const other = generateDemoData({ seed: 2, events: 500 })
  assert.notDeepEqual(other.customers, data.customers)
  assert.notDeepEqual(other.activities, data.activities)
})

test('the lookups do not depend on the number of events', () => {
  const { customers, activities } = generateDemoData({ seed: 1, events: 10 })
  assert.deepEqual(customers, data.customers)
  assert.deepEqual(activities, data.activities)
})

test('there are 2,000 customers, 500 activities, and four out of five opted in', () => {
  assert.equal(data.customers.length, 2_000)
  assert.equal(data.activities.length, 500)
  const optedIn = data.customers.filter(({ marketingOptIn }) => marketingOptIn).length
  assert.ok(optedIn > 1_500 && optedIn < 1_700, String(optedIn))
})

for (const events of [1, 2, 600, 20_000]) {
  test(`${events} events are asked for, and as many are generated`, () => {
    const generated = generateDemoData({ seed: 3, events }).events
    assert.equal(generated.length, events)
    assert.equal(new Set(generated.map(({ value }) => value.eventId)).size, events)
  })
}

test('the six types come in their shares', () => {
  const shares: Record<DomainEventType, number> = {
    accountCreated: 8,
    activityWishlisted: 25,
    activityAddedToCart: 25,
    bookingCompleted: 20,
    activityPreparationStarted: 11,
    activityConducted: 11,
  }
  for (const [type, percent] of Object.entries(shares)) {
    const seen = (100 * data.events.filter(event => event.type === type).length) / data.events.length
    assert.ok(Math.abs(seen - percent) < 1, `${type}: ${seen} %, expected about ${percent} %`)
  }
})

test('what happens is published in its order, and long past', () => {
  let before = 0
  for (const { value } of data.events) {
    assert.ok(value.occurredAt >= before)
    before = value.occurredAt
  }
  assert.ok(before < Date.UTC(2025, 6, 1))
})

test('an account exists before anything else happens to its customer', () => {
  const known = new Set<string>()
  for (const { type, value } of data.events) {
    if (type === 'accountCreated') assert.ok(!known.has(value.customerId), value.customerId)
    known.add(value.customerId)
  }
})

test('a booking was in the cart, and what is prepared and conducted was booked by the same customer', () => {
  const inCart = new Set<string>()
  const booked = new Map<string, DomainEventOf<'bookingCompleted'>>()
  let followed = 0
  for (const { type, value } of data.events) {
    if (type === 'activityAddedToCart')
      inCart.add(`${value.customerId} ${value.activityId} ${value.startsAt}`)
    if (type === 'bookingCompleted') {
      assert.ok(inCart.has(`${value.customerId} ${value.activityId} ${value.startsAt}`))
      assert.ok(value.startsAt > value.occurredAt)
      booked.set(value.bookingId, value)
    }
    if (type !== 'activityPreparationStarted' && type !== 'activityConducted') continue
    const booking = booked.get(value.bookingId)
    assert.deepEqual(
      { customer: booking?.customerId, activity: booking?.activityId },
      { customer: value.customerId, activity: value.activityId },
    )
    const isAhead = value.occurredAt < booking!.startsAt
    assert.equal(isAhead, type === 'activityPreparationStarted')
    followed += 1
  }
  assert.ok(followed > 4_000)
})

test('what is stored ahead lets every case of an enrichment come up', () => {
  const byCustomer = Map.groupBy(data.bookings, ({ customerId }) => customerId)
  const cases = { none: 0, some: 0, over: 0, itself: 0 }
  for (const { type, value } of data.events) {
    if (type !== 'bookingCompleted') continue
    const stored = byCustomer.get(value.customerId) ?? []
    // What activities-api answers when it is not told how many.
    assert.ok(stored.length <= 100)
    const others = stored.filter(({ bookingId }) => bookingId !== value.bookingId)
    const upcoming = others.filter(({ startsAt }) => startsAt > value.occurredAt)
    cases[upcoming.length === 0 ? 'none' : 'some'] += 1
    if (upcoming.length < others.length) cases.over += 1
    if (others.length < stored.length) cases.itself += 1
  }
  for (const [name, count] of Object.entries(cases)) assert.ok(count > 50, `${name}: ${count}`)
})

test('no kind of malformed record can be decoded', async () => {
  const registry = new InMemorySchemaRegistry()
  const codec = await customerEvents.value.open({
    topic: customerEvents.name,
    part: 'value',
    uses: { read: true, write: true },
    registry,
  })
  for (const event of data.events.slice(0, 50)) {
    const sample = Buffer.from(codec.encode(event))
    const records = generateMalformed({ seed: 1, count: 4, events: 50, customers: data.customers, sample })
    assert.equal(records.length, 4)
    for (const { value } of records) {
      await assert.rejects(decode(value), (error: { code?: string }) =>
        ['TOPOLOGY_DESERIALIZATION_FAILED', 'TOPOLOGY_SCHEMA_UNKNOWN'].includes(error.code ?? ''),
      )
    }
  }

  async function decode(value: Buffer): Promise<unknown> {
    try {
      return codec.decode(value, 0, value.length)
    } catch (error) {
      if (!(error instanceof SchemaNotLoaded)) throw error
      await error.load()
      return codec.decode(value, 0, value.length)
    }
  }
})

test('malformed records are spread over the events, in the order in which they are published', () => {
  const records = generateMalformed({
    seed: 1,
    count: 100,
    events: 1_000,
    customers: data.customers,
    sample: Buffer.alloc(20),
  })
  const places = records.map(({ behind }) => behind)
  assert.deepEqual(
    places,
    places.toSorted((one, other) => one - other),
  )
  assert.ok(places[0]! < 100 && places.at(-1)! > 900)
})
