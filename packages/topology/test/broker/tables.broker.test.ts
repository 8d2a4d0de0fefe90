import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, test, type TestContext } from 'node:test'
import { Admin, Producer, compatibilityPartitioner, type MessageToProduce } from '@platformatic/kafka'
import { createKafkaClient } from '../../src/client/platformatic/kafka-client.ts'
import type { KafkaClient } from '../../src/client/ports.ts'
import type { TopologyError } from '../../src/errors.ts'
import type { CompiledTopology } from '../../src/plan/compiled.ts'
import { checkPartitioning } from '../../src/runtime/tables/partition-check.ts'
import { createTables } from '../../src/runtime/tables/table-set.ts'
import type { TablePartitionStats, Tables } from '../../src/runtime/tables/tables.ts'
import { string } from '../../src/serde/primitives.ts'
import type { Serde } from '../../src/serde/serde.ts'
import { until } from '../../../../test-support/until.ts'
import { compiledTable, isCode } from '../runtime/tables/support.ts'

const brokers = (process.env['KAFKA_BROKERS'] ?? '').split(',').filter(broker => broker !== '')
const skip = brokers.length === 0 ? 'KAFKA_BROKERS names no broker' : false
// A topic that was just created has no leader for a moment; the client's own pause before it asks again is a second.
const base = { bootstrapBrokers: brokers, clientId: 'tables-test', retryDelay: 50 }

// A client that is not ours fills the topics, as other services do.
const admin = new Admin(base)
after(() => admin.close())

type Row = readonly [key: string | null, value: string | null]

interface TopicOptions {
  readonly partitions?: number
  readonly config?: Readonly<Record<string, string>>
}

async function createTopic(
  t: TestContext,
  { partitions = 1, config = {} }: TopicOptions = {},
): Promise<string> {
  const name = `tables-test-${randomUUID()}`
  const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }))
  await admin.createTopics({ topics: [name], partitions, replicas: 1, configs })
  t.after(() => admin.deleteTopics({ topics: [name] }))
  const client = openClient(t)
  await until('the broker tells of the new topic', async () => {
    const [description] = await client.admin.describeTopics([name])
    return description !== undefined
  })
  return name
}

type BytesProducer = Producer<Buffer, Buffer, Buffer, Buffer>

async function withProducer(
  work: (producer: BytesProducer) => Promise<void>,
  options: { readonly transactional?: boolean; readonly isJavas?: boolean } = {},
): Promise<void> {
  const producer: BytesProducer = new Producer({
    ...base,
    ...(options.isJavas !== false && { partitioner: compatibilityPartitioner }),
    ...(options.transactional && {
      transactionalId: `tables-test-${randomUUID()}`,
      idempotent: true,
      producerId: -1n,
      producerEpoch: -1,
    }),
  })
  try {
    await work(producer)
  } finally {
    await producer.close()
  }
}

type BytesMessage = MessageToProduce<Buffer, Buffer, Buffer, Buffer>

function messages(topic: string, rows: readonly Row[], timestampMs = Date.now()): BytesMessage[] {
  return rows.map(([key, value]) => {
    const message: BytesMessage = { topic, timestamp: BigInt(timestampMs) }
    if (key !== null) message.key = Buffer.from(key)
    if (value !== null) message.value = Buffer.from(value)
    return message
  })
}

function fill(topic: string, rows: readonly Row[]): Promise<void> {
  return withProducer(async producer => {
    await producer.send({ messages: messages(topic, rows) })
  })
}

function openClient(t: TestContext): KafkaClient {
  const client = createKafkaClient({ brokers, clientId: 'tables-test' })
  t.after(() => client.close())
  return client
}

interface Opened {
  readonly tables: Tables
  readonly failures: TopologyError[]
  partition(partition?: number): TablePartitionStats
}

async function open(
  t: TestContext,
  topic: string,
  scope: 'partitioned' | 'global' = 'partitioned',
): Promise<Opened> {
  const failures: TopologyError[] = []
  const tables = await createTables({
    client: openClient(t),
    tables: [compiledTable({ topic, scope })],
    registry: undefined,
    deadLetter: () => assert.fail('no row is malformed'),
    events: { onFailure: (_, error) => failures.push(error) },
  })
  t.after(() => tables.stop())
  return {
    tables,
    failures,
    partition: (number = 0) => tables.stats()[0]!.partitions.find(each => each.partition === number)!,
  }
}

async function load(t: TestContext, topic: string): Promise<Opened> {
  const opened = await open(t, topic)
  opened.tables.assign(1, [0])
  await opened.tables.whenLive(1, 0)
  return opened
}

async function endOffset(t: TestContext, topic: string): Promise<number> {
  const [end] = await openClient(t).admin.listOffsets([{ topic, partition: 0 }], 'latest', 'read-committed')
  return end!
}

