import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { topology } from '../../src/dsl/builder.ts'
import { TopologyError } from '../../src/errors.ts'
import { Counters } from '../../src/observability/counters.ts'
import { App } from '../../src/runtime/app.ts'
import {
  deadLetterHeaders,
  type FailedDelivery,
  LETTER_HEADROOM_BYTES,
  letterForms,
} from '../../src/runtime/dead-letter.ts'
import { batchBytesOf, NO_LIMITS } from '../../src/runtime/output-limits.ts'
import { RecordCollector } from '../../src/runtime/record-collector.ts'
import { json, string } from '../../src/serde/primitives.ts'
import { createFakeClient, type FakeClient, type FakeTopic } from '../../src/testing/fake-client.ts'
import { TestClock } from '../../src/testing/test-clock.ts'
import { TopologyTestDriver } from '../../src/testing/topology-test-driver.ts'
import { streamTopic, tableTopic } from '../../src/topic.ts'
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts'
import { until } from '../../../../test-support/until.ts'

function textsOf(error: unknown): Readonly<Record<string, string>> {
  const letter = {
    topic: 'words',
    partition: 3,
    offset: 7,
    timestampMs: 0,
    headers: [],
    key: null,
    value: null,
  }
  const headers = deadLetterHeaders({ ...letter, step: 'shout', error })
  return Object.fromEntries(headers.map(([name, value]) => [name, String(value)]))
}

class Unheard extends Error {}

test('the headers name what the author’s function threw, with all causes in message and stack trace', () => {
  const cause = new Unheard('nobody listens', { cause: new RangeError('too far') })
  const wrapped = new TopologyError('TOPOLOGY_PROCESSING_FAILED', 'The step shout failed', { cause })
  const texts = textsOf(wrapped)
  assert.equal(texts['__streams.errors.exception'], 'Unheard')
  assert.equal(texts['__streams.errors.message'], 'The step shout failed: nobody listens: too far')
  assert.match(
    texts['__streams.errors.stacktrace'] ?? '',
    /^TopologyError: The step shout failed\n[^]*\nCaused by: Error: nobody listens\n[^]*\nCaused by: RangeError: too far\n/,
  )
  assert.deepEqual(
    ['topic', 'partition', 'offset'].map(name => texts[`__streams.errors.${name}`]),
    ['words', '3', '7'],
  )
  assert.equal(texts['tributary.errors.code'], 'TOPOLOGY_PROCESSING_FAILED')
  assert.equal(
    textsOf(new TopologyError('TOPOLOGY_SCHEMA_UNKNOWN', 'no'))['__streams.errors.exception'],
    'TopologyError',
  )
  const thrownText = textsOf('just a text')
  assert.equal(thrownText['__streams.errors.exception'], 'string')
  assert.equal(thrownText['tributary.errors.code'], 'UNKNOWN')
})

test('an error of any size fits into the room that a dead-letter topic leaves for it', () => {
  let error: Error = new Error('☃'.repeat(1_000_000))
  for (let depth = 0; depth < 20; depth += 1) error = new Error('☃'.repeat(100_000), { cause: error })
  const headers = deadLetterHeaders({
    topic: 'w'.repeat(249),
    partition: 0,
    offset: 0,
    timestampMs: 0,
    headers: [],
    key: null,
    value: null,
    step: '☃'.repeat(100_000),
    error,
  })
  assert.ok(batchBytesOf(null, null, headers) < LETTER_HEADROOM_BYTES)
})

const delivery = (sentBytes: number, records: number): FailedDelivery => ({
  attempts: 1_000_000,
  status: '☃'.repeat(1_000),
  sent: 'x'.repeat(sentBytes),
  records: Array.from({ length: records }, (_, i) => ({
    topic: 'w'.repeat(249),
    partition: i % 7,
    offset: i * 1e9,
  })),
})

const bareLetter = {
  topic: 'words',
  partition: 3,
  offset: 7,
  timestampMs: 0,
  headers: [],
  key: null,
  value: Buffer.from('v'),
  step: 'deliver',
  error: new Error('no'),
}

test('a delivery of any size fits, too, and says what is left out', () => {
  const error = new Error('☃'.repeat(1_000_000), { cause: new Error('☃'.repeat(1_000_000)) })
  const step = '☃'.repeat(100_000)
  for (const [sentBytes, records] of [
    [131_072, 100_000],
    [131_073, 2],
  ] as const) {
    const headers = deadLetterHeaders({ ...bareLetter, error, step, delivery: delivery(sentBytes, records) })
    assert.ok(batchBytesOf(null, null, headers) < LETTER_HEADROOM_BYTES)
    const texts = Object.fromEntries(headers.map(([name, value]) => [name, String(value)]))
    assert.equal(texts['tributary.errors.records.count'], String(records))
    assert.equal(texts['tributary.errors.records']?.endsWith(' …'), records === 100_000)
    assert.equal(texts['tributary.errors.sent']?.length, sentBytes === 131_072 ? 131_072 : undefined)
    assert.equal(texts['tributary.errors.sent.bytes'], sentBytes === 131_072 ? undefined : '131073')
  }
})

