import type { MarketingEvent } from '@tributary/marketing-events'

// The world's clock begins a little later: Braze puts its own time in place of one in the future.
export const EVENTS_BEGIN = Date.parse('2026-06-01T10:00:00Z')

const activity = {
  activityId: 'a-1',
  title: 'Louvre: skip the line',
  category: 'museum',
  city: 'Paris',
  country: 'FR',
  latitude: 48.8606,
  longitude: 2.3376,
}

interface Whose {
  readonly eventId: string
  readonly customerId: string
  readonly occurredAt: number
}

function whose(customerId: string, n: number): Whose {
  return { eventId: `${customerId}-${n}`, customerId, occurredAt: EVENTS_BEGIN + n * 1_000 }
}

/** One object at Braze: an event. */
export function wishlisted(customerId: string, n: number, wishlist = 'Paris'): MarketingEvent {
  return { type: 'activityWishlisted', value: { ...whose(customerId, n), activity, wishlist } }
}

/** Two objects at Braze: attributes and an event. */
export function booked(customerId: string, n: number, city = 'Paris'): MarketingEvent {
  return {
    type: 'bookingCompleted',
    value: {
      ...whose(customerId, n),
      bookingId: `b-${n}`,
      startsAt: EVENTS_BEGIN + 86_400_000,
      participants: 2,
      price: { amount: '45.50', currency: 'EUR' },
      promoCode: null,
      activity: { ...activity, city },
      otherUpcomingActivities: [],
    },
  }
}

/** Two objects at Braze: attributes and an event. */
export function accountCreated(
  customerId: string,
  n: number,
  given: { readonly email?: string; readonly firstName?: string } = {},
): MarketingEvent {
  const { email = `${customerId}@example.com`, firstName = 'Ada' } = given
  return {
    type: 'accountCreated',
    value: { ...whose(customerId, n), email, firstName, language: 'en', country: 'GB', channel: 'WEB' },
  }
}

/** `c-0`, `c-1`, … */
export function customers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `c-${index}`)
}
