import { defineAvro, type InferAvro, type KStream } from '@tributary/topology'
import type { DomainEventOf } from '../domain/customer-events.ts'
import type { Lookups } from '../lookups.ts'
import { activityDetails, describeActivity, eventFields, money, timestamp } from '../schema-parts.ts'

/** A customer booked an activity. Marketing recommends what goes well with it and with the customer's other plans. */
export const bookingCompletedSchema = defineAvro({
  type: 'record',
  namespace: 'com.marketplace.marketing',
  name: 'BookingCompleted',
  fields: [
    ...eventFields,
    { name: 'bookingId', type: 'string' },
    { name: 'startsAt', type: timestamp },
    { name: 'participants', type: 'int' },
    { name: 'price', type: money },
    { name: 'promoCode', type: ['null', 'string'], default: null },
    { name: 'activity', type: activityDetails },
    {
      name: 'otherUpcomingActivities',
      doc: 'What else the customer has coming up when booking, soonest first',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'UpcomingActivity',
          fields: [
            { name: 'activityId', type: 'string' },
            { name: 'title', type: 'string' },
            { name: 'city', type: 'string' },
            { name: 'country', type: 'string' },
            { name: 'startsAt', type: timestamp },
          ],
        },
      },
      default: [],
    },
  ],
})

export type BookingCompleted = InferAvro<typeof bookingCompletedSchema>

export function bookingCompleted(
  bookings: KStream<string, DomainEventOf<'bookingCompleted'>>,
  { customers, activities, upcomingActivities }: Lookups,
): KStream<string, { type: 'bookingCompleted'; value: BookingCompleted }> {
  return bookings
    .join(customers, { joiner: (booking, customer) => ({ booking, customer }) })
    .filter(({ customer }) => customer.marketingOptIn)
    .join(activities, {
      key: ({ booking }) => booking.activityId,
      joiner: ({ booking }, activity) => ({ booking, activity }),
    })
    .enrich({
      using: ({ booking }, _, { signal }) =>
        upcomingActivities(booking.customerId, booking.occurredAt, signal),
      joiner: ({ booking, activity }, upcoming) => ({ booking, activity, upcoming }),
      retry: { maxMs: 5_000 },
    })
    .mapValues(({ booking, activity, upcoming }) => ({
      type: 'bookingCompleted',
      value: {
        eventId: booking.eventId,
        customerId: booking.customerId,
        occurredAt: booking.occurredAt,
        bookingId: booking.bookingId,
        startsAt: booking.startsAt,
        participants: booking.participants,
        price: booking.price,
        promoCode: booking.promoCode,
        activity: describeActivity(activity),
        otherUpcomingActivities: upcoming
          .filter(other => other.bookingId !== booking.bookingId)
          .map(({ activityId, title, city, country, startsAt }) => ({
            activityId,
            title,
            city,
            country,
            startsAt,
          })),
      },
    }))
}
