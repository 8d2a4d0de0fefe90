import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { avro, defineAvro, string, streamTopic, tableTopic, topology } from '@tributary/topology'
import { HttpSchemaRegistry } from '@tributary/topology'
import type { App, AppConfig, KafkaClient, RecordHeaders } from '@tributary/topology'
import { rangesOf, type StoredRecord, visitRecords } from '../../src/cli/read-topic.ts'
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts'
import { until } from '../../../../test-support/until.ts'
import { noise } from '../cli/dlq-support.ts'
import { skip as skipBroker } from './kafka-tools.ts'
import { freshId, openClient, start } from './support.ts'

const registryUrl = process.env['SCHEMA_REGISTRY_URL']
const skip = skipBroker || (registryUrl === undefined ? 'SCHEMA_REGISTRY_URL names no registry' : false)

const LARGE_TOPIC = {
  'max.message.bytes': '20000000',
  'message.timestamp.after.max.ms': '9223372036854775807',
}
const TEN_MB = 10_000_000

const field = (name: string, type: unknown, fallback?: unknown): object => ({
  name,
  type,
  ...(fallback === undefined ? {} : { default: fallback }),
})
const tags = { type: 'array', items: 'string' }

const orderSchema = defineAvro({
  type: 'record',
  name: 'com.example.Order',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'note', type: 'string', default: 'none' },
    { name: 'tags', type: { type: 'array', items: 'string' }, default: [] },
  ],
} as const)
/** What its writers wrote before, and will write later. */
const olderSchema = { ...orderSchema, fields: [field('id', 'string'), field('tags', tags, [])] }
const newerSchema = { ...orderSchema, fields: [...orderSchema.fields, field('channel', 'string', 'web')] }
const customerSchema = defineAvro({
  type: 'record',
  name: 'com.example.Customer',
  fields: [
    { name: 'name', type: 'string' },
    { name: 'tags', type: { type: 'array', items: 'string' } },
  ],
} as const)

const orderSerde = avro(orderSchema)
const customerSerde = avro(customerSchema)

interface Put {
  readonly key?: string | null
  readonly value: Buffer | null
  readonly timestampMs?: number
  readonly headers?: RecordHeaders
}

interface Bench {
  readonly kafka: KafkaClient
  readonly id: string
  readonly orders: string
  readonly customers: string
  readonly results: string
  readonly deadLetters: string
  readonly ids: Readonly<Record<'order' | 'older' | 'newer' | 'customer' | 'foreign', number>>
  app(config?: Partial<AppConfig>): Promise<App>
  put(topic: string, ...records: readonly Put[]): Promise<number>
  read(topic: string): Promise<StoredRecord[]>
  outputs(): Promise<string[]>
}

async function open(t: TestContext): Promise<Bench> {
  const kafka = openClient(t)
  const registry = new HttpSchemaRegistry({ url: registryUrl as string })
  const id = freshId('bad-input')
  const [orders, customers, results] = [`${id}-orders`, `${id}-customers`, `${id}-results`]
  await kafka.admin.createTopics([
    { name: orders, partitions: 1, config: LARGE_TOPIC },
    { name: customers, partitions: 1, config: { ...LARGE_TOPIC, 'cleanup.policy': 'compact' } },
    // The default of Kafka 4; before it every timestamp of the future was taken.
    { name: results, partitions: 1, config: { 'message.timestamp.after.max.ms': '3600000' } },
  ])
  const register = (subject: string, schema: object): Promise<number> =>
    registry.register(subject, JSON.stringify(schema))
  const ids = {
    older: await register(`${orders}-value`, olderSchema),
    newer: await register(`${orders}-value`, newerSchema),
    order: await register(`${orders}-value`, orderSchema),
    customer: await register(`${customers}-value`, customerSchema),
    foreign: await register(`${id}-foreign-value`, {
      type: 'record',
      name: `F${id.replaceAll('-', '')}`,
      fields: [field('x', 'long')],
    }),
  }
  const builder = topology(id)
  builder
    .stream(streamTopic(orders, { key: string(), value: orderSerde }))
    .join(builder.table(tableTopic(customers, { key: string(), value: customerSerde })), {
      joiner: (order, customer) =>
        `${order.id} ${order.note.length > 20 ? order.note : `${order.note} ${customer.name}`}`,
    })
    .to(streamTopic(results, { key: string(), value: string() }))
  const built = builder.build()
  const read = async (topic: string): Promise<StoredRecord[]> => {
    const records: StoredRecord[] = []
    const ranges = await rangesOf(kafka, topic)
    await visitRecords(kafka, { topic, ranges, signal: undefined }, record => void records.push(record))
    return records
  }
  return {
    kafka,
    id,
    orders,
    customers,
    results,
    ids,
    read,
    deadLetters: `${id}-dead-letters`,
    app: config => start(t, built, { registry: registryUrl as string, ...config }),
    put: (topic, ...records) => putAll(kafka, topic, records),
    outputs: async () => (await read(results)).map(({ value }) => String(value)),
  }
}

