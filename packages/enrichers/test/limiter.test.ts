import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { Limiter } from '../src/limiter.ts'

/** Makes `calls` calls over as many slots as the dispatcher would ask for; returns when each began. */
async function makeCalls(limiter: Limiter, plan: { calls: number; slots: number; callMs: number }) {
  const begunAt: number[] = []
  let running = 0
  let mostAtOnce = 0
  const step = async (): Promise<boolean> => {
    if (begunAt.length === plan.calls) return false
    begunAt.push(performance.now())
    mostAtOnce = Math.max(mostAtOnce, ++running)
    await sleep(plan.callMs)
    running--
    return true
  }
  const work = async (): Promise<void> => {
    while (begunAt.length < plan.calls) await limiter.run(step)
  }
  await Promise.all(Array.from({ length: plan.slots }, work))
  return { begunAt, mostAtOnce }
}

test('never more calls at once than the concurrency, and as many when there are enough', async t => {
  const limiter = new Limiter({ concurrency: 4, ratePerSecond: undefined })
  t.after(() => limiter.close())
  const { mostAtOnce } = await makeCalls(limiter, { calls: 60, slots: 8, callMs: 5 })
  assert.equal(mostAtOnce, 4)
})

for (const { rate, calls } of [
  { rate: 100, calls: 30 },
  { rate: 1_000, calls: 300 },
])
  test(`at ${rate} a second no call begins before its time`, async t => {
    const limiter = new Limiter({ concurrency: 50, ratePerSecond: rate })
    t.after(() => limiter.close())
    const startedAt = performance.now()
    const { begunAt } = await makeCalls(limiter, { calls, slots: 100, callMs: 1 })
    const perGrant = Math.ceil(rate / 200)
    for (const [index, at] of begunAt.entries()) {
      // Bottleneck counts in whole milliseconds of the system's time.
      const earliestMs = (Math.floor(index / perGrant) * perGrant * 1_000) / rate - 2
      assert.ok(at - startedAt >= earliestMs, `call ${index} began ${at - startedAt} ms after the start`)
    }
  })

test('one slot makes several calls, since bottleneck starts only some 430 slots a second', async t => {
  const limiter = new Limiter({ concurrency: 1, ratePerSecond: undefined })
  t.after(() => limiter.close())
  let slots = 0
  let calls = 0
  while (calls < 64) {
    slots++
    await limiter.run(async () => ++calls <= 64)
  }
  assert.ok(slots <= 5, `${slots} slots for 64 calls`)
})

test('closing ends the waiting', async () => {
  const limiter = new Limiter({ concurrency: 1, ratePerSecond: 0.01 })
  const began: number[] = []
  const waits = [1, 2, 3].map(n => limiter.run(async () => began.push(n) > 0))
  const outcomes = Promise.allSettled(waits)
  while (began.length === 0) await sleep(1)
  await limiter.close()
  assert.deepEqual(
    (await outcomes).map(outcome => outcome.status),
    ['rejected', 'rejected', 'rejected'],
  )
  assert.deepEqual(began, [1])
})
