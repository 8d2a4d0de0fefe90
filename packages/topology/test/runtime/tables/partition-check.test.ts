import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32 } from 'node:zlib'
import type { CompiledSource, CompiledSubTopology, CompiledTopology } from '../../../src/plan/compiled.ts'
import { FOREIGN_PARTITIONERS, JAVA_MURMUR2 } from '../../../src/runtime/tables/partitioners.ts'
import { checkPartitioning } from '../../../src/runtime/tables/partition-check.ts'
import { string } from '../../../src/serde/primitives.ts'
import type { Serde } from '../../../src/serde/serde.ts'
import { createFakeClient, type FakeClient } from '../../../src/testing/fake-client.ts'
import { murmur2 } from '../../../src/wire/murmur2.ts'
import { createFaultyClient, outOfRange } from './faulty-client.ts'
import { compiledTable, isCode } from './support.ts'

const serde = string() as Serde<unknown>

function source(topic: string, isRepartition = false): CompiledSource {
  return { node: 9, name: topic, topic, key: serde, value: serde, offsetReset: 'earliest', isRepartition }
}

function subTopology(sources: readonly CompiledSource[], tables: readonly string[]): CompiledSubTopology {
  return {
    id: 0,
    sources,
    tables: tables.map((topic, i) => compiledTable({ node: i, name: topic, topic })),
    sinks: [],
    deliveries: [],
    memories: [],
    hasAsyncSteps: false,
    build: () => new Map(),
  }
}

function topology(...subTopologies: CompiledSubTopology[]): CompiledTopology {
  return { name: 'test', steps: [], subTopologies, globalTables: [], repartitions: [], deliveries: [] }
}

const joined = topology(subTopology([source('bookings')], ['customers']))

function clientOf(counts: Readonly<Record<string, number>>): FakeClient {
  return createFakeClient({
    topics: Object.entries(counts).map(([name, partitions]) => ({ name, partitions })),
  })
}

function check(client: FakeClient, of: CompiledTopology = joined, samplesPerPartition = 20): Promise<void> {
  return checkPartitioning({ topology: of, client, samplesPerPartition })
}

/** `count` keys, each where `partitionOf` says. */
function fill(
  kafka: FakeClient,
  topic: string,
  { count = 60, partitionOf }: { count?: number; partitionOf?: (key: Buffer) => number } = {},
): void {
  for (let i = 0; i < count; i += 1) {
    const key = Buffer.from(`customer-${i}`)
    kafka.put(topic, { key, value: 'x', ...(partitionOf && { partition: partitionOf(key) }) })
  }
}

test('topics with equal counts, keys by murmur2 and records without keys pass', async () => {
  const kafka = clientOf({ bookings: 6, customers: 6 })
  fill(kafka, 'bookings')
  fill(kafka, 'customers')
  for (let partition = 0; partition < 6; partition += 1)
    kafka.put('bookings', { key: null, value: 'x', partition })
  await check(kafka)
})

test('empty topics pass, and so do partitions whose offsets hold no record', async () => {
  const kafka = clientOf({ bookings: 6, customers: 6 })
  kafka.skipOffsets('bookings', 2, 10)
  await check(kafka)
})

test('different partition counts are named with their topics', async () => {
  const kafka = clientOf({ bookings: 6, customers: 4 })
  await assert.rejects(
    check(kafka),
    isCode('TOPOLOGY_PARTITION_COUNT_MISMATCH', /bookings has 6, customers has 4/),
  )
})

test('a missing topic is named', async () => {
  await assert.rejects(check(clientOf({ bookings: 6 })), isCode('TOPOLOGY_TOPIC_MISSING', /: customers$/))
})

test('sub-topologies without a partitioned table are not looked at', async () => {
  const kafka = clientOf({ bookings: 6, carts: 4 })
  fill(kafka, 'bookings', { partitionOf: () => 0 })
  await check(kafka, topology(subTopology([source('bookings'), source('carts')], [])))
})

