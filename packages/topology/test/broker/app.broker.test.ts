import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import {
  createApp,
  createKafkaClient,
  partitionForKey,
  string,
  streamTopic,
  tableTopic,
  topology,
} from '@tributary/topology'
import type { App, AppConfig, KafkaClient, Topology } from '@tributary/topology'
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts'
import { RecordCursor } from '../../src/wire/record-batch-reader.ts'
import { until } from '../../../../test-support/until.ts'

const brokers = (process.env['KAFKA_BROKERS'] ?? '').split(',')
const PARTITIONS = 6
const text = { key: string(), value: string() }

interface Topics {
  readonly id: string
  readonly words: string
  readonly names: string
  readonly greetings: string
}

async function withTopics(t: TestContext): Promise<{ readonly kafka: KafkaClient; readonly topics: Topics }> {
  const kafka = createKafkaClient({ brokers, clientId: 'app-test' })
  t.after(() => kafka.close())
  const id = `greeting-${randomUUID().slice(0, 8)}`
  const topics = { id, words: `${id}-words`, names: `${id}-names`, greetings: `${id}-greetings` }
  await kafka.admin.createTopics([
    { name: topics.words, partitions: PARTITIONS },
    { name: topics.names, partitions: PARTITIONS, config: { 'cleanup.policy': 'compact' } },
    { name: topics.greetings, partitions: PARTITIONS },
  ])
  return { kafka, topics }
}

function greeting({ id, words, names, greetings }: Topics): Topology {
  const builder = topology(id)
  builder
    .stream(streamTopic(words, text))
    .join(builder.table(tableTopic(names, text)), { joiner: (word, name) => `${word} ${name}` })
    .to(streamTopic(greetings, text))
  return builder.build()
}

async function put(
  kafka: KafkaClient,
  topic: string,
  records: readonly (readonly [string, string | null])[],
): Promise<void> {
  const producer = await kafka.createProducer()
  const writers = new Map<number, RecordBatchWriter>()
  for (const [key, value] of records) {
    const bytes = Buffer.from(key)
    const partition = partitionForKey(bytes, 0, bytes.length, PARTITIONS)
    const writer = writers.get(partition) ?? new RecordBatchWriter()
    writers.set(partition, writer)
    writer.append({
      key: bytes,
      value: value === null ? null : Buffer.from(value),
      timestampMs: Date.now(),
      headers: [],
    })
  }
  await Promise.all(
    [...writers].map(([partition, writer]) => {
      const recordCount = writer.count
      return producer.send({ topic, partition, records: writer.seal(), recordCount })
    }),
  )
  await producer.close()
}

/** Everything in a topic so far, and what comes while the test runs. */
function follow(
  t: TestContext,
  kafka: KafkaClient,
  topic: string,
): { readonly key: string; readonly value: string }[] {
  const seen: { readonly key: string; readonly value: string }[] = []
  const fetcher = kafka.createFetcher({ maxWaitMs: 50 })
  t.after(() => fetcher.close())
  const cursor = new RecordCursor()
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    fetcher.assign({ topic, partition }, 0, {
      onBatch: batch => {
        cursor.reset(batch.records, batch.startOffset)
        while (cursor.next()) {
          const { buffer, keyStart, keyEnd, valueStart, valueEnd } = cursor
          seen.push({
            key: buffer.toString('utf8', keyStart, keyEnd),
            value: buffer.toString('utf8', valueStart, valueEnd),
          })
        }
      },
      onError: (_, error) => assert.fail(error),
    })
  }
  return seen
}

async function start(t: TestContext, built: Topology, config: Partial<AppConfig> = {}): Promise<App> {
  const app = createApp(built, { kafka: { brokers }, commitIntervalMs: 100, fetchWaitMs: 100, ...config })
  t.after(() => app.close().catch(() => undefined))
  await app.start()
  return app
}

const numbered = (from: number, to: number): (readonly [string, string])[] =>
  Array.from({ length: to - from }, (_, i) => [`k${(from + i) % 97}`, `w${from + i}`])

for (const groupProtocol of ['consumer', 'classic'] as const) {
  test(`three instances share a join, come and go, and every record comes out once (${groupProtocol})`, async t => {
    const { kafka, topics } = await withTopics(t)
    await put(
      kafka,
      topics.names,
      Array.from({ length: 97 }, (_, i) => [`k${i}`, `n${i}`] as const),
    )
    const seen = follow(t, kafka, topics.greetings)
    const built = greeting(topics)

    await put(kafka, topics.words, numbered(0, 500))
    const first = await start(t, built, { groupProtocol })
    await until('the first instance works', () => seen.length > 0)
    const second = await start(t, built, { groupProtocol })
    await put(kafka, topics.words, numbered(500, 1_000))
    await until(
      'both have tasks',
      () => first.stats().tasks.length === 3 && second.stats().tasks.length === 3,
      { timeoutMs: 30_000 },
    )
    await put(kafka, topics.words, numbered(1_000, 1_500))
    await until('the first 1,500 are through', () => seen.length >= 1_500, { timeoutMs: 30_000 })
    await first.close()
    await put(kafka, topics.words, numbered(1_500, 2_000))
    await until('the second has taken over', () => seen.length >= 2_000, { timeoutMs: 30_000 })
    await second.close()

    const expected = numbered(0, 2_000).map(([key, word]) => `${key}: ${word} n${key.slice(1)}`)
    assert.deepEqual(seen.map(({ key, value }) => `${key}: ${value}`).toSorted(), expected.toSorted())
    // In order per key.
    for (const key of new Set(seen.map(record => record.key))) {
      const numbers = seen
        .filter(record => record.key === key)
        .map(({ value }) => Number(value.slice(1).split(' ')[0]))
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => a - b),
      )
    }
  })
}

test('a restarted application goes on where it stopped', async t => {
  const { kafka, topics } = await withTopics(t)
  await put(kafka, topics.names, [['a', 'Ada']])
  const seen = follow(t, kafka, topics.greetings)
  const built = greeting(topics)
  await put(kafka, topics.words, [['a', 'hello']])
  const first = await start(t, built)
  await until('the first record is through', () => seen.length === 1)
  await first.close()
  await put(kafka, topics.words, [['a', 'goodbye']])
  await start(t, built)
  await until('the second record is through', () => seen.length >= 2)
  assert.deepEqual(
    seen.map(({ value }) => value),
    ['hello Ada', 'goodbye Ada'],
  )
})