/** Each record in a batch of its own. Returns the offset of the first. */
async function putAll(kafka: KafkaClient, topic: string, records: readonly Put[]): Promise<number> {
  const producer = await kafka.createProducer()
  let first = -1
  for (const { key = 'c1', value, timestampMs = Date.now(), headers = [] } of records) {
    const writer = new RecordBatchWriter()
    writer.append({ key: key === null ? null : Buffer.from(key), value, timestampMs, headers })
    const { baseOffset } = await producer.send({
      topic,
      partition: 0,
      records: writer.seal(),
      recordCount: 1,
    })
    if (first === -1) first = baseOffset
  }
  await producer.close()
  return first
}

function framed(schemaId: number, body: Buffer): Buffer {
  const head = Buffer.alloc(5)
  head.writeInt32BE(schemaId, 1)
  return Buffer.concat([head, body])
}

function avroText(text: string): Buffer {
  const bytes = Buffer.from(text)
  const length: number[] = []
  for (let rest = bytes.length * 2; ; rest >>>= 7) {
    if (rest < 128) {
      length.push(rest)
      break
    }
    length.push((rest & 127) | 128)
  }
  return Buffer.concat([Buffer.from(length), bytes])
}

const NO_TAGS = Buffer.from([0])
/** An array block of 2^40 items, as a 7-byte payload can announce it. */
const HUGE_BLOCK = Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x40])

/** What can be wrong with the bytes of a value whose schema begins with a text and ends with an array. */
function malformations(schemaId: number, before: readonly string[]): Readonly<Record<string, Buffer>> {
  const texts = before.map(avroText)
  const whole = framed(schemaId, Buffer.concat([...texts, NO_TAGS]))
  return {
    'random bytes': Buffer.concat([Buffer.from([7]), noise('random', 200)]),
    'random bytes behind a valid frame': framed(schemaId, noise('framed', 200)),
    'no bytes': Buffer.alloc(0),
    'a frame and no more': framed(schemaId, Buffer.alloc(0)),
    'truncated Avro': whole.subarray(0, -2),
    'bytes left over': Buffer.concat([whole, Buffer.from([1])]),
    'a wrong magic byte': Buffer.concat([Buffer.from([1]), whole.subarray(1)]),
    'a huge block count': framed(schemaId, Buffer.concat([...texts, HUGE_BLOCK])),
    'ten megabytes of noise': framed(schemaId, noise('large', TEN_MB)),
  }
}

const order = (schemaId: number, ...parts: readonly Buffer[]): Buffer =>
  framed(schemaId, Buffer.concat(parts))

function textsOf(record: StoredRecord): Readonly<Record<string, string>> {
  return Object.fromEntries(record.headers.map(([name, value]) => [name, value?.toString() ?? '']))
}

/** The letter holds the very record, and says where it came from and why. */
function assertLetter(
  letter: StoredRecord | undefined,
  expected: Put & {
    readonly topic: string
    readonly offset: number
    readonly code: string
    readonly what: string
  },
): void {
  const { key = 'c1', value, headers = [], topic, offset, code, what } = expected
  assert.ok(letter !== undefined, `${what}: a letter`)
  assert.equal(letter.key === null ? null : String(letter.key), key, what)
  assert.ok(
    value === null ? letter.value === null : letter.value?.equals(value),
    `${what}: the original bytes`,
  )
  assert.deepEqual(letter.headers.slice(0, headers.length), headers, what)
  if (expected.timestampMs !== undefined) assert.equal(letter.timestampMs, expected.timestampMs, what)
  const texts = textsOf(letter)
  assert.equal(texts['__streams.errors.topic'], topic, what)
  assert.equal(texts['__streams.errors.partition'], '0', what)
  assert.equal(texts['__streams.errors.offset'], String(offset), what)
  assert.equal(texts['__streams.errors.exception'], 'TopologyError', what)
  assert.ok((texts['__streams.errors.message'] ?? '') !== '', what)
  assert.match(texts['__streams.errors.stacktrace'] ?? '', /\n +at /, what)
  assert.equal(texts['tributary.errors.code'], code, what)
}

