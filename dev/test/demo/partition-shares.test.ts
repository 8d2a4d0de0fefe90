import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { fastify } from 'fastify'
import { untilShared } from '../../demo/services/partition-shares.ts'
import type { ServiceProcess } from '../../demo/services/service-processes.ts'

/** A process whose status tells one count of partitions after the other, and then the last one. */
async function fakeProcess(
  t: TestContext,
  name: string,
  counts: readonly number[],
): Promise<Pick<ServiceProcess, 'name' | 'url'>> {
  const app = fastify()
  let asked = 0
  app.get('/status', () => {
    const count = counts[Math.min(asked, counts.length - 1)]!
    asked += 1
    return {
      tasks: Array.from({ length: count }, (_, partition) => ({
        sources: [
          { topic: 'events', partition },
          { topic: 'others', partition },
        ],
      })),
    }
  })
  t.after(() => app.close())
  return { name, url: await app.listen({ port: 0, host: '127.0.0.1' }) }
}

test('the work is shared once every process holds its part and no partition is without one', async t => {
  const one = await fakeProcess(t, 'one', [6, 4, 2, 3])
  const other = await fakeProcess(t, 'other', [0, 2, 3, 3])
  await untilShared([one, other], { topic: 'events', partitions: 6 })
  await untilShared([one], { topic: 'events', partitions: 3 })
})

test('a process that never gets its part is told', async t => {
  const all = await fakeProcess(t, 'first', [6])
  const none = await fakeProcess(t, 'second', [0])
  await assert.rejects(untilShared([all, none], { topic: 'events', partitions: 6, deadlineMs: 0 }), {
    code: 'DEMO_NOT_SHARED',
    message:
      'first, second hold 6, 0 of the 6 partitions of events after 0 s, and each should hold 3 at least: their logs say why.',
  })
})
