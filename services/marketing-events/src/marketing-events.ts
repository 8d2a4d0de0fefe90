import { avroOneOf, streamTopic, string, type SerdeValue, type StreamTopic } from '@tributary/topology'
import { accountCreatedSchema } from './events/account-created.ts'
import { activityAddedToCartSchema } from './events/activity-added-to-cart.ts'
import { activityConductedSchema } from './events/activity-conducted.ts'
import { activityPreparationStartedSchema } from './events/activity-preparation-started.ts'
import { activityWishlistedSchema } from './events/activity-wishlisted.ts'
import { bookingCompletedSchema } from './events/booking-completed.ts'

/* One schema per event, each under a subject of its own: they evolve apart, and analysts see plain records. */
const marketingEvent = avroOneOf({
  accountCreated: accountCreatedSchema,
  activityWishlisted: activityWishlistedSchema,
  activityAddedToCart: activityAddedToCartSchema,
  bookingCompleted: bookingCompletedSchema,
  activityPreparationStarted: activityPreparationStartedSchema,
  activityConducted: activityConductedSchema,
})

export type MarketingEvent = SerdeValue<typeof marketingEvent>

/** Keyed by customer, read by the sink and by analysts. */
export const marketingEvents: StreamTopic<string, MarketingEvent> = streamTopic('marketing-events', {
  key: string(),
  value: marketingEvent,
})
