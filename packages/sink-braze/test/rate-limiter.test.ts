import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestClock } from '@tributary/topology/testing'
import type { Grant } from '../src/grant.ts'
import { RateLimiter } from '../src/rate-limiter.ts'
import { ANSWERED, asked, NEVER, TEN_TO } from './limiter-harness.ts'

test('a place in the window becomes free one window after the answer, not after the grant', async () => {
  const { clock, grants, ask } = asked()
  for (let i = 0; i < 4; i += 1) ask()
  await clock.advance(500)
  assert.equal(grants.length, 3)
  for (const grant of grants) grant.end(ANSWERED)
  await clock.advance(2_999)
  assert.equal(grants.length, 3)
  await clock.advance(1)
  assert.equal(grants.length, 4)
})

test('a request that was never made takes no place', async () => {
  const { clock, grants, ask, limiter } = asked({ maxRequests: 1, maxRequestsPerHour: 3_600 })
  await clock.advance(60_000)
  ask()
  ask()
  await clock.advance(0)
  grants[0]?.end({ kind: 'unused' })
  await clock.advance(0)
  assert.equal(grants.length, 2)
  assert.equal(limiter.stats.hour?.used, 1)
})

test('a call that comes shortly before a place becomes free waits for it', async () => {
  const { clock, grants, ask } = asked({ maxRequests: 1 })
  ask()
  await clock.advance(0)
  grants[0]?.end(ANSWERED)
  await clock.advance(2_999)
  ask()
  await clock.advance(0)
  assert.equal(grants.length, 1)
  await clock.advance(1)
  assert.equal(grants.length, 2)
})

test('while as many requests are under way as the window holds, nobody is let in', async () => {
  const { clock, grants, ask } = asked()
  for (let i = 0; i < 4; i += 1) ask()
  await clock.advance(60_000)
  assert.equal(grants.length, 3)
  assert.equal(clock.timers, 0, 'an answer, not a timer, makes room')
  grants[0]?.end(ANSWERED)
  await clock.advance(3_000)
  assert.equal(grants.length, 4)
})

test('calls are let in by their order, the urgent before the others', async () => {
  const { clock, limiter } = asked({ maxRequests: 1 })
  const order: string[] = []
  for (const id of ['first', 'b1', 'u1', 'b2', 'u2']) {
    void limiter.acquire({ signal: NEVER, isUrgent: id.startsWith('u') || id === 'first' }).then(grant => {
      order.push(id)
      grant.end(ANSWERED)
    })
  }
  await clock.advance(15_000)
  assert.deepEqual(order, ['first', 'u1', 'u2', 'b1', 'b2'])
})

test('a tenth of the window is kept for the urgent', async () => {
  const { clock, grants, ask, ready } = asked({ maxRequests: 20 })
  for (let i = 0; i < 30; i += 1) ask({ isUrgent: false })
  await clock.advance(0)
  assert.equal(grants.length, 18)
  const urgent = ready(true)
  await clock.advance(0)
  assert.equal(urgent.isReady, true)
  ask()
  ask()
  ask()
  await clock.advance(0)
  assert.equal(grants.length, 20)
})

test('where all calls are urgent there is no reserve', async () => {
  const { clock, grants, ask } = asked({ maxRequests: 20 })
  for (let i = 0; i < 30; i += 1) ask()
  await clock.advance(0)
  assert.equal(grants.length, 20)
})

test('a pause sends away who waits, holds everybody back, and then lets in', async () => {
  const { clock, grants, errors, ask, ready } = asked()
  for (let i = 0; i < 4; i += 1) ask()
  await clock.advance(0)
  grants[0]?.end({ kind: 'refused', pauseMs: 10_000 })
  await clock.advance(0)
  assert.equal(grants.length, 3, 'the refusal itself lets nobody in')
  assert.deepEqual(errors[0]?.retry, { kind: 'after', ms: 10_000, isAttempt: false })
  grants[1]?.end(ANSWERED)
  grants[2]?.end(ANSWERED)
  const state = ready()
  await clock.advance(9_999)
  assert.equal(state.isReady, false)
  await clock.advance(1)
  assert.equal(state.isReady, true)
})

