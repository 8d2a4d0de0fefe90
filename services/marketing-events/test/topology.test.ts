import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import {
  activities,
  customerEvents,
  customers,
  marketingEvents,
  marketingTopology,
  type UpcomingActivities,
} from '@tributary/marketing-events'
import { TopologyTestDriver } from '@tributary/topology/testing'
import { ada, booking, louvre, oneOfEach, seineCruise } from './fixtures.ts'

async function drive(t: TestContext, upcoming: UpcomingActivities = () => Promise.resolve([])) {
  const driver = await TopologyTestDriver.create(marketingTopology(upcoming))
  t.after(() => driver.close())
  return {
    driver,
    customers: driver.table(customers),
    activities: driver.table(activities),
    events: driver.input(customerEvents),
    out: driver.output(marketingEvents),
  }
}

test('a booking of a customer who opted in becomes a marketing event with the activity and the other plans', async t => {
  const asked: unknown[] = []
  const { driver, customers, activities, events, out } = await drive(t, (customerId, after) => {
    asked.push({ customerId, after })
    return Promise.resolve([seineCruise, { ...seineCruise, bookingId: booking.bookingId }])
  })
  customers.put('c-1', ada)
  activities.put('a-1', louvre)
  events.put('c-1', { type: 'bookingCompleted', value: booking })
  await driver.settle()

  const [event] = out.take()
  assert.equal(event?.key, 'c-1')
  assert.deepEqual(event.value, {
    type: 'bookingCompleted',
    value: {
      eventId: 'e-1',
      customerId: 'c-1',
      occurredAt: booking.occurredAt,
      bookingId: 'b-1',
      startsAt: booking.startsAt,
      participants: 2,
      price: { amount: '45.50', currency: 'EUR' },
      promoCode: null,
      activity: { ...louvre },
      // The booking itself is not one of the customer's other plans.
      otherUpcomingActivities: [
        {
          activityId: 'a-2',
          title: 'Seine cruise',
          city: 'Paris',
          country: 'FR',
          startsAt: seineCruise.startsAt,
        },
      ],
    },
  })
  assert.deepEqual(asked, [{ customerId: 'c-1', after: booking.occurredAt }])
})

test('each of the six domain events becomes its marketing event', async t => {
  const { driver, customers, activities, events, out } = await drive(t)
  customers.put('c-1', ada)
  activities.put('a-1', louvre)
  for (const event of oneOfEach) events.put('c-1', event)
  await driver.settle()
  assert.deepEqual(
    out.take().map(({ value }) => [value.type, value.value.eventId]),
    oneOfEach.map(({ type, value }) => [type, value.eventId]),
  )
})

test('nothing about a customer who did not opt in leaves the topology', async t => {
  const { driver, customers, activities, events, out } = await drive(t, () => {
    throw new Error('the API must not be asked')
  })
  customers.put('c-1', { ...ada, marketingOptIn: false })
  activities.put('a-1', louvre)
  for (const event of oneOfEach) events.put('c-1', event)
  await driver.settle()
  assert.deepEqual(out.take(), [])
  assert.deepEqual(driver.takeDeadLetters(), [])
})

test('a customer who opts out is left alone from then on, and one who is deleted too', async t => {
  const { customers, activities, events, out } = await drive(t)
  const wish = oneOfEach[1]!
  activities.put('a-1', louvre)
  customers.put('c-1', ada)
  events.put('c-1', wish)
  assert.equal(out.take().length, 1)
  customers.put('c-1', { ...ada, marketingOptIn: false })
  events.put('c-1', wish)
  customers.tombstone('c-1')
  events.put('c-1', wish)
  assert.deepEqual(out.take(), [])
})

test("a booking waits for the API, and the customer's later events wait behind it", async t => {
  let isUp = false
  const { driver, customers, activities, events, out } = await drive(t, () =>
    isUp ? Promise.resolve([]) : Promise.reject(new Error('connection refused')),
  )
  customers.put('c-1', ada)
  customers.put('c-9', { ...ada, customerId: 'c-9' })
  activities.put('a-1', louvre)
  events.put('c-1', { type: 'bookingCompleted', value: booking })
  events.put('c-1', oneOfEach[5]!)
  events.put('c-9', oneOfEach[1]!)
  await driver.advance(300_000)
  assert.deepEqual(
    out.take().map(({ key }) => key),
    ['c-9'],
  )
  isUp = true
  await driver.advance(300_000)
  assert.deepEqual(
    out.take().map(({ value }) => value.type),
    ['bookingCompleted', 'activityConducted'],
  )
})

test('a record that is no domain event goes to the dead letters with its bytes, and the next one is processed', async t => {
  const { driver, customers, activities, events, out } = await drive(t)
  customers.put('c-1', ada)
  activities.put('a-1', louvre)
  events.putRaw(Buffer.from('c-1'), Buffer.from('not avro'))
  events.put('c-1', oneOfEach[1]!)
  const [letter] = driver.takeDeadLetters()
  assert.equal(letter?.value?.toString(), 'not avro')
  assert.equal(letter.headerTexts['__streams.errors.topic'], 'customer-events')
  assert.equal(letter.headerTexts['tributary.errors.code'], 'TOPOLOGY_DESERIALIZATION_FAILED')
  assert.equal(out.take().length, 1)
})
