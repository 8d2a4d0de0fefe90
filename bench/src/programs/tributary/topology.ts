import type { Enricher } from '@tributary/enrichers'
import {
  avro,
  avroFields,
  streamTopic,
  string,
  tableTopic,
  topology,
  type KStream,
  type Serde,
  type SerdeValue,
  type Topology,
} from '@tributary/topology'
import type { ProgramPlace } from '../program.ts'
import { activitySchema, bookingSchema, customerSchema, marketingEventSchema } from './schemas.ts'

/** What the job uses of each record. */
const booking = avroFields(bookingSchema, [
  'bookingId',
  'customerId',
  'activityId',
  'bookedAt',
  'startsAt',
  'quantity',
  'price',
])
const customer = avroFields(customerSchema, ['locale', 'marketingOptIn'])
const activity = avroFields(activitySchema, ['title', 'city', 'country'])
const whole = { booking: avro(bookingSchema), customer: avro(customerSchema), activity: avro(activitySchema) }
const marketingEvent = avro(marketingEventSchema)

type Booking = SerdeValue<typeof booking>
type Customer = SerdeValue<typeof customer>
type Activity = SerdeValue<typeof activity>
type MarketingEvent = SerdeValue<typeof marketingEvent>

interface ReadSerdes {
  readonly booking: Serde<Booking>
  readonly customer: Serde<Customer>
  readonly activity: Serde<Activity>
}

interface BookingWithCustomer {
  readonly booking: Booking
  /** Undefined for a customer without a row, in the variant `left-join`. */
  readonly customer: Customer | undefined
}

interface Enriched extends BookingWithCustomer {
  readonly activity: Activity
  /** Only where the API is asked. */
  readonly placesLeft?: number
}

const FEWEST_OF_FILTERED = 4

/** Calls under way at once in each task: enough that records which wait for an answer do not hold up the others. */
const CALLS_PER_TASK = 512

/**
 * The job as a stream author writes it, with nothing but the public names. `placesLeft` asks the API about an activity, and is
 * there with the steps `enriched`.
 */
export function bookingTopology(place: ProgramPlace, placesLeft?: Enricher<string, number>): Topology {
  const read: ReadSerdes = place.readsWhole ? whole : { booking, customer, activity }
  const bookings = streamTopic(place.bookings, { key: string(), value: read.booking })
  const customers = tableTopic(place.customers, { key: string(), value: read.customer })
  const activities = tableTopic(place.activities, { key: string(), value: read.activity })
  const marketingEvents = streamTopic(place.output, { key: string(), value: marketingEvent })

  const builder = topology(place.group)
  const all = builder.stream(bookings)
  const wanted =
    place.steps === 'filtered' ? all.filter(({ quantity }) => quantity >= FEWEST_OF_FILTERED) : all
  const customerTable = builder.table(customers)
  const withCustomer =
    place.steps === 'left-join'
      ? wanted
          .leftJoin(customerTable, { joiner: (booking, customer) => ({ booking, customer }) })
          .filter(({ customer }) => customer === undefined || customer.marketingOptIn)
      : wanted
          .join(customerTable, { joiner: (booking, customer) => ({ booking, customer }) })
          .filter(({ customer }) => customer.marketingOptIn)
  const withExtraTables = place.extraTables.reduce<KStream<string, BookingWithCustomer>>(
    (stream, topic) =>
      stream.join(builder.table(tableTopic(topic, { key: string(), value: read.customer })), {
        joiner: ({ booking }, row) => ({ booking, customer: row }),
      }),
    withCustomer,
  )
  const withActivity = withExtraTables.join(builder.globalTable(activities), {
    key: ({ booking }) => booking.activityId,
    joiner: ({ booking, customer }, activity): Enriched => ({ booking, customer, activity }),
  })
  const complete =
    placesLeft === undefined
      ? withActivity
      : withActivity.enrich({
          using: ({ booking }, _key, { signal }) => placesLeft(booking.activityId, { signal }),
          joiner: (all, places): Enriched => ({ ...all, placesLeft: places }),
          maxInFlight: CALLS_PER_TASK,
        })
  withExtraSteps(complete, place.extraSteps).mapValues(toMarketingEvent).to(marketingEvents)
  return builder.build()
}

/** They do what steps of their kind do, and leave every value as it is. */
function withExtraSteps(stream: KStream<string, Enriched>, count: number): KStream<string, Enriched> {
  let longer = stream
  for (let index = 0; index < count; index += 1) {
    longer =
      index % 2 === 0
        ? longer.mapValues(({ booking, customer, activity }) => ({ booking, customer, activity }))
        : longer.filter(({ booking }) => booking.quantity > 0)
  }
  return longer
}

function toMarketingEvent({ booking, customer, activity, placesLeft }: Enriched): MarketingEvent {
  return {
    name: 'booking_completed',
    externalId: booking.customerId,
    time: booking.bookedAt,
    properties: {
      bookingId: booking.bookingId,
      title: placesLeft === undefined ? activity.title : `${activity.title} (${placesLeft} places left)`,
      city: activity.city,
      country: activity.country,
      startsAt: booking.startsAt,
      quantity: booking.quantity,
      amount: booking.price.amount,
      currency: booking.price.currency,
      locale: customer?.locale ?? 'und',
    },
  }
}