test('the smallest form of a letter is without what was sent', () => {
  const forms = [...letterForms({ ...bareLetter, delivery: delivery(100, 2) })]
  const namesOf = (index: number): (string | undefined)[] => forms[index]?.headers.map(([name]) => name) ?? []
  assert.equal(namesOf(1).includes('tributary.errors.sent'), true)
  assert.equal(namesOf(2).includes('tributary.errors.sent'), false)
  assert.equal(namesOf(2).includes('tributary.errors.sent.bytes'), true)
  assert.equal(namesOf(2).includes('tributary.errors.attempts'), true)
})

test('the size of a batch of one record is known before it is written', () => {
  for (const keyBytes of [-1, 0, 63, 64, 10_000])
    for (const valueBytes of [-1, 0, 8_191, 8_192])
      for (const headers of [
        [],
        [['ä', Buffer.alloc(70)]],
        [
          ['a', null],
          ['a', Buffer.alloc(0)],
        ],
      ] as const) {
        const key = keyBytes < 0 ? null : Buffer.alloc(keyBytes)
        const value = valueBytes < 0 ? null : Buffer.alloc(valueBytes)
        const writer = new RecordBatchWriter()
        writer.appendRecord(key, value, 1_700_000_000_000, headers)
        assert.equal(batchBytesOf(key, value, headers), writer.seal().length)
      }
})

async function passingThrough(
  t: TestContext,
  out: Partial<FakeTopic>,
): Promise<{ readonly kafka: FakeClient; readonly app: App }> {
  const kafka = createFakeClient({
    topics: [
      { name: 'in', partitions: 1 },
      { name: 'out', partitions: 1, ...out },
    ],
  })
  const builder = topology('passing')
  const text = { key: string(), value: string() }
  builder.stream(streamTopic('in', text)).to(streamTopic('out', text))
  const app = new App(
    builder.build().compiled,
    { kafka, commitIntervalMs: 10, lingerMs: 1, shutdownTimeoutMs: 1_000 },
    { connect: () => ({ kafka, registry: undefined }) },
  )
  t.after(() => app.close().catch(() => undefined))
  await app.start()
  return { kafka, app }
}

for (const [what, out, bad, code] of [
  [
    'is larger than its topic takes',
    { config: { 'max.message.bytes': '1000' } },
    { key: 'k', value: 'x'.repeat(950) },
    'TOPOLOGY_RECORD_TOO_LARGE',
  ],
  [
    'has no key and is for a compacted topic',
    { cleanupPolicy: 'compact' },
    { key: null, value: 'x' },
    'TOPOLOGY_SERIALIZATION_FAILED',
  ],
  [
    'is later than its topic takes',
    { config: { 'message.timestamp.after.max.ms': '3600000' } },
    { key: 'k', value: 'x', timestampMs: 4e12 },
    'TOPOLOGY_TIMESTAMP_INVALID',
  ],
  [
    'is older than its topic takes',
    { config: { 'message.timestamp.before.max.ms': '3600000' } },
    { key: 'k', value: 'x', timestampMs: 1 },
    'TOPOLOGY_TIMESTAMP_INVALID',
  ],
] as const)
  test(`an output that ${what} is a dead letter, and the next record is through`, async t => {
    const { kafka, app } = await passingThrough(t, out)
    kafka.put('in', bad)
    kafka.put('in', { key: 'k', value: 'next', timestampMs: Date.now() })
    await until('both are committed', () => kafka.committed('passing', 'in', 0) === 2)
    assert.deepEqual(
      kafka.records('out').map(({ value }) => String(value)),
      ['next'],
    )
    assert.deepEqual(
      kafka.records('passing-dead-letters').map(({ value }) => String(value)),
      [bad.value],
    )
    assert.deepEqual(app.stats().counters.deadLettersByCode, { [code]: 1 })
    assert.equal(app.state, 'running')
  })

test('small records never make a batch that their topic does not take', async () => {
  const sizes: number[] = []
  let sent = 0
  const collector = new RecordCollector({
    producer: {
      send: ({ records, recordCount }) => {
        sizes.push(records.length)
        sent += recordCount
        return Promise.resolve({ baseOffset: 0 })
      },
      close: () => Promise.resolve(),
    },
    clock: new TestClock(),
    partitionsOf: () => 1,
    limitsOf: () => ({ ...NO_LIMITS, maxBatchBytes: 1_000 }),
    counters: new Counters(),
    batchBytes: 262_144,
    lingerMs: 5,
    maxPendingBytes: 1_000_000,
    maxRecordBytes: 1_000_000,
    onFailure: assert.fail,
    onSpace: () => undefined,
  })
  const key = Buffer.from('k')
  for (let i = 0; i < 150; i += 1)
    collector.append('out', key, Buffer.alloc(i * 5), {
      timestampMs: i * 1e9,
      headers: [['h', Buffer.alloc(i)]],
    })
  await collector.flush()
  assert.equal(sent, 150)
  assert.ok(Math.max(...sizes) <= 1_000, `${Math.max(...sizes)} bytes`)
  assert.ok(sizes.length < 150, `${sizes.length} batches`)
})

