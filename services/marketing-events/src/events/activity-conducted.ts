import { defineAvro, type InferAvro, type KStream } from '@tributary/topology'
import type { DomainEventOf } from '../domain/customer-events.ts'
import type { Lookups } from '../lookups.ts'
import { activityDetails, describeActivity, eventFields } from '../schema-parts.ts'

/** An activity has taken place: marketing may ask how it was. */
export const activityConductedSchema = defineAvro({
  type: 'record',
  namespace: 'com.marketplace.marketing',
  name: 'ActivityConducted',
  fields: [
    ...eventFields,
    { name: 'bookingId', type: 'string' },
    { name: 'participants', type: 'int' },
    { name: 'activity', type: activityDetails },
  ],
})

export type ActivityConducted = InferAvro<typeof activityConductedSchema>

export function activityConducted(
  visits: KStream<string, DomainEventOf<'activityConducted'>>,
  { customers, activities }: Lookups,
): KStream<string, { type: 'activityConducted'; value: ActivityConducted }> {
  return visits
    .join(customers, { joiner: (visit, customer) => ({ visit, customer }) })
    .filter(({ customer }) => customer.marketingOptIn)
    .join(activities, {
      key: ({ visit }) => visit.activityId,
      joiner: ({ visit }, activity) => ({
        type: 'activityConducted',
        value: {
          eventId: visit.eventId,
          customerId: visit.customerId,
          occurredAt: visit.occurredAt,
          bookingId: visit.bookingId,
          participants: visit.participants,
          activity: describeActivity(activity),
        },
      }),
    })
}