for (const [client, partitionOf, name] of [
  ['the client', (key: Buffer) => (murmur2(key, 0, key.length) >>> 0) % 6, /@platformatic\/kafka's default/],
  ['librdkafka', (key: Buffer) => crc32(key) % 6, /All of them agree with librdkafka's default \(CRC-32/],
] as const) {
  test(`a topic partitioned by the default of ${client} is refused, and the hash is named`, async () => {
    const kafka = clientOf({ bookings: 6, customers: 6 })
    fill(kafka, 'bookings')
    fill(kafka, 'customers', { partitionOf })
    await assert.rejects(check(kafka), error => {
      assert.ok(isCode('TOPOLOGY_PARTITIONER_MISMATCH', name)(error))
      const { message } = error as Error
      assert.match(message, /^Topic customers is not partitioned by Java's murmur2/)
      const [, misplaced, samples] = /(\d+) of (\d+) sampled keys/.exec(message) ?? []
      assert.equal(samples, '60')
      assert.ok(Number(misplaced) >= 20, message)
      const [, key, seen, expected] =
        /such as "([^"]*)" on partition (\d) instead of (\d)/.exec(message) ?? []
      assert.equal(partitionOf(Buffer.from(key!)), Number(seen))
      assert.equal(JAVA_MURMUR2.partition(Buffer.from(key!), 6), Number(expected))
      return true
    })
  })
}

test('a source is held to the same hash as the tables', async () => {
  const kafka = clientOf({ bookings: 6, customers: 6 })
  fill(kafka, 'bookings', { partitionOf: key => crc32(key) % 6 })
  await assert.rejects(check(kafka), isCode('TOPOLOGY_PARTITIONER_MISMATCH', /Topic bookings/))
})

test('one misplaced key among many is enough, and no hash is blamed for it', async () => {
  const kafka = clientOf({ bookings: 6, customers: 6 })
  fill(kafka, 'customers')
  const key = Buffer.from([0, 1, 2, 255])
  kafka.put('customers', { key, value: 'x', partition: (JAVA_MURMUR2.partition(key, 6) + 1) % 6 })
  await assert.rejects(
    check(kafka),
    isCode('TOPOLOGY_PARTITIONER_MISMATCH', /1 of 61 .* 0x000102ff on partition .* No known partitioner/),
  )
})

test('a few samples that agree with a foreign hash are not taken for a proof', async () => {
  const kafka = clientOf({ bookings: 6, customers: 6 })
  fill(kafka, 'customers', { count: 5, partitionOf: key => crc32(key) % 6 })
  await assert.rejects(check(kafka), isCode('TOPOLOGY_PARTITIONER_MISMATCH', /too few to be sure/))
})

test('only the first keys of each partition are looked at, behind whatever records have none', async () => {
  const kafka = clientOf({ bookings: 2, customers: 2 })
  for (let i = 0; i < 50; i += 1) kafka.put('customers', { key: null, value: 'x'.repeat(5_000) })
  const places = [0, 1].map(partition => {
    const keys = Array.from({ length: 200 }, (_, i) => Buffer.from(`k${i}`))
    return keys.filter(key => JAVA_MURMUR2.partition(key, 2) === partition)
  })
  for (const key of places[0]!.slice(0, 10)) kafka.put('customers', { key, value: 'x' })
  await check(kafka, joined, 10)
  kafka.put('customers', { key: places[1]![0]!, value: 'x', partition: 0 })
  await check(kafka, joined, 10)
  await assert.rejects(check(kafka, joined, 11), isCode('TOPOLOGY_PARTITIONER_MISMATCH', /1 of 11/))
})

test('without samples partition counts alone are compared', async () => {
  const kafka = clientOf({ bookings: 6, customers: 6 })
  fill(kafka, 'customers', { partitionOf: () => 0 })
  await check(kafka, joined, 0)
})

test('repartition topics, which this library writes, are compared by count and not sampled', async () => {
  const kafka = clientOf({ 'app-repartition': 6, customers: 6 })
  fill(kafka, 'app-repartition', { partitionOf: () => 0 })
  const of = topology(subTopology([source('app-repartition', true)], ['customers']))
  await check(kafka, of)
})

test('a log that is trimmed during the check is passed over, other failures are not', async () => {
  for (const [error, code] of [
    [outOfRange(), undefined],
    [new Error('broken'), 'broken'],
  ] as const) {
    const kafka = createFaultyClient([
      { name: 'bookings', partitions: 2 },
      { name: 'customers', partitions: 2 },
    ])
    kafka.silence()
    const { partition } = kafka.put('customers', { key: 'ada', value: 'x' })
    const checking = check(kafka)
    for (let i = 0; i < 10 && !kafka.isFetched('customers', partition); i += 1)
      await new Promise(resolve => setImmediate(resolve))
    kafka.breakFetch('customers', partition, error)
    if (code === undefined) await checking
    else await assert.rejects(checking, /broken/)
    assert.equal(kafka.closedFetchers, 1)
  }
})

test('a log that has lost its tail since its end was looked up does not hold the check up', async () => {
  const kafka = createFaultyClient([
    { name: 'bookings', partitions: 2 },
    { name: 'customers', partitions: 2 },
  ])
  fill(kafka, 'customers', { count: 3 })
  kafka.latestAnswers.push(100)
  await check(kafka)
})

test('the foreign partitioners give what their clients give', () => {
  // FNV-1a of "foobar" is 0xbf9cf968 (draft-eastlake-fnv), as a signed number -1080231576; CRC-32 of "123456789" is 0xcbf43926.
  const [platformatic, librdkafka, sarama] = FOREIGN_PARTITIONERS
  assert.equal(sarama?.partition(Buffer.from('foobar'), 1_000), 576)
  assert.equal(librdkafka?.partition(Buffer.from('123456789'), 1_000), 0xcbf43926 % 1_000)
  // Java's own test vector for murmur2, with the sign bit set.
  assert.equal(platformatic?.partition(Buffer.from('foobar'), 1_000), (-790_332_482 >>> 0) % 1_000)
  assert.equal(JAVA_MURMUR2.partition(Buffer.from('foobar'), 1_000), (-790_332_482 & 0x7fffffff) % 1_000)
})
