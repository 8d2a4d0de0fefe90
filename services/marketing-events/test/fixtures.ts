import type {
  Activity,
  Customer,
  DomainEvent,
  DomainEventOf,
  UpcomingActivity,
} from '@tributary/marketing-events'

export const ada: Customer = {
  customerId: 'c-1',
  email: 'ada@example.com',
  firstName: 'Ada',
  language: 'en',
  country: 'GB',
  marketingOptIn: true,
}

export const louvre: Activity = {
  activityId: 'a-1',
  title: 'Louvre: skip the line',
  city: 'Paris',
  country: 'FR',
  latitude: 48.8606,
  longitude: 2.3376,
  category: 'museum',
}

export const seineCruise: UpcomingActivity = {
  bookingId: 'b-2',
  activityId: 'a-2',
  title: 'Seine cruise',
  city: 'Paris',
  country: 'FR',
  startsAt: Date.UTC(2026, 5, 3),
}

export const booking: DomainEventOf<'bookingCompleted'> = {
  eventId: 'e-1',
  customerId: 'c-1',
  occurredAt: Date.UTC(2026, 5, 1),
  bookingId: 'b-1',
  activityId: 'a-1',
  startsAt: Date.UTC(2026, 5, 2),
  participants: 2,
  price: { amount: '45.50', currency: 'EUR' },
  promoCode: null,
}

export const oneOfEach: readonly DomainEvent[] = [
  { type: 'accountCreated', value: { eventId: 'e-2', customerId: 'c-1', occurredAt: 1, channel: 'WEB' } },
  {
    type: 'activityWishlisted',
    value: { eventId: 'e-3', customerId: 'c-1', occurredAt: 2, activityId: 'a-1', wishlist: 'Paris' },
  },
  {
    type: 'activityAddedToCart',
    value: {
      eventId: 'e-4',
      customerId: 'c-1',
      occurredAt: 3,
      activityId: 'a-1',
      startsAt: 9,
      participants: 2,
      price: { amount: '45.50', currency: 'EUR' },
    },
  },
  { type: 'bookingCompleted', value: booking },
  {
    type: 'activityPreparationStarted',
    value: {
      eventId: 'e-5',
      customerId: 'c-1',
      occurredAt: 5,
      bookingId: 'b-1',
      activityId: 'a-1',
      startsAt: 9,
    },
  },
  {
    type: 'activityConducted',
    value: {
      eventId: 'e-6',
      customerId: 'c-1',
      occurredAt: 6,
      bookingId: 'b-1',
      activityId: 'a-1',
      participants: 2,
    },
  },
]
