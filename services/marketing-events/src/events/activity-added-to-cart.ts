import { defineAvro, type InferAvro, type KStream } from '@tributary/topology'
import type { DomainEventOf } from '../domain/customer-events.ts'
import type { Lookups } from '../lookups.ts'
import { activityDetails, describeActivity, eventFields, money, timestamp } from '../schema-parts.ts'

/** A customer put an activity into the cart. Without a booking soon after, marketing may remind. */
export const activityAddedToCartSchema = defineAvro({
  type: 'record',
  namespace: 'com.marketplace.marketing',
  name: 'ActivityAddedToCart',
  fields: [
    ...eventFields,
    { name: 'startsAt', type: timestamp },
    { name: 'participants', type: 'int' },
    { name: 'price', type: money },
    { name: 'activity', type: activityDetails },
  ],
})

export type ActivityAddedToCart = InferAvro<typeof activityAddedToCartSchema>

export function activityAddedToCart(
  items: KStream<string, DomainEventOf<'activityAddedToCart'>>,
  { customers, activities }: Lookups,
): KStream<string, { type: 'activityAddedToCart'; value: ActivityAddedToCart }> {
  return items
    .join(customers, { joiner: (item, customer) => ({ item, customer }) })
    .filter(({ customer }) => customer.marketingOptIn)
    .join(activities, {
      key: ({ item }) => item.activityId,
      joiner: ({ item }, activity) => ({
        type: 'activityAddedToCart',
        value: {
          eventId: item.eventId,
          customerId: item.customerId,
          occurredAt: item.occurredAt,
          startsAt: item.startsAt,
          participants: item.participants,
          price: item.price,
          activity: describeActivity(activity),
        },
      }),
    })
}
