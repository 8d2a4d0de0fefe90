import { defineAvro, type InferAvro, type KStream } from '@tributary/topology'
import type { DomainEventOf } from '../domain/customer-events.ts'
import type { Lookups } from '../lookups.ts'
import { activityDetails, describeActivity, eventFields } from '../schema-parts.ts'

/** A customer put an activity on a wishlist. */
export const activityWishlistedSchema = defineAvro({
  type: 'record',
  namespace: 'com.marketplace.marketing',
  name: 'ActivityWishlisted',
  fields: [
    ...eventFields,
    { name: 'wishlist', type: ['null', 'string'], default: null },
    { name: 'activity', type: activityDetails },
  ],
})

export type ActivityWishlisted = InferAvro<typeof activityWishlistedSchema>

export function activityWishlisted(
  wishes: KStream<string, DomainEventOf<'activityWishlisted'>>,
  { customers, activities }: Lookups,
): KStream<string, { type: 'activityWishlisted'; value: ActivityWishlisted }> {
  return wishes
    .join(customers, { joiner: (wish, customer) => ({ wish, customer }) })
    .filter(({ customer }) => customer.marketingOptIn)
    .join(activities, {
      key: ({ wish }) => wish.activityId,
      joiner: ({ wish }, activity) => ({
        type: 'activityWishlisted',
        value: {
          eventId: wish.eventId,
          customerId: wish.customerId,
          occurredAt: wish.occurredAt,
          wishlist: wish.wishlist,
          activity: describeActivity(activity),
        },
      }),
    })
}
