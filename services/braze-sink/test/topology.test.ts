import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { createSimulator, type SimulatorOptions } from '@tributary/braze-simulator'
import { sinkTopology, type SinkTopologyOptions } from '@tributary/braze-sink'
import { marketingEvents } from '@tributary/marketing-events'
import { brazeDestination, type BrazeDestinationOptions } from '@tributary/sink-braze'
import { TopologyTestDriver } from '@tributary/topology/testing'
import { until } from '../../../test-support/until.ts'
import { eventsOf } from './fixtures.ts'

const LINGER_MS = 200

async function drive(
  t: TestContext,
  options: Partial<SimulatorOptions> = {},
  sink: Partial<BrazeDestinationOptions> & Partial<SinkTopologyOptions> = {},
) {
  const simulator = createSimulator({ apiKey: 'key', latencyMs: 2, ...options })
  t.after(() => simulator.close())
  const url = await simulator.app.listen({ port: 0, host: '127.0.0.1' })
  const { memoryTopic, ...braze } = sink
  // One process, so nobody's requests of before an assignment need be waited for.
  const limits = { handoverMs: 0 }
  const destination = brazeDestination({ url, apiKey: 'key', limits, ...braze })
  const driver = await TopologyTestDriver.create(
    sinkTopology({ destination, lingerMs: LINGER_MS, maxInFlight: 4, memoryTopic }),
    { partitions: 6 },
  )
  // It closes the destination.
  t.after(() => driver.close())
  const events = driver.input(marketingEvents)
  /** Lets what lingers go until everything is delivered or dead. */
  const finish = async (): Promise<void> => {
    await until('every record is finished', async () => {
      await driver.advance(LINGER_MS)
      return driver.inFlight === 0
    })
  }
  const fault = async (payload: object): Promise<void> => {
    await simulator.app.inject({ method: 'POST', url: '/_simulator/faults', payload })
  }
  const put = (customerIds: readonly string[]): void => {
    const histories = customerIds.map(eventsOf)
    for (let n = 0; n < 6; n += 1) {
      for (const [index, customerId] of customerIds.entries()) {
        const event = histories[index]?.[n]
        if (event !== undefined) events.put(customerId, event)
      }
    }
  }
  return { simulator, destination, driver, events, finish, fault, put }
}

const customers = (count: number): string[] => Array.from({ length: count }, (_, i) => `c-${i}`)

test('every event arrives once, in its customer’s order, one request per customer at a time', async t => {
  const { simulator, finish, put } = await drive(t)
  put(customers(400))
  await finish()
  const byCustomer = Map.groupBy(simulator.state.events(), event => String(event['external_id']))
  assert.equal(byCustomer.size, 400)
  for (const [customerId, events] of byCustomer) {
    assert.deepEqual(
      events.map(({ properties }) => properties?.['event_id']),
      eventsOf(customerId).map(({ value }) => value.eventId),
    )
  }
  const { overlaps, meanFill, max } = simulator.state.summary()
  assert.equal(overlaps.count, 0)
  assert.ok(max.objects <= 75)
  // The last rounds of so small a load cannot be full: a profile update waits for its customer's event before it.
  assert.ok(meanFill >= 60, `mean fill ${meanFill}`)
})

test('a customer whom Braze has blocked goes to the dead letters; the others are delivered', async t => {
  const { simulator, driver, finish, fault, put } = await drive(t)
  await fault({ rejectExternalId: 'c-3', type: 'blocked' })
  put(customers(20))
  await finish()
  assert.equal(simulator.state.events().length, 19 * 6)
  const letters = driver.takeDeadLetters()
  assert.deepEqual(new Set(letters.map(({ key }) => key?.toString())), new Set(['c-3']))
  assert.equal(new Set(letters.map(({ headerTexts }) => headerTexts['__streams.errors.offset'])).size, 6)
  assert.match(letters[0]?.headerTexts['__streams.errors.message'] ?? '', /blocked/)
  assert.equal(letters[0]?.headerTexts['tributary.errors.code'], 'TOPOLOGY_DELIVERY_REJECTED')
})

test('a profile update that Braze would refuse becomes a dead letter, and its event is delivered', async t => {
  const { simulator, driver, events, finish } = await drive(t)
  const [created] = eventsOf('c-1')
  assert.equal(created?.type, 'accountCreated')
  events.put('c-1', { ...created, value: { ...created.value, email: 'not-an-address' } } as typeof created)
  await finish()
  const [letter, ...others] = driver.takeDeadLetters()
  assert.match(letter?.headerTexts['__streams.errors.message'] ?? '', /rule email-format/)
  assert.equal(letter?.headerTexts['__streams.errors.message']?.includes('not-an-address'), false)
  assert.deepEqual(others, [])
  assert.deepEqual(
    simulator.state.events().map(({ name }) => name),
    ['account_created'],
  )
})

test('an outage and a rate limit delay, and lose nothing', async t => {
  const { simulator, driver, finish, fault, put } = await drive(t)
  await fault({ status: 503, times: 3 })
  await fault({ reset: true, times: 2 })
  await fault({ status: 429, retryAfterSeconds: 1, times: 1 })
  put(customers(100))
  await finish()
  assert.equal(new Set(simulator.state.events().map(({ properties }) => properties?.['event_id'])).size, 600)
  assert.equal(simulator.state.events().length, 600)
  assert.deepEqual(driver.takeDeadLetters(), [])
})

test('with a memory, profile updates that change nothing are not sent, and events are', async t => {
  const { simulator, destination, finish, put } = await drive(t, {}, { memoryTopic: 'braze-sink-memory' })
  put(customers(20))
  await finish()
  const { objects: once } = simulator.state.summary()
  assert.equal(once.accepted.attributes, 40)
  put(customers(20))
  await finish()
  const { objects: twice } = simulator.state.summary()
  assert.equal(twice.accepted.attributes, 40)
  assert.equal(twice.accepted.events, 2 * once.accepted.events)
  const { suppressedObjects, suppressedFields } = destination.stats.shaping
  assert.deepEqual(
    { suppressedObjects, suppressedFields },
    { suppressedObjects: 40, suppressedFields: 20 * 7 },
  )
})

test('a customer who is gone is deleted where the policy says so, and comes back with the next event', async t => {
  const options = { memoryTopic: 'braze-sink-memory', tombstones: 'delete-user' } as const
  const { simulator, driver, events, finish, put } = await drive(t, {}, options)
  put(['c-1', 'c-2'])
  events.put('c-1', null)
  await finish()
  assert.equal(simulator.state.user('c-1'), undefined)
  assert.ok(simulator.state.user('c-2'))
  put(['c-1'])
  await finish()
  assert.deepEqual(simulator.state.user('c-1')?.attributes['signup_channel'], 'WEB')
  assert.deepEqual(driver.takeDeadLetters(), [])
})

test('by default a record without a value does nothing and is no dead letter', async t => {
  const { simulator, driver, events, finish, put } = await drive(t)
  put(['c-1'])
  events.put('c-1', null)
  await finish()
  assert.ok(simulator.state.user('c-1'))
  assert.deepEqual(driver.takeDeadLetters(), [])
})