test('a topic that ends with a transaction marker is loaded, without the aborted rows', { skip }, async t => {
  const topic = await createTopic(t)
  await withProducer(
    async producer => {
      const committed = await producer.beginTransaction()
      await committed.send({
        messages: messages(topic, [
          ['ada', 'committed'],
          ['bob', 'committed'],
        ]),
      })
      await committed.commit()
      const aborted = await producer.beginTransaction()
      await aborted.send({
        messages: messages(topic, [
          ['ada', 'aborted'],
          ['eve', 'aborted'],
          ['bob', null],
        ]),
      })
      await aborted.abort()
    },
    { transactional: true },
  )
  const { tables, partition } = await load(t, topic)
  const rows = tables.reader(1, 0)
  assert.equal(rows.get('ada'), 'committed')
  assert.equal(rows.get('bob'), 'committed')
  assert.equal(rows.get('eve'), undefined)
  // Two rows, a marker, three aborted rows, a marker.
  assert.equal(partition().endOffset, 7)
  assert.equal(partition().position, 7)
})

test(
  'a load does not wait for a transaction that is open, and follows once it is committed',
  { skip },
  async t => {
    const topic = await createTopic(t)
    await fill(topic, [['ada', 'before']])
    await withProducer(
      async producer => {
        const transaction = await producer.beginTransaction()
        await transaction.send({ messages: messages(topic, [['ada', 'after']]) })
        const { tables, partition } = await load(t, topic)
        assert.equal(tables.reader(1, 0).get('ada'), 'before')
        assert.equal(partition().endOffset, 1)
        await transaction.commit()
        await until('the committed row is there', () => tables.reader(1, 0).get('ada') === 'after')
      },
      { transactional: true },
    )
  },
)

test('an empty topic is live at once, and follows', { skip }, async t => {
  const topic = await createTopic(t)
  const { tables, partition } = await load(t, topic)
  assert.equal(partition().state, 'live')
  assert.equal(partition().endOffset, 0)
  await fill(topic, [['ada', 'row']])
  await until('the row is there', () => tables.reader(1, 0).get('ada') === 'row')
})

test(
  'tombstones delete, empty values are rows, null keys are ignored, before and after the load',
  { skip },
  async t => {
    const topic = await createTopic(t)
    await fill(topic, [
      ['ada', 'row'],
      ['bob', 'row'],
      ['ada', null],
      ['eve', ''],
      [null, 'nobody'],
      ['zoe', null],
    ])
    const { tables, partition } = await load(t, topic)
    const rows = tables.reader(1, 0)
    assert.deepEqual(
      ['ada', 'bob', 'eve', 'zoe'].map(key => rows.get(key)),
      [undefined, 'row', '', undefined],
    )
    assert.equal(partition().nullKeys, 1)
    await fill(topic, [
      ['bob', null],
      ['ada', 'again'],
    ])
    await until('ada is back', () => rows.get('ada') === 'again')
    assert.equal(rows.get('bob'), undefined)
  },
)

test('a topic whose beginning was deleted is loaded from what is left', { skip }, async t => {
  const topic = await createTopic(t)
  await fill(topic, [
    ['ada', 'old'],
    ['bob', 'old'],
    ['ada', 'new'],
  ])
  await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 2n }] }] })
  const { tables, partition } = await load(t, topic)
  assert.equal(tables.reader(1, 0).get('ada'), 'new')
  assert.equal(tables.reader(1, 0).get('bob'), undefined)
  assert.equal(partition().rows, 1)

  await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 3n }] }] })
  const emptied = await load(t, topic)
  assert.equal(emptied.partition().rows, 0)
  assert.equal(emptied.partition().position, 3)
})

test(
  'a topic that is deleted and created anew is read anew, its old rows readable meanwhile',
  { skip },
  async t => {
    const topic = await createTopic(t)
    await fill(topic, [
      ['ada', 'old'],
      ['bob', 'old'],
      ['eve', 'old'],
    ])
    const { tables, partition, failures } = await load(t, topic)
    const rows = tables.reader(1, 0)
    await admin.deleteTopics({ topics: [topic] })
    assert.equal(rows.get('bob'), 'old')
    await until(
      'the topic can be created anew',
      () =>
        admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 }).then(
          () => true,
          () => false,
        ),
      { everyMs: 50 },
    )
    await fill(topic, [['ada', 'new']])
    await until('the new row is there', () => rows.get('ada') === 'new', { everyMs: 20 })
    assert.equal(rows.get('bob'), undefined)
    assert.equal(partition().state, 'live')
    assert.equal(partition().position, 1)
    assert.deepEqual(failures, [])
  },
)

