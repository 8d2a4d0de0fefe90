import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestClock } from '@tributary/topology/testing'
import type { BrazeLimits } from '../src/options.ts'
import { RateLimiter, type Grant } from '../src/rate-limiter.ts'

const NEVER = new AbortController().signal
/** Ten minutes before an hour of the clock ends. */
const TEN_TO = Date.parse('2026-03-04T12:50:00Z')

function setUp(limits: Partial<BrazeLimits> = {}) {
  const clock = new TestClock(TEN_TO)
  const limiter = new RateLimiter(
    { maxRequests: 3, windowMs: 3_000, maxRequestsPerHour: undefined, ...limits },
    { clock, random: () => 1 },
  )
  const grants: Grant[] = []
  const errors: { code?: string; retry?: unknown }[] = []
  const ask = (signal: AbortSignal = NEVER): void => {
    limiter.acquire(signal).then(
      grant => grants.push(grant),
      (error: object) => errors.push(error),
    )
  }
  const settle = (): Promise<void> => clock.advance(0)
  return { clock, limiter, grants, errors, ask, settle }
}

test('a place in the window becomes free one window after the answer, not after the grant', async () => {
  const { clock, grants, ask } = setUp()
  for (let i = 0; i < 4; i += 1) ask()
  await clock.advance(500)
  assert.equal(grants.length, 3)
  for (const grant of grants) grant.end()
  await clock.advance(2_999)
  assert.equal(grants.length, 3)
  await clock.advance(1)
  assert.equal(grants.length, 4)
})

test('a call that comes shortly before a place becomes free waits for it', async () => {
  const { clock, grants, ask } = setUp({ maxRequests: 1 })
  ask()
  await clock.advance(0)
  grants[0]?.end()
  await clock.advance(2_999)
  ask()
  await clock.advance(0)
  assert.equal(grants.length, 1)
  await clock.advance(1)
  assert.equal(grants.length, 2)
})

test('while as many requests are under way as the window holds, nobody is let in', async () => {
  const { clock, grants, ask } = setUp()
  for (let i = 0; i < 4; i += 1) ask()
  await clock.advance(60_000)
  assert.equal(grants.length, 3)
  assert.equal(clock.timers, 0, 'an answer, not a timer, makes room')
  grants[0]?.end()
  await clock.advance(3_000)
  assert.equal(grants.length, 4)
})

test('calls are let in by their order', async () => {
  const { clock, limiter } = setUp({ maxRequests: 1 })
  const order: number[] = []
  for (const id of [1, 2, 3]) {
    void limiter.acquire(NEVER).then(grant => {
      order.push(id)
      grant.end()
    })
  }
  await clock.advance(9_000)
  assert.deepEqual(order, [1, 2, 3])
})

test('the hour of the clock holds its own number and then sends calls away until it ends', async () => {
  const { clock, grants, errors, ask, limiter } = setUp({ maxRequestsPerHour: 2, maxRequests: 100 })
  for (let i = 0; i < 3; i += 1) ask()
  await clock.advance(0)
  assert.equal(grants.length, 2)
  assert.deepEqual(
    errors.map(({ code, retry }) => ({ code, retry })),
    [{ code: 'BRAZE_RATE_LIMITED', retry: { kind: 'after', ms: 600_000 } }],
  )
  for (const grant of grants) grant.end()
  let isReady = false
  void limiter.whenReady(NEVER).then(() => (isReady = true))
  await clock.advance(599_999)
  assert.equal(isReady, false)
  await clock.advance(1)
  assert.equal(isReady, true)
})

test('a request that is under way when the hour turns counts in both hours', async () => {
  const { clock, grants, errors, ask, settle } = setUp({ maxRequestsPerHour: 2, maxRequests: 100 })
  await clock.advance(599_000)
  ask()
  ask()
  await clock.advance(2_000)
  for (const grant of grants) grant.end()
  ask()
  await settle()
  assert.equal(grants.length, 2)
  assert.equal(errors.length, 1)
})

test('an hour is not given twice when the clock is set back', async () => {
  let nowMs = TEN_TO
  const clock = new TestClock(TEN_TO)
  clock.now = () => nowMs
  const limits = { maxRequests: 100, windowMs: 3_000, maxRequestsPerHour: 1 }
  const limiter = new RateLimiter(limits, { clock, random: () => 1 })
  const grant = await limiter.acquire(NEVER)
  grant.end()
  nowMs -= 3_600_000
  await assert.rejects(limiter.acquire(NEVER), { code: 'BRAZE_RATE_LIMITED' })
})

test('a pause sends away who waits, holds everybody back, and then lets in', async () => {
  const { clock, limiter, grants, errors, ask } = setUp()
  for (let i = 0; i < 4; i += 1) ask()
  await clock.advance(0)
  const [first] = grants
  first?.end()
  limiter.pause(first as Grant, 10_000)
  await clock.advance(0)
  assert.deepEqual(errors[0]?.retry, { kind: 'after', ms: 10_000 })
  let isReady = false
  void limiter.whenReady(NEVER).then(() => (isReady = true))
  await clock.advance(9_999)
  assert.equal(isReady, false)
  await clock.advance(1)
  assert.equal(isReady, true)
})

test('several refusals of one moment are one pause, which doubles only from pause to pause', async () => {
  const { clock, limiter, grants, ask } = setUp({ maxRequests: 100 })
  const held: number[] = []
  for (let round = 0; round < 8; round += 1) {
    const from = grants.length
    for (let i = 0; i < 3; i += 1) ask()
    await clock.advance(10)
    for (const grant of grants.slice(from)) {
      grant.end()
      limiter.pause(grant, undefined)
    }
    held.push(limiter.heldMs)
    await clock.advance(limiter.heldMs)
  }
  assert.deepEqual(held, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
  ask()
  await clock.advance(0)
  limiter.resume(grants.at(-1) as Grant)
  limiter.pause(grants.at(-1) as Grant, undefined)
  assert.equal(limiter.heldMs, 1_000, 'after a success it begins anew')
})

test('a refusal that names a later end lengthens the pause, an earlier one does not shorten it', async () => {
  const { limiter, grants, ask, settle } = setUp()
  ask()
  ask()
  await settle()
  const [one, other] = grants as [Grant, Grant]
  limiter.pause(one, 5_000)
  limiter.pause(other, 2_000)
  assert.equal(limiter.heldMs, 5_000)
  limiter.pause(other, 7_000)
  assert.equal(limiter.heldMs, 7_000)
})

test('who gives up waiting takes no place', async () => {
  const { clock, limiter, grants, errors, ask } = setUp({ maxRequests: 1 })
  const controller = new AbortController()
  ask()
  ask(controller.signal)
  ask()
  await clock.advance(0)
  controller.abort(new Error('given up'))
  grants[0]?.end()
  await clock.advance(3_000)
  assert.equal(grants.length, 2)
  assert.equal(errors.length, 1)
  assert.equal(limiter.waiting, 0)
  await assert.rejects(limiter.acquire(controller.signal), /given up/)
})
