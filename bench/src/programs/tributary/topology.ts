import {
  avro,
  streamTopic,
  string,
  tableTopic,
  topology,
  type SerdeValue,
  type Topology,
} from '@tributary/topology'
import type { ProgramPlace } from '../program.ts'
import { activitySchema, bookingSchema, customerSchema, marketingEventSchema } from './schemas.ts'

const booking = avro(bookingSchema)
const customer = avro(customerSchema)
const activity = avro(activitySchema)
const marketingEvent = avro(marketingEventSchema)

type Booking = SerdeValue<typeof booking>
type Customer = SerdeValue<typeof customer>
type Activity = SerdeValue<typeof activity>
type MarketingEvent = SerdeValue<typeof marketingEvent>

interface Enriched {
  readonly booking: Booking
  /** Undefined for a customer without a row, in the variant `left-join`. */
  readonly customer: Customer | undefined
  readonly activity: Activity
}

const FEWEST_OF_FILTERED = 4

/** The job as a stream author writes it, with nothing but the public names. */
export function bookingTopology(place: ProgramPlace): Topology {
  const bookings = streamTopic(place.bookings, { key: string(), value: booking })
  const customers = tableTopic(place.customers, { key: string(), value: customer })
  const activities = tableTopic(place.activities, { key: string(), value: activity })
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
  withCustomer
    .join(builder.globalTable(activities), {
      key: ({ booking }) => booking.activityId,
      joiner: ({ booking, customer }, activity) => ({ booking, customer, activity }),
    })
    .mapValues(toMarketingEvent)
    .to(marketingEvents)
  return builder.build()
}

function toMarketingEvent({ booking, customer, activity }: Enriched): MarketingEvent {
  return {
    name: 'booking_completed',
    externalId: booking.customerId,
    time: booking.bookedAt,
    properties: {
      bookingId: booking.bookingId,
      title: activity.title,
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
