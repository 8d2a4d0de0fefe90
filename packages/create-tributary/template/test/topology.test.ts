import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TopologyTestDriver } from '@tributary/topology/testing'
import { bookings, customers, greeter, greetings } from '../src/topology.ts'

const bookedAt = Date.UTC(2026, 0, 31)

test('a customer who opted in is greeted, one who did not is left alone', async () => {
  const driver = await TopologyTestDriver.create(greeter)
  driver.table(customers).put('c1', { firstName: 'Ada', optedIn: true })
  driver.table(customers).put('c2', { firstName: 'Bob', optedIn: false })

  driver.input(bookings).put('c1', { bookingId: 'b1', city: 'Paris', bookedAt })
  driver.input(bookings).put('c2', { bookingId: 'b2', city: 'Rome', bookedAt })

  const greeted = driver.output(greetings).take()
  assert.deepEqual(
    greeted.map(({ key, value }) => [key, value]),
    [['c1', { bookingId: 'b1', text: 'Enjoy Paris, Ada!' }]],
  )
})

test('a booking that cannot be read is a dead letter, and the next one is greeted', async () => {
  const driver = await TopologyTestDriver.create(greeter)
  driver.table(customers).put('c1', { firstName: 'Ada', optedIn: true })

  driver.input(bookings).putRaw(Buffer.from('c1'), Buffer.from('no Avro'))
  driver.input(bookings).put('c1', { bookingId: 'b1', city: 'Paris', bookedAt })

  assert.equal(driver.takeDeadLetters().length, 1)
  assert.equal(driver.output(greetings).take().length, 1)
})
