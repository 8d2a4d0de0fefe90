import assert from 'node:assert/strict'
import { test } from 'node:test'
import { string, streamTopic, tableTopic, topology } from '@tributary/topology'
import { until } from '../../../../test-support/until.ts'
import { skip } from './kafka-tools.ts'
import { assertAscending, follow, freshId, openClient, put, start } from './support.ts'

const PARTITIONS = 3
const text = { key: string(), value: string() }

for (const guarantee of ['at-least-once', 'exactly-once'] as const) {
  test(
    `${guarantee}: records wait for rows that come after them, across a restart, and come out once and in order`,
    { skip },
    async t => {
      const kafka = openClient(t)
      const id = freshId('parking')
      const topics = { words: `${id}-words`, names: `${id}-names`, greetings: `${id}-greetings` }
      await kafka.admin.createTopics([
        { name: topics.words, partitions: PARTITIONS },
        { name: topics.names, partitions: PARTITIONS, config: { 'cleanup.policy': 'compact' } },
        { name: topics.greetings, partitions: PARTITIONS },
      ])
      const builder = topology(id)
      builder
        .stream(streamTopic(topics.words, text))
        .join(builder.table(tableTopic(topics.names, text)), {
          joiner: (word, name) => `${word} ${name}`,
          missing: { parkForMs: 600_000 },
        })
        .to(streamTopic(topics.greetings, text))
      const built = builder.build()
      const seen = follow(t, kafka, { topic: topics.greetings, partitions: PARTITIONS })
      const KEYS = Array.from({ length: 20 }, (_, i) => `k${i}`)
      const words = (from: number, to: number): (readonly [string, string])[] =>
        Array.from({ length: to - from }, (_, i) => [`k${(from + i) % KEYS.length}`, `${from + i}`])

      await put(kafka, { topic: topics.words, partitions: PARTITIONS }, words(0, 100))
      const first = await start(t, built, { guarantee })
      const inFlight = (app: typeof first): number =>
        app.stats().tasks.reduce((sum, task) => sum + task.inFlight, 0)
      await until('all of them wait', () => inFlight(first) === 100, { timeoutMs: 30_000 })
      const startedMs = performance.now()
      await first.close()
      assert.ok(performance.now() - startedMs < 20_000)

      const second = await start(t, built, { guarantee })
      await put(kafka, { topic: topics.words, partitions: PARTITIONS }, words(100, 200))
      await until('all of them wait again', () => inFlight(second) === 200, { timeoutMs: 30_000 })
      assert.equal(seen.length, 0)
      await put(
        kafka,
        { topic: topics.names, partitions: PARTITIONS },
        KEYS.map(key => [key, `name of ${key}`] as const),
      )
      await until('all are through', () => seen.length >= 200, { timeoutMs: 30_000 })
      await second.close()
      assert.equal(seen.length, 200)
      for (const key of KEYS) {
        const greetings = seen.filter(record => record.key === key).map(({ value }) => value)
        assert.ok(greetings.every(value => value.endsWith(` name of ${key}`)))
        assert.equal(greetings.length, 10)
        assertAscending(
          greetings.map(value => Number.parseInt(value, 10)),
          `the greetings of ${key}`,
        )
      }
      assert.deepEqual(second.stats().counters.drops, {})
    },
  )
}