test(
  'a global table of six partitions finds every row, whichever partitioner wrote it',
  { skip },
  async t => {
    for (const isJavas of [true, false]) {
      const topic = await createTopic(t, { partitions: 6 })
      const rows = Array.from({ length: 200 }, (_, i): Row => [`activity-${i}`, `row ${i}`])
      await withProducer(
        async producer => {
          await producer.send({ messages: messages(topic, rows) })
        },
        { isJavas },
      )
      const { tables } = await open(t, topic, 'global')
      tables.loadGlobal()
      await tables.whenLive(1)
      const reader = tables.reader(1, 0)
      for (const [key, value] of rows) assert.equal(reader.get(key), value)
      const misplaced = tables.stats()[0]!.partitions.reduce((sum, each) => sum + each.misplaced, 0)
      assert.equal(misplaced > 0, !isJavas)
    }
  },
)

test(
  "on six partitions the client's own partitioner is told from Java's, and empty topics pass",
  { skip },
  async t => {
    const topics = await Promise.all([1, 2, 3].map(() => createTopic(t, { partitions: 6 })))
    const [bookings, customers, wrong] = topics as [string, string, string]
    const keys = Array.from({ length: 120 }, (_, i): Row => [`customer-${i}`, 'row'])
    await withProducer(async producer => {
      await producer.send({ messages: messages(customers, keys) })
    })
    await withProducer(
      async producer => {
        await producer.send({ messages: messages(wrong, keys) })
      },
      { isJavas: false },
    )
    const client = openClient(t)
    const check = (table: string): Promise<void> =>
      checkPartitioning({ topology: joining(bookings, table), client, samplesPerPartition: 20 })
    await check(customers)
    await assert.rejects(
      check(wrong),
      isCode(
        'TOPOLOGY_PARTITIONER_MISMATCH',
        new RegExp(`${wrong}.*of \\d+ sampled.*agree with @platformatic/kafka`),
      ),
    )
    const four = await createTopic(t, { partitions: 4 })
    await assert.rejects(
      check(four),
      isCode('TOPOLOGY_PARTITION_COUNT_MISMATCH', new RegExp(`${four} has 4`)),
    )
    await assert.rejects(check(`${four}-none`), isCode('TOPOLOGY_TOPIC_MISSING', /-none/))
  },
)

function joining(stream: string, table: string): CompiledTopology {
  const serde = string() as Serde<unknown>
  const offsetReset = 'earliest' as const
  const source = {
    node: 2,
    name: stream,
    topic: stream,
    key: serde,
    value: serde,
    offsetReset,
    isRepartition: false,
  }
  return {
    name: 'tables-test',
    steps: [],
    subTopologies: [
      {
        id: 0,
        sources: [source],
        tables: [compiledTable({ topic: table })],
        sinks: [],
        deliveries: [],
        memories: [],
        hasAsyncSteps: false,
        build: () => new Map(),
      },
    ],
    globalTables: [],
    repartitions: [],
    deliveries: [],
  }
}

test('a compacted topic is loaded across the offsets that the cleaner has taken', { skip }, async t => {
  const topic = await createTopic(t, {
    config: {
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0.001',
      'segment.ms': '1000',
      'delete.retention.ms': '0',
    },
  })
  // A segment is closed when the next record is later than it by `segment.ms`; only closed ones are compacted.
  const startMs = Date.now() - 100_000
  await withProducer(async producer => {
    for (let i = 0; i < 30; i += 1) {
      const row: Row = [`key-${i % 3}`, `row ${i}`]
      await producer.send({ messages: messages(topic, [row], startMs + i * 2_000) })
    }
    await producer.send({ messages: messages(topic, [['key-0', null]], startMs + 70_000) })
    await producer.send({ messages: messages(topic, [['last', 'row']], startMs + 80_000) })
  })
  const client = openClient(t)
  await until('the cleaner has been there', () => firstOffset(client, topic).then(offset => offset > 20), {
    timeoutMs: 60_000,
    everyMs: 250,
  })
  const { tables, partition } = await load(t, topic)
  const rows = tables.reader(1, 0)
  assert.deepEqual(
    ['key-0', 'key-1', 'key-2', 'last'].map(key => rows.get(key)),
    [undefined, 'row 28', 'row 29', 'row'],
  )
  assert.equal(partition().rows, 3)
  assert.equal(partition().position, await endOffset(t, topic))
})

/** The offset of the first record that is left. The earliest offset of a partition does not move by compaction. */
function firstOffset(client: KafkaClient, topic: string): Promise<number> {
  const fetcher = client.createFetcher()
  return new Promise<number>((resolve, reject) => {
    fetcher.assign({ topic, partition: 0 }, 0, {
      // The base offset of the first batch: each batch has one record here.
      onBatch: batch => resolve(Number(batch.records.readBigInt64BE(0))),
      onError: (_, error) => reject(error),
    })
  }).finally(() => fetcher.close())
}
