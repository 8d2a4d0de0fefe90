import assert from 'node:assert/strict'
import { test } from 'node:test'
import { json, string, streamTopic, tableTopic, topology } from '@tributary/topology'
import type { DeliveryItem, DeliveryOutcome, Topology } from '@tributary/topology'
import { until } from '../../../../test-support/until.ts'
import { skip } from './kafka-tools.ts'
import { freshId, openClient, put, start } from './support.ts'

const PARTITIONS = 3
const KEYS = Array.from({ length: 20 }, (_, i) => `k${i}`)

interface Memory {
  readonly total: number
}

for (const guarantee of ['at-least-once', 'exactly-once'] as const) {
  test(
    `${guarantee}: what a step remembers of its lanes is there after a restart, and after the work has moved`,
    { skip },
    async t => {
      const kafka = openClient(t)
      const id = freshId('memory')
      const words = { topic: `${id}-words`, partitions: PARTITIONS }
      await kafka.admin.createTopics([{ name: words.topic, partitions: PARTITIONS }])
      const totals = new Map<string, number>()
      const built = (): Topology => {
        const builder = topology(id)
        builder.stream(streamTopic(words.topic, { key: string(), value: string() })).deliver<string, Memory>({
          destination: {
            name: 'counter',
            // One item of a lane is in a batch, so each comes with what the one before it left.
            joins: () => 'waits',
            deliver: (items: readonly DeliveryItem<string, Memory>[]): Promise<DeliveryOutcome<Memory>[]> =>
              Promise.resolve(
                items.map(({ key, memory }) => {
                  const total = (memory?.total ?? 0) + 1
                  totals.set(String(key), total)
                  return { kind: 'accepted', memory: { total } }
                }),
              ),
          },
          memory: tableTopic(`${id}-totals`, { key: string(), value: json<Memory>() }),
          maxBatchItems: 20,
          lingerMs: 5,
        })
        return builder.build()
      }
      const round = async (expected: number): Promise<void> => {
        await put(
          kafka,
          words,
          KEYS.flatMap(key => Array.from({ length: 10 }, (_, i) => [key, `${i}`] as const)),
        )
        await until(`all totals are ${expected}`, () => KEYS.every(key => totals.get(key) === expected), {
          timeoutMs: 30_000,
        })
      }

      const first = await start(t, built(), { guarantee })
      await round(10)
      await first.close()
      const second = await start(t, built(), { guarantee })
      await round(20)
      // Half of the partitions move, and come back.
      const third = await start(t, built(), { guarantee })
      await until(
        'both work',
        () => third.stats().tasks.length > 0 && second.stats().tasks.length < PARTITIONS,
        {
          timeoutMs: 30_000,
        },
      )
      await round(30)
      await second.close()
      await round(40)
      const [memory] = third.stats().tables
      assert.deepEqual([memory?.topic, memory?.state, memory?.rows], [`${id}-totals`, 'live', KEYS.length])
      await third.close()
    },
  )
}
