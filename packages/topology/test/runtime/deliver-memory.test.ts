import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { topology } from '../../src/dsl/builder.ts'
import type { KafkaClient } from '../../src/client/ports.ts'
import type { AppConfig } from '../../src/config.ts'
import type { DeliveryItem, DeliveryOutcome } from '../../src/operators/destination.ts'
import type { Topology } from '../../src/plan/topology.ts'
import { App } from '../../src/runtime/app.ts'
import { json, string } from '../../src/serde/primitives.ts'
import { createFakeClient, type FakeClient } from '../../src/testing/fake-client.ts'
import { TopologyTestDriver } from '../../src/testing/topology-test-driver.ts'
import { streamTopic, tableTopic } from '../../src/topic.ts'
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts'
import { until } from '../../../../test-support/until.ts'

interface Sent {
  readonly last: string
}

const words = streamTopic('words', { key: string(), value: string() })
const sent = tableTopic('sent', { key: string(), value: json<Sent>() })
const PARTITIONS = 3

/** Remembers of each lane what it accepted last; `seen` tells each item with what was remembered of its lane. */
class Forgetful {
  readonly name = 'forgetful'
  readonly seen: string[] = []

  deliver(items: readonly DeliveryItem<string, Sent>[]): Promise<DeliveryOutcome<Sent>[]> {
    for (const { value, memory } of items) this.seen.push(`${value} after ${memory?.last ?? 'nothing'}`)
    return Promise.resolve(
      items.map(({ value, attempts }) => {
        if (value === 'no') return { kind: 'rejected', reason: 'no' }
        if (value === 'later' && attempts === 0) return { kind: 'retry', afterMs: 0 }
        if (value === 'again') return { kind: 'skipped', reason: 'unchanged' }
        if (value === 'plain') return { kind: 'accepted' }
        return { kind: 'accepted', memory: value === 'forget' ? null : { last: value } }
      }),
    )
  }
}

function remembering(destination: Forgetful): Topology {
  const builder = topology('remembering')
  builder
    .stream(words)
    .deliver<string, Sent>({ destination, memory: sent, maxBatchItems: 1, lingerMs: 0, maxInFlight: 1 })
  return builder.build()
}

function fakeKafka(): FakeClient {
  return createFakeClient({ topics: [{ name: 'words', partitions: PARTITIONS }] })
}

function appOn(
  t: TestContext,
  kafka: KafkaClient,
  destination: Forgetful,
  config: Partial<AppConfig> = {},
): App {
  const app = new App(
    remembering(destination).compiled,
    { kafka, commitIntervalMs: 10, lingerMs: 1, shutdownTimeoutMs: 1_000, ...config },
    { connect: () => ({ kafka, registry: undefined }) },
  )
  t.after(() => app.close().catch(() => undefined))
  return app
}

/** Of the key `a`, on a partition that its hash does not give. */
const put = (kafka: FakeClient, ...values: string[]): void => {
  for (const value of values) kafka.put('words', { key: 'a', value, partition: 1 })
}

const rows = (app: App): number | undefined =>
  app.stats().tables.find(({ table }) => table === 'words.deliver-1-memory')?.rows

test('an item comes with what was remembered of its lane, and only what is accepted is remembered', async t => {
  const destination = new Forgetful()
  const driver = await TopologyTestDriver.create(remembering(destination))
  t.after(() => driver.close())
  const input = driver.input(words)
  for (const word of ['one', 'no', 'again', 'plain', 'later', 'two', 'forget', 'three']) input.put('a', word)
  input.put('b', 'other')
  input.put(null, 'keyless')
  input.put(null, 'keyless too')
  await driver.advance(1_000)
  assert.deepEqual(
    destination.seen.filter(text => !text.startsWith('other') && !text.startsWith('keyless')),
    [
      'one after nothing',
      'no after one',
      'again after one',
      'plain after one',
      'later after one',
      'later after one',
      'two after later',
      'forget after two',
      'three after nothing',
    ],
  )
  assert.ok(destination.seen.includes('other after nothing'))
  assert.ok(destination.seen.includes('keyless too after nothing'))
  assert.equal(driver.table(sent).rows, 2)
})

test('the topic is made for it, and another process goes on with what is remembered', async t => {
  const kafka = fakeKafka()
  const first = appOn(t, kafka, new Forgetful())
  await first.start()
  put(kafka, 'one', 'two')
  await until('both are through', () => kafka.committed('remembering', 'words', 1) === 2)
  const [config] = await kafka.admin.topicConfigs(['sent'], ['cleanup.policy'])
  assert.deepEqual([...(config ?? [])], [['cleanup.policy', 'compact']])
  assert.deepEqual(
    kafka.records('sent', 1).map(({ key, value }) => [String(key), String(value)]),
    [
      ['a', '{"last":"one"}'],
      ['a', '{"last":"two"}'],
    ],
  )
  assert.equal(rows(first), 1)
  await first.close()

  const destination = new Forgetful()
  const second = appOn(t, kafka.anotherClient(), destination)
  await second.start()
  put(kafka, 'three', 'forget', 'four')
  await until('they are through', () => kafka.committed('remembering', 'words', 1) === 5)
  assert.deepEqual(destination.seen, ['three after two', 'forget after three', 'four after nothing'])
  assert.equal(second.readiness().isReady, true)
})

