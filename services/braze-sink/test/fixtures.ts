import type { MarketingEvent } from '@tributary/marketing-events'

const AT = Date.parse('2026-06-01T10:00:00Z')

const activity = {
  activityId: 'a-1',
  title: 'Louvre: skip the line',
  category: 'museum',
  city: 'Paris',
  country: 'FR',
  latitude: 48.8606,
  longitude: 2.3376,
}
const price = { amount: '45.50', currency: 'EUR' }

interface Whose {
  readonly eventId: string
  readonly customerId: string
  readonly occurredAt: number
}

/** One marketing event of each type, of one customer. */
export function eventsOf(customerId: string): readonly MarketingEvent[] {
  const whose = (n: number): Whose => ({
    eventId: `${customerId}-${n}`,
    customerId,
    occurredAt: AT + n * 1_000,
  })
  return [
    {
      type: 'accountCreated',
      value: {
        ...whose(1),
        email: 'ada@example.com',
        firstName: 'Ada',
        language: 'en',
        country: 'GB',
        channel: 'WEB',
      },
    },
    { type: 'activityWishlisted', value: { ...whose(2), activity, wishlist: 'Paris' } },
    { type: 'activityAddedToCart', value: { ...whose(3), activity, startsAt: AT, participants: 2, price } },
    {
      type: 'bookingCompleted',
      value: {
        ...whose(4),
        bookingId: 'b-1',
        startsAt: AT + 86_400_000,
        participants: 2,
        price,
        promoCode: null,
        activity,
        otherUpcomingActivities: [
          { activityId: 'a-2', title: 'Seine cruise', city: 'Paris', country: 'FR', startsAt: AT },
        ],
      },
    },
    { type: 'activityPreparationStarted', value: { ...whose(5), bookingId: 'b-1', activity, startsAt: AT } },
    { type: 'activityConducted', value: { ...whose(6), bookingId: 'b-1', activity, participants: 2 } },
  ]
}