test('several refusals of one moment are one pause, which doubles only from pause to pause', async () => {
  const { clock, limiter, grants, ask } = asked({ maxRequests: 100 })
  const held: number[] = []
  for (let round = 0; round < 8; round += 1) {
    const from = grants.length
    for (let i = 0; i < 3; i += 1) ask()
    await clock.advance(10)
    for (const grant of grants.slice(from)) grant.end({ kind: 'refused', pauseMs: undefined })
    held.push(limiter.heldMs)
    await clock.advance(limiter.heldMs)
  }
  assert.deepEqual(held, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000])
  assert.equal(limiter.stats.pauses, 8)
  assert.equal(limiter.stats.rateLimited, 24)
  ask()
  ask()
  await clock.advance(0)
  grants.at(-2)?.end(ANSWERED)
  grants.at(-1)?.end({ kind: 'refused', pauseMs: undefined })
  assert.equal(limiter.heldMs, 1_000, 'after a success it begins anew')
})

test('a refusal that names a later end lengthens the pause, an earlier one does not shorten it', async () => {
  const { clock, limiter, grants, ask } = asked()
  for (let i = 0; i < 3; i += 1) ask()
  await clock.advance(0)
  const [one, other, third] = grants as [Grant, Grant, Grant]
  one.end({ kind: 'refused', pauseMs: 5_000 })
  other.end({ kind: 'refused', pauseMs: 2_000 })
  assert.equal(limiter.heldMs, 5_000)
  third.end({ kind: 'refused', pauseMs: 7_000 })
  assert.equal(limiter.heldMs, 7_000)
})

test('after a pause half of the window is used, and a tenth more in each window', async () => {
  const { clock, limiter, grants, ask } = asked({ maxRequests: 100 })
  ask()
  await clock.advance(0)
  grants[0]?.end({ kind: 'refused', pauseMs: 6_000 })
  await clock.advance(6_000)
  const quotas: number[] = []
  for (let i = 0; i < 7; i += 1) {
    quotas.push(limiter.stats.quota)
    await clock.advance(3_000)
  }
  assert.deepEqual(quotas, [50, 60, 70, 80, 90, 100, 100])
})

test('who waits after a pause is let in when the window grows', async () => {
  const { clock, grants, ask } = asked({ maxRequests: 10 })
  ask()
  await clock.advance(0)
  grants[0]?.end({ kind: 'refused', pauseMs: 6_000 })
  await clock.advance(6_000)
  for (let i = 0; i < 10; i += 1) ask()
  await clock.advance(0)
  assert.equal(grants.length, 1 + 5, 'these stay under way')
  await clock.advance(3_000)
  assert.equal(grants.length, 1 + 6)
  await clock.advance(12_000)
  assert.equal(grants.length, 1 + 10)
})

test('an hour that begins gives a quarter at once and the rest evenly', async () => {
  const startMs = Date.parse('2026-03-04T12:59:59Z')
  const { clock, grants, ask } = asked({ maxRequests: 1_000, maxRequestsPerHour: 400 }, { startMs })
  await clock.advance(1_000)
  let granted = 0
  const count = async (): Promise<number> => {
    for (let i = 0; i < 500; i += 1) ask()
    await clock.advance(0)
    granted += grants.length
    for (const grant of grants.splice(0)) grant.end(ANSWERED)
    return granted
  }
  assert.equal(await count(), 100)
  await clock.advance(900_000)
  assert.equal(await count(), 175)
  await clock.advance(2_698_000)
  assert.equal(await count(), 399)
})

test('a process that starts within the hour has nothing of it but what accrues from then on', async () => {
  const { clock, grants, errors, ask, ready } = asked({ maxRequests: 1_000, maxRequestsPerHour: 48 })
  ask()
  await clock.advance(0)
  assert.equal(grants.length, 0)
  assert.deepEqual(
    errors.map(({ code, retry }) => ({ code, retry })),
    [{ code: 'BRAZE_RATE_LIMITED', retry: { kind: 'after', ms: 100_000, isAttempt: false } }],
    'the wait is longer than a window, so no call lasts as long',
  )
  const state = ready()
  await clock.advance(99_999)
  assert.equal(state.isReady, false)
  await clock.advance(1)
  assert.equal(state.isReady, true)
})

test('who waits for a request to accrue within a window stays', async () => {
  const { clock, grants, errors, ask } = asked({ maxRequests: 1_000, maxRequestsPerHour: 4_800 })
  ask()
  await clock.advance(999)
  assert.deepEqual([grants.length, errors.length], [0, 0])
  await clock.advance(1)
  assert.deepEqual([grants.length, errors.length], [1, 0])
})

