import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Activity, Customer, DomainEvent, DomainEventOf } from '@tributary/marketing-events'
import type { StoredBooking } from '../../demo/data/demo-data.ts'
import { expectedAtBraze } from '../../demo/verify/expected.ts'

const ada: Customer = {
  customerId: 'ada',
  email: 'ada@example.com',
  firstName: 'Ada',
  language: 'en',
  country: 'GB',
  marketingOptIn: true,
}
const bob: Customer = { ...ada, customerId: 'bob', marketingOptIn: false }

const louvre: Activity = {
  activityId: 'louvre',
  title: 'Louvre: skip the line',
  city: 'Paris',
  country: 'FR',
  latitude: 48.8606,
  longitude: 2.3376,
  category: 'museum',
}

const noon = Date.UTC(2025, 5, 1, 12)
const HOUR_MS = 3_600_000

const booking: DomainEventOf<'bookingCompleted'> = {
  eventId: 'e-4',
  customerId: 'ada',
  occurredAt: noon,
  bookingId: 'b-1',
  activityId: 'louvre',
  startsAt: noon + 24 * HOUR_MS,
  participants: 2,
  price: { amount: '45.50', currency: 'EUR' },
  promoCode: 'SUMMER',
}

const ofLouvre = {
  activity_id: 'louvre',
  activity_title: 'Louvre: skip the line',
  activity_category: 'museum',
  activity_city: 'Paris',
  activity_country: 'FR',
  activity_latitude: 48.8606,
  activity_longitude: 2.3376,
}

function stored(bookingId: string, startsAt: number, customerId = 'ada'): StoredBooking {
  return {
    bookingId,
    customerId,
    activityId: `of-${bookingId}`,
    title: 'Boat',
    city: 'Roma',
    country: 'IT',
    startsAt,
  }
}

function expectedOf(events: readonly DomainEvent[], bookings: readonly StoredBooking[] = []) {
  return expectedAtBraze({ customers: [ada, bob], activities: [louvre], bookings, events })
}

test('each of the six events, as Braze has to get it', () => {
  const common = { customerId: 'ada', occurredAt: noon }
  const { eventId: _, price, promoCode: __, ...booked } = booking
  const startsAt = booking.startsAt
  const { events } = expectedOf([
    { type: 'accountCreated', value: { ...common, eventId: 'e-1', channel: 'IOS' } },
    {
      type: 'activityWishlisted',
      value: { ...common, eventId: 'e-2', activityId: 'louvre', wishlist: 'Paris' },
    },
    {
      type: 'activityAddedToCart',
      value: { ...common, eventId: 'e-3', activityId: 'louvre', startsAt, participants: 2, price },
    },
    { type: 'bookingCompleted', value: booking },
    { type: 'activityPreparationStarted', value: { ...booked, eventId: 'e-5' } },
    { type: 'activityConducted', value: { ...booked, eventId: 'e-6' } },
  ])
  const starts = { starts_at: '2025-06-02T12:00:00.000Z' }
  const cost = { price: 45.5, currency: 'EUR' }
  const expected: [name: string, properties: object][] = [
    ['account_created', { event_id: 'e-1', channel: 'ios' }],
    ['activity_wishlisted', { event_id: 'e-2', ...ofLouvre, wishlist: 'Paris' }],
    ['activity_added_to_cart', { event_id: 'e-3', ...ofLouvre, ...starts, participants: 2, ...cost }],
    [
      'booking_completed',
      {
        event_id: 'e-4',
        ...ofLouvre,
        booking_id: 'b-1',
        ...starts,
        participants: 2,
        ...cost,
        promo_code: 'SUMMER',
        other_upcoming_activities: [],
      },
    ],
    ['activity_preparation_started', { event_id: 'e-5', ...ofLouvre, booking_id: 'b-1', ...starts }],
    ['activity_conducted', { event_id: 'e-6', ...ofLouvre, booking_id: 'b-1', participants: 2 }],
  ]
  assert.deepEqual(
    events,
    expected.map(([name, properties]) => ({
      external_id: 'ada',
      name,
      time: '2025-06-01T12:00:00.000Z',
      properties,
    })),
  )
})

test('what a customer did not say is left out', () => {
  const wish = { eventId: 'e-1', customerId: 'ada', occurredAt: noon, activityId: 'louvre', wishlist: null }
  const { events } = expectedOf([
    { type: 'activityWishlisted', value: wish },
    { type: 'bookingCompleted', value: { ...booking, promoCode: null } },
  ])
  assert.ok(!('wishlist' in events[0]!.properties))
  assert.ok(!('promo_code' in events[1]!.properties))
})

test('nothing is expected of a customer who did not opt in, of an unknown one, and of an unknown activity', () => {
  const { events, attributes } = expectedOf([
    { type: 'bookingCompleted', value: { ...booking, customerId: 'bob' } },
    { type: 'bookingCompleted', value: { ...booking, customerId: 'eve' } },
    { type: 'bookingCompleted', value: { ...booking, activityId: 'closed' } },
  ])
  assert.deepEqual(events, [])
  assert.equal(attributes.size, 0)
})

test('other plans are those that start later than the booking was made, without itself, soonest first', () => {
  const { events } = expectedOf(
    [{ type: 'bookingCompleted', value: booking }],
    [
      stored('b-9', noon + 3 * HOUR_MS),
      stored('b-3', noon + 9 * HOUR_MS),
      stored('b-2', noon + 9 * HOUR_MS),
      stored('b-1', booking.startsAt),
      stored('b-4', noon),
      stored('b-5', noon - HOUR_MS),
      stored('b-6', noon + 1, 'bob'),
    ],
  )
  const others = events[0]!.properties['other_upcoming_activities'] as readonly Record<string, unknown>[]
  assert.deepEqual(others[0], {
    activity_id: 'of-b-9',
    title: 'Boat',
    city: 'Roma',
    country: 'IT',
    starts_at: '2025-06-01T15:00:00.000Z',
  })
  assert.deepEqual(
    others.map(other => other['activity_id']),
    ['of-b-9', 'of-b-2', 'of-b-3'],
  )
})

test('a profile has what the account brought and what the last booking left', () => {
  const account = { eventId: 'e-1', customerId: 'ada', occurredAt: noon, channel: 'WEB' } as const
  const { attributes } = expectedOf([
    { type: 'bookingCompleted', value: booking },
    { type: 'accountCreated', value: account },
    { type: 'bookingCompleted', value: { ...booking, eventId: 'e-5', occurredAt: noon + HOUR_MS } },
  ])
  assert.deepEqual(Object.fromEntries(attributes), {
    ada: {
      email: 'ada@example.com',
      first_name: 'Ada',
      language: 'en',
      country: 'GB',
      signup_channel: 'web',
      last_booked_city: 'Paris',
      last_booking_at: '2025-06-01T13:00:00.000Z',
    },
  })
})
