import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TopologyTestDriver } from '@tributary/topology/testing'
import { bookings, customers, greeter, greetings } from '../src/topology.ts'

test('a customer who opted in is greeted, one who did not is left alone', async () => {
  const driver = await TopologyTestDriver.create(greeter)
  driver.table(customers).put('c1', { firstName: 'Ada', optedIn: true })
  driver.table(customers).put('c2', { firstName: 'Bob', optedIn: false })
  driver.input(bookings).put('c1', { bookingId: 'b1', city: 'Paris' })
  driver.input(bookings).put('c2', { bookingId: 'b2', city: 'Rome' })
  const greeted = driver.output(greetings).take()
  assert.deepEqual(
    greeted.map(({ key, value }) => [key, value]),
    [['c1', 'Enjoy Paris, Ada!']],
  )
})
