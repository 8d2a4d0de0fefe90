import assert from 'node:assert/strict'
import { test } from 'node:test'
import { string, streamTopic, topology } from '@tributary/topology'
import { until } from '../../../../test-support/until.ts'
import { skip, useQuickHeartbeats } from '../broker/kafka-tools.ts'
import { assertAscending, follow, freshId, openClient, put, start } from '../broker/support.ts'

/* Applications that keep their partitions although something takes longer than a session, or is away for less than one. */

const SESSION_MS = 1_500
const PARTITIONS = 4
const text = { key: string(), value: string() }

const numbered = (from: number, to: number): (readonly [string, string])[] =>
  Array.from({ length: to - from }, (_, i) => [`k${(from + i) % 13}`, String(from + i)])

for (const groupProtocol of ['consumer', 'classic'] as const) {
  test(
    `an outage of an API that is longer than the session costs no partition and repeats nothing (${groupProtocol})`,
    { skip },
    async t => {
      const kafka = openClient(t)
      const id = freshId('outage')
      const [words, outputs] = [
        { topic: `${id}-words`, partitions: PARTITIONS },
        { topic: `${id}-outputs`, partitions: PARTITIONS },
      ]
      await kafka.admin.createTopics([
        { name: words.topic, partitions: PARTITIONS },
        { name: outputs.topic, partitions: PARTITIONS },
      ])
      await useQuickHeartbeats(id, SESSION_MS)
      const outage = Promise.withResolvers<void>()
      let calls = 0
      const builder = topology(id)
      builder
        .stream(streamTopic(words.topic, text))
        .enrich({
          using: () => {
            calls += 1
            return outage.promise
          },
          joiner: word => word,
          timeoutMs: 600_000,
        })
        .to(streamTopic(outputs.topic, text))
      const seen = follow(t, kafka, outputs)
      const config = { groupProtocol, sessionTimeoutMs: SESSION_MS, maxInFlightRecords: 10 }
      const app = await start(t, builder.build(), config)
      await put(kafka, words, numbered(0, 200))
      await until('calls hang in all partitions', () => calls >= PARTITIONS)
      const beganMs = performance.now()
      await until('three sessions are over', () => performance.now() - beganMs > 3 * SESSION_MS, {
        everyMs: 50,
      })
      assert.equal(app.state, 'running')
      assert.equal(app.stats().tasks.length, PARTITIONS)
      for (const task of app.stats().tasks) assert.ok(task.inFlight <= 10)
      outage.resolve()
      await until('all are through', () => seen.length >= 200)
      await app.close()
      assert.deepEqual(
        seen.map(({ value }) => Number(value)).toSorted((a, b) => a - b),
        Array.from({ length: 200 }, (_, i) => i),
      )
      for (const [key, records] of Map.groupBy(seen, record => record.key))
        assertAscending(
          records.map(({ value }) => Number(value)),
          `in order for ${key}`,
        )
    },
  )

  test(
    `an instance with an id that restarts within its session has its partitions again, and the others keep theirs (${groupProtocol})`,
    { skip },
    async t => {
      const kafka = openClient(t)
      const id = freshId('static')
      const words = { topic: `${id}-words`, partitions: PARTITIONS }
      const outputs = { topic: `${id}-outputs`, partitions: PARTITIONS }
      await kafka.admin.createTopics([
        { name: words.topic, partitions: PARTITIONS },
        { name: outputs.topic, partitions: PARTITIONS },
      ])
      await useQuickHeartbeats(id, 30_000)
      const builder = topology(id)
      builder.stream(streamTopic(words.topic, text)).to(streamTopic(outputs.topic, text))
      const built = builder.build()
      const seen = follow(t, kafka, outputs)
      const config = { groupProtocol, sessionTimeoutMs: 30_000 }
      const stays = await start(t, built, { ...config, instanceId: 'stays' })
      const leaves = await start(t, built, { ...config, instanceId: 'leaves' })
      const tasksOf = (app: typeof stays): string[] =>
        app
          .stats()
          .tasks.map(task => task.id)
          .toSorted()
      await until('both have two', () => tasksOf(stays).length === 2 && tasksOf(leaves).length === 2, {
        timeoutMs: 30_000,
      })
      const before = [tasksOf(stays), tasksOf(leaves)]
      await leaves.close()
      await put(kafka, words, numbered(0, 100))
      const leftMs = performance.now()
      await until('a group would have moved the partitions', () => performance.now() - leftMs > 3_000, {
        everyMs: 50,
      })
      const again = await start(t, built, { ...config, instanceId: 'leaves' })
      await until('all are through', () => seen.length >= 100, { timeoutMs: 30_000 })
      assert.deepEqual([tasksOf(stays), tasksOf(again)], before)
      // Whoever had been given the others' partitions meanwhile would have read them.
      const own = tasksOf(stays).map(task => ({
        topic: words.topic,
        partition: Number(task.split('_')[1]),
      }))
      const ends = await kafka.admin.listOffsets(own, 'latest', 'read-committed')
      assert.equal(
        stays.stats().counters.consumed,
        ends.reduce((sum, end) => sum + end),
      )
      await Promise.all([stays.close(), again.close()])
      assert.equal(seen.length, 100)
    },
  )
}