async function everyKind(t: TestContext, guarantee: 'at-least-once' | 'exactly-once'): Promise<void> {
  const bench = await open(t)
  const { orders, ids } = bench
  await bench.put(bench.customers, {
    value: framed(ids.customer, Buffer.concat([avroText('Ada'), NO_TAGS])),
  })
  const malformed = 'TOPOLOGY_DESERIALIZATION_FAILED'
  const repeated: RecordHeaders = [
    ['trace', Buffer.from('1')],
    ['trace', Buffer.from('2')],
    ['trace', null],
    ['', Buffer.alloc(0)],
  ]
  const good = order(ids.order, avroText('good'), avroText('n'), NO_TAGS)
  const future = Date.now() + 10 * 365 * 86_400_000
  const bad: readonly (Put & { readonly what: string; readonly code: string })[] = [
    ...Object.entries(malformations(ids.order, ['bad', 'n'])).map(([what, value]) => ({
      what,
      value,
      code: malformed,
      headers: repeated,
    })),
    {
      what: 'an unknown schema',
      value: framed(2_000_000_000, avroText('x')),
      code: 'TOPOLOGY_SCHEMA_UNKNOWN',
    },
    { what: "another topic's schema", value: framed(ids.foreign, Buffer.from([2])), code: malformed },
    { what: 'a negative timestamp', value: good, timestampMs: -2, code: 'TOPOLOGY_TIMESTAMP_INVALID' },
    {
      what: 'a timestamp of the future',
      value: good,
      timestampMs: future,
      code: 'TOPOLOGY_TIMESTAMP_INVALID',
    },
    {
      what: 'ten megabytes of valid Avro',
      value: order(ids.order, avroText('large'), avroText('x'.repeat(TEN_MB)), NO_TAGS),
      code: 'TOPOLOGY_RECORD_TOO_LARGE',
    },
    { what: 'no key', key: null, value: good, headers: repeated, code: 'TOPOLOGY_KEY_MISSING' },
  ]
  const offsets: number[] = []
  for (const [i, record] of bad.entries()) {
    offsets.push(await bench.put(orders, record))
    await bench.put(orders, { value: order(ids.order, avroText(`good${i}`), avroText('n'), NO_TAGS) })
  }
  await bench.put(orders, { value: order(ids.older, avroText('older'), NO_TAGS) })
  await bench.put(orders, {
    value: order(ids.newer, avroText('newer'), avroText('n'), NO_TAGS, avroText('shop')),
    headers: repeated,
  })

  const app = await bench.app({ guarantee })
  const expected = [...bad.map((_, i) => `good${i} n Ada`), 'older none Ada', 'newer n Ada']
  await until('all good records are through', async () => (await bench.outputs()).length >= expected.length, {
    timeoutMs: 60_000,
    everyMs: 50,
  })
  assert.deepEqual(await bench.outputs(), expected)
  assert.deepEqual((await bench.read(bench.results)).at(-1)?.headers, repeated)
  const letters = await bench.read(bench.deadLetters)
  assert.equal(letters.length, bad.length)
  for (const [i, { what, ...record }] of bad.entries())
    assertLetter(letters[i], { ...record, what, topic: orders, offset: offsets[i] as number })
  const { counters } = app.stats()
  const byCode = Object.entries(Object.groupBy(bad, ({ code }) => code)).map(([code, of]) => [
    code,
    of?.length,
  ])
  assert.deepEqual(counters.deadLettersByCode, Object.fromEntries(byCode))
  assert.deepEqual(counters.drops, {})
  assert.equal(app.state, 'running')
  await app.close()
}

for (const guarantee of ['at-least-once', 'exactly-once'] as const)
  test(
    `every kind of bad input becomes a dead letter with its bytes, and the stream goes on (${guarantee})`,
    { skip },
    t => everyKind(t, guarantee),
  )