test('a tenth of what an hour has given is kept for the urgent', async () => {
  const { clock, grants, ask } = asked({ maxRequests: 1_000, maxRequestsPerHour: 4_800 })
  await clock.advance(40_000)
  for (let i = 0; i < 40; i += 1) ask({ isUrgent: false })
  await clock.advance(0)
  assert.equal(grants.length, 36)
  for (let i = 0; i < 4; i += 1) ask()
  await clock.advance(0)
  assert.equal(grants.length, 40)
})

test('a request that is under way when the hour turns counts in both hours', async () => {
  const { clock, grants, ask, limiter } = asked({ maxRequests: 1_000, maxRequestsPerHour: 400 })
  await clock.advance(599_500)
  for (let i = 0; i < 30; i += 1) ask()
  await clock.advance(0)
  assert.equal(grants.length, 30)
  await clock.advance(600)
  assert.deepEqual(limiter.stats.hour, { used: 30, gained: 100, quota: 400 })
})

test('just before the hour turns, no more is under way than the next opening covers', async () => {
  const startMs = Date.parse('2026-03-04T12:00:00Z')
  const { clock, grants, ask } = asked({ maxRequests: 1_000, maxRequestsPerHour: 40 }, { startMs })
  await clock.advance(3_598_000)
  for (let i = 0; i < 8; i += 1) ask()
  await clock.advance(1_000)
  assert.equal(grants.length, 8, 'of 29 that have accrued')
  for (let i = 0; i < 8; i += 1) ask()
  await clock.advance(0)
  assert.equal(grants.length, 10)
  grants[0]?.end(ANSWERED)
  await clock.advance(0)
  assert.equal(grants.length, 11, 'an answer makes room')
  await clock.advance(1_000)
  assert.equal(grants.length, 11, 'the ten under way are all that the new hour has opened with')
})

test('an hour is not given twice when the clock is set back', async () => {
  let nowMs = TEN_TO
  const clock = new TestClock(TEN_TO)
  clock.now = () => nowMs
  const limits = { maxRequests: 100, windowMs: 3_000, maxRequestsPerHour: 8, handoverMs: 0 }
  const limiter = new RateLimiter(limits, {
    clock,
    random: () => 1,
    urgentReserve: 0,
    requestTimeoutMs: 1_000,
    connections: 1_000,
  })
  const call = { signal: NEVER, isUrgent: true }
  nowMs += 600_000
  for (let i = 0; i < 2; i += 1) (await limiter.acquire(call)).end(ANSWERED)
  nowMs -= 1_800_000
  await assert.rejects(limiter.acquire(call), { code: 'BRAZE_RATE_LIMITED' })
  nowMs += 1_800_000
  await assert.rejects(limiter.acquire(call), { code: 'BRAZE_RATE_LIMITED' })
})

test('who gives up waiting takes no place', async () => {
  const { clock, limiter, grants, errors, ask } = asked({ maxRequests: 1 })
  const controller = new AbortController()
  ask()
  ask({ signal: controller.signal })
  ask()
  await clock.advance(0)
  controller.abort(new Error('given up'))
  grants[0]?.end(ANSWERED)
  await clock.advance(3_000)
  assert.equal(grants.length, 2)
  assert.equal(errors.length, 1)
  assert.equal(limiter.stats.waiting, 0)
  await assert.rejects(limiter.acquire({ signal: controller.signal, isUrgent: true }), /given up/)
})

test('the figures say what is used, how long was waited and how old the oldest request is', async () => {
  const { clock, limiter, grants, ask } = asked()
  for (let i = 0; i < 4; i += 1) ask()
  await clock.advance(700)
  const { used, quota, share, waiting, oldestInFlightMs, reported } = limiter.stats
  assert.deepEqual(
    { used, quota, share, waiting, oldestInFlightMs, reported },
    {
      used: 3,
      quota: 3,
      share: 1,
      waiting: 1,
      oldestInFlightMs: 700,
      reported: undefined,
    },
  )
  grants[0]?.end({ kind: 'answered', reading: { limit: 10, remaining: 9, resetMs: 5_000 } })
  await clock.advance(3_000)
  const { waits, waitedMs, reported: seen, isSlow } = limiter.stats
  assert.deepEqual(
    { waits, waitedMs, seen, isSlow },
    {
      waits: 4,
      waitedMs: 3_700,
      seen: { limit: 10, remaining: 9 },
      isSlow: false,
    },
  )
})
