import assert from 'node:assert/strict'
import { test } from 'node:test'
import { marketingEvents, type MarketingEvent } from '@tributary/marketing-events'
import type { BrazeDestination, ShapingStats } from '@tributary/sink-braze'
import { partitionForKey } from '@tributary/topology'
import { InMemorySchemaRegistry } from '@tributary/topology/testing'
import { sinkTopology } from '@tributary/braze-sink'
import { createFakeClient } from '../../../packages/topology/src/testing/fake-client.ts'
import { dryRun, type DryRunParts } from '../src/dry-run.ts'
import { eventsOf } from './fixtures.ts'
import { publish, type Input } from './publish.ts'

const PARTITIONS = 3
const MEMORY = 'braze-sink-memory'
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

interface Line {
  readonly kind: 'request' | 'rejected' | 'summary'
  readonly [name: string]: unknown
}

interface RequestLine extends Line {
  readonly endpoint: string
  readonly objects: number
  readonly bytes: number
  readonly records: Readonly<Record<string, readonly (readonly string[])[]>>
  readonly body: Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>
}

async function world(inputs: readonly Input[]) {
  const kafka = createFakeClient({ topics: [{ name: marketingEvents.name, partitions: PARTITIONS }] })
  const registry = new InMemorySchemaRegistry()
  await publish({ kafka, registry, partitions: PARTITIONS }, inputs)
  const lines: Line[] = []
  const run = async (parts: Partial<DryRunParts> = {}): Promise<readonly Line[]> => {
    lines.length = 0
    await dryRun({
      follow: false,
      limit: undefined,
      kafka: kafka.anotherClient(),
      registry,
      logger: SILENT,
      braze: { url: 'https://rest.fra-01.braze.eu' },
      topology: (destination: BrazeDestination) =>
        sinkTopology({ destination, lingerMs: 20, maxInFlight: 2, memoryTopic: MEMORY }),
      print: line => void lines.push(JSON.parse(line)),
      signal: new AbortController().signal,
      ...parts,
    })
    return lines
  }
  return { kafka, registry, run, lines }
}

const histories = (ids: readonly string[]): Input[] =>
  ids.flatMap(key => eventsOf(key).map(value => ({ key, value })))
const requestsOf = (lines: readonly Line[]): RequestLine[] =>
  lines.filter((line): line is RequestLine => line.kind === 'request')
const eventsIn = (lines: readonly Line[]): unknown[] =>
  requestsOf(lines).flatMap(({ body }) => (body['events'] ?? []).map(event => event['external_id']))

test('every event is shown in a request, with the record it comes from; then the run ends', async () => {
  const { run } = await world(histories(['c-1', 'c-2', 'c-3']))
  const lines = await run()
  assert.equal(eventsIn(lines).length, 18)
  for (const { endpoint, objects, records, body, bytes } of requestsOf(lines)) {
    assert.equal(endpoint, 'https://rest.fra-01.braze.eu/users/track')
    assert.equal(bytes, Buffer.byteLength(JSON.stringify(body)))
    assert.equal(objects, Object.values(body).flat().length)
    for (const [array, places] of Object.entries(records)) {
      assert.equal(places.length, body[array]?.length)
      for (const place of places.flat()) assert.match(place, /^marketing-events-[012]@\d+$/)
    }
  }
  const places = requestsOf(lines).flatMap(({ records }) => (records['events'] ?? []).flat())
  assert.equal(new Set(places).size, 18)
  assert.equal(lines.at(-1)?.kind, 'summary')
  assert.equal(lines.at(-1)?.['rejected'], 0)
})

test('a record that would be rejected is shown with its place and the rule; one that cannot be read likewise', async () => {
  const [created] = eventsOf('c-1') as readonly [MarketingEvent]
  const bad = { ...created, value: { ...created.value, email: 'no-address' } } as MarketingEvent
  const { run } = await world([
    { key: 'c-1', value: bad },
    { key: 'c-2', value: Buffer.from('no Avro') },
  ])
  const rejected = (await run()).filter(({ kind }) => kind === 'rejected')
  assert.equal(rejected.length, 2)
  const byRule = rejected.find(({ code }) => code === 'TOPOLOGY_DELIVERY_REJECTED')
  assert.match(String(byRule?.['reason']), /rule email-format/)
  assert.match(String(byRule?.['record']), /^marketing-events-\d@\d$/)
  assert.ok(rejected.some(({ code }) => code !== 'TOPOLOGY_DELIVERY_REJECTED'))
})

test('it begins where the sink stands, and nothing of it is left behind', async () => {
  const { kafka, registry, run } = await world(histories(['c-1']))
  const before = kafka.records(marketingEvents.name)
  const partition = partitionForKey(Buffer.from('c-1'), 0, 3, PARTITIONS)
  kafka.setCommitted('braze-sink', marketingEvents.name, partition, 4)
  const lines = await run()
  assert.equal(eventsIn(lines).length, 2)
  assert.equal(kafka.committed('braze-sink', marketingEvents.name, partition), 4)
  assert.deepEqual(kafka.assignments('braze-sink'), [])
  assert.deepEqual(await kafka.admin.describeTopics(['braze-sink-dead-letters', MEMORY]), [
    undefined,
    undefined,
  ])
  assert.equal(await registry.latest(`${MEMORY}-value`), undefined)
  assert.equal(kafka.records(marketingEvents.name).length, before.length)
})

test('what would not be sent because Braze has it already is not shown; a tombstone is one more record', async () => {
  const [created] = eventsOf('c-1') as readonly [MarketingEvent]
  const { kafka, run } = await world([
    { key: 'c-1', value: created },
    { key: 'c-1', value: created },
    { key: 'c-1', value: null },
  ])
  const lines = await run()
  const updates = requestsOf(lines).flatMap(({ body }) => body['attributes'] ?? [])
  assert.equal(updates.length, 1)
  assert.equal(eventsIn(lines).length, 2)
  const shaping = lines.at(-1)?.['shaping'] as ShapingStats
  assert.equal(shaping.suppressedObjects + shaping.folded, 1)
  assert.equal(shaping.tombstones.ignored, 1)
  // Not remembered in the sink's name: the next run shows the same.
  assert.deepEqual(kafka.records(MEMORY), [])
  assert.equal(requestsOf(await run()).flatMap(({ body }) => body['attributes'] ?? []).length, 1)
})

test('with a limit it ends after so many records, also when it is to follow', async () => {
  const { run } = await world(histories(['c-1', 'c-2', 'c-3', 'c-4']))
  assert.equal(eventsIn(await run({ limit: 5 })).length, 5)
  assert.equal(eventsIn(await run({ limit: 5, follow: true })).length, 5)
})

test('following, it goes on until it is interrupted, and then sums up', async () => {
  const { kafka, registry, run, lines } = await world(histories(['c-1']))
  const interrupted = new AbortController()
  const seen = Promise.withResolvers<void>()
  const running = run({
    follow: true,
    signal: interrupted.signal,
    print: line => {
      lines.push(JSON.parse(line))
      if (eventsIn(lines).length === 12) seen.resolve()
    },
  })
  await publish({ kafka, registry, partitions: PARTITIONS }, histories(['c-2']))
  await seen.promise
  interrupted.abort()
  assert.equal((await running).at(-1)?.kind, 'summary')
})

test('what keeps the sink from running keeps the dry run from running', async () => {
  const { run } = await world([])
  const empty = createFakeClient({ topics: [] })
  await assert.rejects(run({ kafka: empty }), { code: 'TOPOLOGY_TOPIC_MISSING' })
})
