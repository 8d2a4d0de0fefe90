import { defineAvro, type InferAvro, type KStream } from '@tributary/topology'
import type { DomainEventOf } from '../domain/customer-events.ts'
import type { Lookups } from '../lookups.ts'
import { activityDetails, describeActivity, eventFields, timestamp } from '../schema-parts.ts'

/** A booked activity is near: marketing may help to prepare. */
export const activityPreparationStartedSchema = defineAvro({
  type: 'record',
  namespace: 'com.marketplace.marketing',
  name: 'ActivityPreparationStarted',
  fields: [
    ...eventFields,
    { name: 'bookingId', type: 'string' },
    { name: 'startsAt', type: timestamp },
    { name: 'activity', type: activityDetails },
  ],
})

export type ActivityPreparationStarted = InferAvro<typeof activityPreparationStartedSchema>

export function activityPreparationStarted(
  preparations: KStream<string, DomainEventOf<'activityPreparationStarted'>>,
  { customers, activities }: Lookups,
): KStream<string, { type: 'activityPreparationStarted'; value: ActivityPreparationStarted }> {
  return preparations
    .join(customers, { joiner: (preparation, customer) => ({ preparation, customer }) })
    .filter(({ customer }) => customer.marketingOptIn)
    .join(activities, {
      key: ({ preparation }) => preparation.activityId,
      joiner: ({ preparation }, activity) => ({
        type: 'activityPreparationStarted',
        value: {
          eventId: preparation.eventId,
          customerId: preparation.customerId,
          occurredAt: preparation.occurredAt,
          bookingId: preparation.bookingId,
          startsAt: preparation.startsAt,
          activity: describeActivity(activity),
        },
      }),
    })
}
