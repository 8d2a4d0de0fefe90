import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isUrgent, recordToBraze, toBraze } from '@tributary/braze-sink'
import { brazeAttributes, brazeEvent, brazeTombstone, invalidObject } from '@tributary/sink-braze'
import { eventsOf } from './fixtures.ts'

test('every type of event becomes objects that Braze takes, attributes before the event', () => {
  for (const event of eventsOf('c-1')) {
    const objects = toBraze(event)
    assert.deepEqual(
      objects.map(invalidObject),
      objects.map(() => undefined),
      event.type,
    )
    assert.equal(objects.at(-1)?.kind, 'event')
    assert.ok(objects.slice(0, -1).every(({ kind }) => kind === 'attributes'))
  }
})

test('a completed booking tells what was booked, for how much, and what else is coming up', () => {
  const booking = eventsOf('c-1').find(({ type }) => type === 'bookingCompleted')
  assert.ok(booking)
  assert.deepEqual(toBraze(booking), [
    brazeAttributes({
      external_id: 'c-1',
      last_booked_city: 'Paris',
      last_booking_at: '2026-06-01T10:00:04.000Z',
    }),
    brazeEvent({
      external_id: 'c-1',
      name: 'booking_completed',
      time: '2026-06-01T10:00:04.000Z',
      properties: {
        event_id: 'c-1-4',
        activity_id: 'a-1',
        activity_title: 'Louvre: skip the line',
        activity_category: 'museum',
        activity_city: 'Paris',
        activity_country: 'FR',
        activity_latitude: 48.8606,
        activity_longitude: 2.3376,
        price: 45.5,
        currency: 'EUR',
        booking_id: 'b-1',
        starts_at: '2026-06-02T10:00:00.000Z',
        participants: 2,
        other_upcoming_activities: [
          {
            activity_id: 'a-2',
            title: 'Seine cruise',
            city: 'Paris',
            country: 'FR',
            starts_at: '2026-06-01T10:00:00.000Z',
          },
        ],
      },
    }),
  ])
})

test('a new account sets the profile', () => {
  const [attributes, event] = toBraze(eventsOf('c-1')[0]!)
  assert.deepEqual(attributes?.object, {
    external_id: 'c-1',
    email: 'ada@example.com',
    first_name: 'Ada',
    language: 'en',
    country: 'GB',
    signup_channel: 'WEB',
  })
  assert.deepEqual(event?.object, {
    external_id: 'c-1',
    name: 'account_created',
    time: '2026-06-01T10:00:01.000Z',
    properties: { event_id: 'c-1-1', channel: 'WEB' },
  })
})

test('a record without a value is a tombstone of its customer', () => {
  assert.deepEqual(recordToBraze(null, 'c-1'), [brazeTombstone({ external_id: 'c-1' })])
  const [created] = eventsOf('c-1')
  assert.deepEqual(recordToBraze(created!, 'c-1'), toBraze(created!))
})

test('events are urgent, updates of profiles and tombstones are not', () => {
  const urgent = [...toBraze(eventsOf('c-1')[0]!), brazeTombstone({ external_id: 'c-1' })].map(isUrgent)
  assert.deepEqual(urgent, [false, true, false])
})