test('what an aborted transaction remembered is forgotten with it', async t => {
  const kafka = fakeKafka()
  const destination = new Forgetful()
  const app = appOn(t, kafka, destination, { guarantee: 'exactly-once', commitIntervalMs: 5_000 })
  await app.start()
  put(kafka, 'one')
  await until('it is sent', () => destination.seen.length === 1 && kafka.endOffset('sent', 1) === 1)
  kafka.timeOutTransactions()
  put(kafka, 'two')
  await until('all is sent again', () => destination.seen.length >= 4)
  assert.deepEqual(destination.seen.slice(-2), ['one after nothing', 'two after one'])
})

test('what the last owner has in a transaction that is not decided yet is waited for', async t => {
  const kafka = fakeKafka()
  await kafka.admin.createTopics([
    { name: 'sent', partitions: PARTITIONS, replicationFactor: 1, config: { 'cleanup.policy': 'compact' } },
  ])
  const producer = await kafka.anotherClient().createTransactionalProducer({
    transactionalId: 'the last owner',
    timeoutMs: 10_000,
  })
  const writer = new RecordBatchWriter()
  writer.append({ key: Buffer.from('a'), value: Buffer.from('{"last":"zero"}'), timestampMs: 1, headers: [] })
  await producer.send({ topic: 'sent', partition: 1, records: writer.seal(), recordCount: 1 })

  const destination = new Forgetful()
  const app = appOn(t, kafka, destination)
  await app.start()
  put(kafka, 'one')
  kafka.put('words', { key: 'b', value: 'elsewhere', partition: 2 })
  await until('other partitions work', () => destination.seen.length === 1)
  assert.deepEqual(destination.seen, ['elsewhere after nothing'])
  assert.deepEqual(app.readiness().reasons, ['table words.deliver-1-memory is loading'])
  await producer.commitTransaction()
  await until('it is sent', () => destination.seen.length === 2)
  assert.equal(destination.seen[1], 'one after zero')
})

test('a row that cannot be read is forgotten, and what it stood for with it', async t => {
  const kafka = createFakeClient({
    topics: [
      { name: 'words', partitions: PARTITIONS },
      { name: 'sent', partitions: PARTITIONS, cleanupPolicy: 'compact' },
    ],
  })
  kafka.put('sent', { key: 'a', value: '{"last":"zero"}', partition: 1 })
  kafka.put('sent', { key: 'a', value: 'no JSON', partition: 1 })
  const destination = new Forgetful()
  const app = appOn(t, kafka, destination)
  await app.start()
  put(kafka, 'one')
  await until('it is sent', () => destination.seen.length === 1)
  assert.deepEqual(destination.seen, ['one after nothing'])
  assert.equal(kafka.records('remembering-dead-letters').length, 1)
})

for (const [what, topic, code] of [
  [
    'with another count of partitions',
    { partitions: 2, cleanupPolicy: 'compact' },
    'TOPOLOGY_PARTITION_COUNT_MISMATCH',
  ],
  ['that is not compacted', { partitions: PARTITIONS }, 'TOPOLOGY_CONFIG_INVALID'],
] as const) {
  test(`a memory ${what} stops the start`, async t => {
    const kafka = createFakeClient({
      topics: [
        { name: 'words', partitions: PARTITIONS },
        { name: 'sent', ...topic },
      ],
    })
    await assert.rejects(appOn(t, kafka, new Forgetful()).start(), {
      code,
      message: /sent \(words.deliver-1-memory\)/,
    })
  })
}

test('a memory has one step', () => {
  const builder = topology('remembering')
  const stream = builder.stream(words)
  const options = { memory: sent, maxBatchItems: 1 }
  stream.deliver<string, Sent>({ name: 'one', destination: new Forgetful(), ...options })
  stream.deliver<string, Sent>({ name: 'two', destination: new Forgetful(), ...options })
  assert.throws(() => builder.build(), {
    code: 'TOPOLOGY_PLAN_INVALID',
    message: /one remembers in the topic 'sent', which two uses too/,
  })
})

test('what cannot be remembered is a dead letter, and the lane is forgotten', async t => {
  const kafka = fakeKafka()
  const destination = new Forgetful()
  const app = appOn(t, kafka, destination, { maxRecordBytes: 1_024 })
  await app.start()
  const long = 'x'.repeat(1_020)
  put(kafka, 'one', long, 'two')
  await until('all are through', () => kafka.committed('remembering', 'words', 1) === 3)
  assert.deepEqual(destination.seen, ['one after nothing', `${long} after one`, 'two after nothing'])
  assert.equal(app.stats().counters.deadLetters, 1)
  assert.deepEqual(
    kafka.records('sent').map(({ value }) => (value === null ? null : String(value))),
    ['{"last":"one"}', null, '{"last":"two"}'],
  )
})