test('a record that fails after a later one with its key still has its dead letter', async () => {
  const words = streamTopic('words', { key: string(), value: json<string>() })
  const calls: PromiseWithResolvers<void>[] = []
  const builder = topology('late')
  builder
    .stream(words)
    .enrich({
      using: () => {
        const call = Promise.withResolvers<void>()
        calls.push(call)
        return call.promise
      },
      joiner: value => value,
    })
    .to(streamTopic('out', { key: string(), value: json<unknown>() }))
  const driver = await TopologyTestDriver.create(builder.build())
  driver.input(words).put('k', 'answered')
  driver.input(words).put('k', 'waits behind it')
  driver.input(words).putRaw(Buffer.from('k'), Buffer.from('malformed'))
  await driver.advance(1)
  calls[0]?.resolve()
  await driver.advance(1)
  calls[1]?.reject(Object.assign(new Error('404'), { retry: { kind: 'never' } }))
  await driver.advance(1)
  assert.deepEqual(
    driver.takeDeadLetters().map(({ value }) => String(value)),
    ['malformed', '"waits behind it"'],
  )
  await driver.close()
})

/** A record without a key meets two joins and a branch that needs no key, in an application with this policy. */
async function keylessWith(
  t: TestContext,
  onNullKey: 'dead-letter' | 'skip' | 'fail',
): Promise<{ readonly kafka: FakeClient; readonly app: App }> {
  const kafka = createFakeClient({
    topics: ['in', 'rows', 'out'].map(name => ({ name, partitions: 1 })),
  })
  const text = { key: string(), value: string() }
  const builder = topology('keyless')
  const stream = builder.stream(streamTopic('in', text))
  const rows = builder.table(tableTopic('rows', text))
  for (const name of ['first', 'second'])
    stream
      .join(rows, { name, joiner: (value, row) => `${name} ${value} ${row}` })
      .to(streamTopic('out', text))
  stream.mapValues(value => `last ${value}`).to(streamTopic('out', text))
  const app = new App(
    builder.build().compiled,
    { kafka, onNullKey, commitIntervalMs: 10, lingerMs: 1, shutdownTimeoutMs: 1_000 },
    { connect: () => ({ kafka, registry: undefined }) },
  )
  t.after(() => app.close().catch(() => undefined))
  kafka.put('rows', { key: 'k', value: 'row' })
  kafka.put('in', { key: null, value: 'x', headers: [['trace', Buffer.from('1')]] })
  kafka.put('in', { key: 'k', value: 'y' })
  await app.start()
  return { kafka, app }
}

const outputsOf = (kafka: FakeClient): string[] => kafka.records('out').map(({ value }) => String(value))
const AROUND_THE_KEYLESS = ['last x', 'first y row', 'second y row', 'last y']

test('a record without a key, where one is needed, is one dead letter with its bytes; other branches go on', async t => {
  const { kafka, app } = await keylessWith(t, 'dead-letter')
  await until('both are committed', () => kafka.committed('keyless', 'in', 0) === 2)
  const [letter, ...others] = kafka.records('keyless-dead-letters')
  assert.ok(letter !== undefined && others.length === 0)
  assert.deepEqual([letter.key, String(letter.value)], [null, 'x'])
  assert.deepEqual(letter.headers[0], ['trace', Buffer.from('1')])
  const texts = Object.fromEntries(letter.headers.map(([name, value]) => [name, String(value)]))
  assert.equal(texts['tributary.errors.code'], 'TOPOLOGY_KEY_MISSING')
  assert.equal(texts['tributary.errors.step'], 'first')
  assert.equal(texts['__streams.errors.offset'], '0')
  assert.match(texts['__streams.errors.message'] ?? '', /first needs a key.* in-0@0 /)
  assert.deepEqual(outputsOf(kafka), AROUND_THE_KEYLESS)
  const { drops, deadLettersByCode } = app.stats().counters
  assert.deepEqual([drops, deadLettersByCode], [{}, { TOPOLOGY_KEY_MISSING: 1 }])
})

test('with skip a record without a key is dropped and counted, as Kafka Streams does', async t => {
  const { kafka, app } = await keylessWith(t, 'skip')
  await until('both are committed', () => kafka.committed('keyless', 'in', 0) === 2)
  assert.deepEqual(kafka.records('keyless-dead-letters'), [])
  assert.deepEqual(outputsOf(kafka), AROUND_THE_KEYLESS)
  assert.deepEqual(app.stats().counters.drops, { first: { 'null-key': 1 }, second: { 'null-key': 1 } })
})

test('with fail a record without a key ends the application, and stays uncommitted', async t => {
  const { kafka, app } = await keylessWith(t, 'fail')
  await assert.rejects(app.ended, { code: 'TOPOLOGY_KEY_MISSING' })
  assert.equal(app.state, 'failed')
  assert.equal(kafka.committed('keyless', 'in', 0), undefined)
  assert.deepEqual(outputsOf(kafka), [])
})
