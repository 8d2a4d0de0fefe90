import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { brokers, skip, useQuickHeartbeats } from '../../../packages/topology/test/broker/kafka-tools.ts'
import { follow, freshId, openClient, put } from '../../../packages/topology/test/broker/support.ts'
import { until } from '../../../test-support/until.ts'
import type { Payment } from '../src/topology.ts'

const PARTITIONS = 3

function startProcess(t: TestContext, args: readonly string[]): ChildProcess {
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
  const child = spawn(process.execPath, ['-C', '@tributary/source', main, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  return child
}

test(
  'each payment is paid out once, although the process is killed with a transaction open',
  { skip },
  async t => {
    const id = freshId('payouts')
    const from = { topic: `${id}-payments`, partitions: PARTITIONS }
    const to = { topic: `${id}-payouts`, partitions: PARTITIONS }
    const kafka = openClient(t)
    await kafka.admin.createTopics([from, to].map(({ topic, partitions }) => ({ name: topic, partitions })))
    await useQuickHeartbeats(id, 2_000)
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: to.topic, partition }))
    const end = async (isolation: 'read-committed' | 'read-uncommitted'): Promise<number> =>
      (await kafka.admin.listOffsets(partitions, 'latest', isolation)).reduce(
        (sum, offset) => sum + offset,
        0,
      )

    let sent = 0
    const pay = async (): Promise<void> => {
      const some = Array.from({ length: 20 }, (_, index) => sent + index)
      sent += some.length
      await put(
        kafka,
        from,
        some.map(n => [`merchant-${n % 10}`, JSON.stringify({ paymentId: `p${n}`, cents: 1_000 })]),
      )
    }

    const args = [brokers.join(','), from.topic, to.topic, id]
    const first = startProcess(t, args)
    const gone = once(first, 'exit')
    await until(
      'there are committed payouts, and others that are not yet',
      async () => {
        await pay()
        const committed = await end('read-committed')
        return committed > 0 && (await end('read-uncommitted')) > committed
      },
      { timeoutMs: 60_000 },
    )
    first.kill('SIGKILL')
    await gone

    const second = startProcess(t, args)
    const paidOut = follow(t, kafka, to)
    await until('every payment is paid out', () => paidOut.length >= sent, { timeoutMs: 60_000, everyMs: 20 })
    const closed = once(second, 'exit')
    second.kill('SIGTERM')
    await closed

    const ids = paidOut.map(({ value }) => (JSON.parse(value) as Payment).paymentId)
    assert.equal(new Set(ids).size, sent)
    assert.equal(ids.length, sent)
  },
)
