import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createSimulator } from '@tributary/braze-simulator'
import { sinkTopology } from '@tributary/braze-sink'
import { marketingEvents, type MarketingEvent } from '@tributary/marketing-events'
import { brazeDestination } from '@tributary/sink-braze'
import { createApp } from '@tributary/topology'
import { InMemorySchemaRegistry } from '@tributary/topology/testing'
import { pino } from 'pino'
import { createFakeClient } from '../../../packages/topology/src/testing/fake-client.ts'
import { until } from '../../../test-support/until.ts'
import { eventsOf } from './fixtures.ts'
import { publish } from './publish.ts'

const WRONG_KEY = 'wrong-key-3b1d5e'
const RIGHT_KEY = 'right-key-9f27c0'
const PARTITIONS = 3
/** What the records hold; customers' ids as well. */
const VALUES = [
  'privy-',
  'ada@example.com',
  'not-an-address',
  'Ada',
  'Louvre',
  'Seine cruise',
  'Paris',
  '45.5',
]

/** Braze's answers may repeat what they were sent. */
const FAULTS = [
  { status: 400, externalIds: ['privy-1'], names: ['activity_wishlisted'] },
  { rejectExternalId: 'privy-2', type: "the user 'privy-2' in 'Paris' is not allowed" },
  {
    rejectName: 'activity_conducted',
    type: "'Louvre: skip the line' is too long",
    unlocated: true,
    times: 2,
  },
  { status: 503, times: 1 },
  { status: 429, retryAfterSeconds: 1, times: 1 },
  { reset: true, times: 1 },
  { broken: 'html', times: 1 },
]

test('whatever Braze answers, no key and no value of a record stands in a log, a status or a reason', async t => {
  const simulator = createSimulator({ apiKey: RIGHT_KEY })
  t.after(() => simulator.close())
  const url = await simulator.app.listen({ port: 0, host: '127.0.0.1' })
  const order = (path: string, payload: object) =>
    simulator.app.inject({ method: 'POST', url: `/_simulator/${path}`, payload })
  let said = ''
  const logger = pino({ level: 'trace', errorKey: 'error' }, { write: line => void (said += line) })
  let key = WRONG_KEY
  const destination = brazeDestination({
    url,
    apiKey: () => key,
    limits: { handoverMs: 0 },
    probeBaseMs: 10,
    probeMaxMs: 20,
    random: () => 0.01,
    logger,
  })
  const kafka = createFakeClient({ topics: [{ name: marketingEvents.name, partitions: PARTITIONS }] })
  const registry = new InMemorySchemaRegistry()
  const topology = sinkTopology({ destination, lingerMs: 20, maxInFlight: 2 })
  const app = createApp(topology, { kafka, registry, logger, commitIntervalMs: 20, random: () => 0.01 })
  t.after(() => app.close())
  await app.start()

  const ids = ['privy-1', 'privy-2', 'privy-3']
  await publish(
    { kafka, registry, partitions: PARTITIONS },
    ids.flatMap(id => eventsOf(id).map(value => ({ key: id, value }))),
  )
  await until('Braze has denied access', () => !app.readiness().isReady)
  const readiness = JSON.stringify(app.readiness())
  assert.match(readiness, /401/)
  for (const fault of FAULTS) assert.equal((await order('faults', fault)).statusCode < 300, true)
  key = RIGHT_KEY
  const [created] = eventsOf('privy-3') as readonly [MarketingEvent]
  const bad = { ...created, value: { ...created.value, email: 'not-an-address' } } as MarketingEvent
  await publish({ kafka, registry, partitions: PARTITIONS }, [
    { key: 'privy-3', value: bad },
    { key: 'privy-3', value: Buffer.from('privy-3 is in Paris') },
  ])
  const total = Array.from({ length: PARTITIONS }, (_, p) => kafka.endOffset(marketingEvents.name, p))
  await until(
    'all is committed',
    () =>
      total.every((end, p) => end === 0 || kafka.committed('braze-sink', marketingEvents.name, p) === end),
    { everyMs: 5, timeoutMs: 30_000 },
  )
  const status = JSON.stringify({ ...app.stats(), braze: destination.stats })
  await app.close()

  // There was something to say.
  const letters = kafka.records('braze-sink-dead-letters')
  assert.ok(letters.length >= 8, `${letters.length} dead letters`)
  const statuses = Object.keys(destination.stats.answers)
  for (const expected of ['201', '400', '401', '429', '503']) assert.ok(statuses.includes(expected), expected)
  assert.match(said, /401/)
  for (const text of [said, status, readiness]) {
    for (const secret of [WRONG_KEY, RIGHT_KEY, 'Bearer'])
      assert.ok(!text.includes(secret), lineWith(text, secret))
    for (const value of VALUES) assert.ok(!text.includes(value), lineWith(text, value))
  }
})

function lineWith(text: string, part: string): string {
  return `'${part}' stands in ${text
    .split('\n')
    .find(line => line.includes(part))
    ?.slice(0, 2_000)}`
}

test('a service that cannot start says why without its key', () => {
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
  const malformed = `${RIGHT_KEY} with a space`
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-C', '@tributary/source', main], {
    encoding: 'utf8',
    env: {
      PATH: process.env['PATH'],
      KAFKA_BROKERS: '127.0.0.1:1',
      SCHEMA_REGISTRY_URL: 'http://127.0.0.1:1',
      BRAZE_URL: 'http://127.0.0.1:1',
      BRAZE_API_KEY: malformed,
      LOG_LEVEL: 'trace',
    },
  })
  assert.equal(status, 1)
  assert.match(stderr, /apiKey must be/)
  assert.ok(!`${stdout}${stderr}`.includes(RIGHT_KEY))
})