test('a bad row in a lookup topic becomes a dead letter, and the row before it stays', { skip }, async t => {
  const bench = await open(t)
  const { customers, orders, ids } = bench
  const row = (name: string): Buffer => framed(ids.customer, Buffer.concat([avroText(name), NO_TAGS]))
  await bench.put(customers, { value: row('Ada') })
  const bad = [
    ...Object.entries(malformations(ids.customer, ['Bad'])).map(([what, value]) => ({
      what,
      value,
      code: 'TOPOLOGY_DESERIALIZATION_FAILED',
    })),
    {
      what: 'an unknown schema',
      value: framed(2_000_000_000, avroText('x')),
      code: 'TOPOLOGY_SCHEMA_UNKNOWN',
    },
  ]
  const first = await bench.put(customers, ...bad)
  // A row is whatever its timestamp says.
  await bench.put(customers, { key: 'c2', value: row('Bob'), timestampMs: -2 })
  for (const key of ['c1', 'c2'])
    await bench.put(orders, { key, value: order(ids.order, avroText(key), avroText('n'), NO_TAGS) })

  const app = await bench.app()
  const outputs = async (count: number): Promise<string[]> => {
    await until('the orders are through', async () => (await bench.outputs()).length >= count, {
      timeoutMs: 60_000,
      everyMs: 50,
    })
    return await bench.outputs()
  }
  assert.deepEqual(await outputs(2), ['c1 n Ada', 'c2 n Bob'])
  const letters = await bench.read(bench.deadLetters)
  assert.equal(letters.length, bad.length)
  for (const [i, record] of bad.entries())
    assertLetter(letters[i], { ...record, topic: customers, offset: first + i })

  const later = await bench.put(customers, { value: noise('later', 50) }, { value: row('Ada L.') })
  await until(
    'the new row is there',
    () => (app.stats().tables[0]?.partitions[0]?.position ?? 0) >= later + 2,
  )
  await bench.put(orders, { value: order(ids.order, avroText('again'), avroText('n'), NO_TAGS) })
  assert.equal((await outputs(3))[2], 'again n Ada L.')
  assert.equal((await bench.read(bench.deadLetters)).length, bad.length + 1)
  assert.equal(app.state, 'running')
  await app.close()
})

test(
  'a dead-letter topic that takes less than its sources gets the letter without the value',
  { skip },
  async t => {
    const bench = await open(t)
    await bench.kafka.admin.createTopics([
      {
        name: bench.deadLetters,
        partitions: 1,
        config: { 'max.message.bytes': '50000', 'message.timestamp.after.max.ms': '3600000' },
      },
    ])
    const future = Date.now() + 10 * 365 * 86_400_000
    const value = noise('large', TEN_MB)
    const headers: RecordHeaders = [['trace', Buffer.from('1')]]
    await bench.put(
      bench.orders,
      { value, headers },
      { value: Buffer.from('small'), headers, timestampMs: future },
      { value: Buffer.from('small'), headers: [['large', noise('header', 100_000)]] },
    )
    const app = await bench.app()
    await until('the letters are there', async () => (await bench.read(bench.deadLetters)).length === 3, {
      timeoutMs: 30_000,
      everyMs: 50,
    })
    const [withoutValue, withOtherTime, bare] = await bench.read(bench.deadLetters)
    assert.equal(withoutValue?.value, null)
    assert.deepEqual(withoutValue.headers[0], headers[0])
    assert.equal(textsOf(withoutValue)['tributary.errors.value.bytes'], String(TEN_MB))
    assert.equal(String(withOtherTime?.value), 'small')
    assert.ok((withOtherTime?.timestampMs ?? 0) < future)
    assert.equal(withOtherTime && textsOf(withOtherTime)['tributary.errors.timestamp'], String(future))
    assert.deepEqual([bare?.key, bare?.value], [null, null])
    assert.equal(bare && textsOf(bare)['tributary.errors.headers.count'], '1')
    assert.equal(bare && textsOf(bare)['__streams.errors.offset'], '2')
    assert.equal(app.state, 'running')
    await app.close()
  },
)

test('a compacted dead-letter topic is refused at start', { skip }, async t => {
  const bench = await open(t)
  await bench.kafka.admin.createTopics([
    { name: bench.deadLetters, partitions: 1, config: { 'cleanup.policy': 'compact' } },
  ])
  await assert.rejects(bench.app(), { code: 'TOPOLOGY_CONFIG_INVALID' })
})
