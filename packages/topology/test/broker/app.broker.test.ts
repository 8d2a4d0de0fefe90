import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { string, streamTopic, tableTopic, topology } from '@tributary/topology'
import type { KafkaClient, Topology } from '@tributary/topology'
import { until } from '../../../../test-support/until.ts'
import { skip } from './kafka-tools.ts'
import { assertAscending, follow, freshId, openClient, put, start } from './support.ts'

const PARTITIONS = 6
const text = { key: string(), value: string() }

interface Topics {
  readonly id: string
  readonly words: string
  readonly names: string
  readonly greetings: string
}

async function withTopics(t: TestContext): Promise<{ readonly kafka: KafkaClient; readonly topics: Topics }> {
  const kafka = openClient(t)
  const id = freshId('greeting')
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

const numbered = (from: number, to: number): (readonly [string, string])[] =>
  Array.from({ length: to - from }, (_, i) => [`k${(from + i) % 97}`, `w${from + i}`])

for (const groupProtocol of ['consumer', 'classic'] as const) {
  test(
    `two instances share a join, come and go, and every record comes out once (${groupProtocol})`,
    { skip },
    async t => {
      const { kafka, topics } = await withTopics(t)
      const words = { topic: topics.words, partitions: PARTITIONS }
      await put(
        kafka,
        { topic: topics.names, partitions: PARTITIONS },
        Array.from({ length: 97 }, (_, i) => [`k${i}`, `n${i}`] as const),
      )
      const seen = follow(t, kafka, { topic: topics.greetings, partitions: PARTITIONS })
      const built = greeting(topics)

      await put(kafka, words, numbered(0, 500))
      const first = await start(t, built, { groupProtocol })
      await until('the first instance works', () => seen.length > 0)
      const second = await start(t, built, { groupProtocol })
      await put(kafka, words, numbered(500, 1_000))
      await until(
        'both have tasks',
        () => first.stats().tasks.length === 3 && second.stats().tasks.length === 3,
        { timeoutMs: 30_000 },
      )
      await put(kafka, words, numbered(1_000, 1_500))
      await until('the first 1,500 are through', () => seen.length >= 1_500, { timeoutMs: 30_000 })
      await first.close()
      await put(kafka, words, numbered(1_500, 2_000))
      await until('the second has taken over', () => seen.length >= 2_000, { timeoutMs: 30_000 })
      await second.close()

      const expected = numbered(0, 2_000).map(([key, word]) => `${key}: ${word} n${key.slice(1)}`)
      assert.deepEqual(seen.map(({ key, value }) => `${key}: ${value}`).toSorted(), expected.toSorted())
      for (const [key, records] of Map.groupBy(seen, record => record.key)) {
        assertAscending(
          records.map(({ value }) => Number(value.slice(1).split(' ')[0])),
          `in order for ${key}`,
        )
      }
    },
  )
}

test('a restarted application goes on where it stopped', { skip }, async t => {
  const { kafka, topics } = await withTopics(t)
  const words = { topic: topics.words, partitions: PARTITIONS }
  await put(kafka, { topic: topics.names, partitions: PARTITIONS }, [['a', 'Ada']])
  const seen = follow(t, kafka, { topic: topics.greetings, partitions: PARTITIONS })
  const built = greeting(topics)
  await put(kafka, words, [['a', 'hello']])
  const first = await start(t, built)
  await until('the first record is through', () => seen.length === 1)
  await first.close()
  await put(kafka, words, [['a', 'goodbye']])
  await start(t, built)
  await until('the second record is through', () => seen.length >= 2)
  assert.deepEqual(
    seen.map(({ value }) => value),
    ['hello Ada', 'goodbye Ada'],
  )
})
