import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { partOf } from '../src/shares.ts'
import { ANSWERED, asked } from './limiter-harness.ts'
import { oracleSeed as seed } from '../../../test-support/oracle.ts'

test('the parts of all partitions are whole, at most one apart, and sum to the limit', t => {
  t.diagnostic(`ORACLE_SEED=${seed}`)
  fc.assert(
    fc.property(
      fc.oneof(fc.integer({ min: 1, max: 4_000 }), fc.integer({ min: 1, max: 2_147_483_647 })),
      fc.integer({ min: 1, max: 1_000 }),
      (limit, count) => {
        const parts = Array.from({ length: count }, (_, partition) => partOf(limit, partition, count))
        assert.equal(
          parts.reduce((sum, part) => sum + part, 0),
          limit,
        )
        assert.ok(parts.every(Number.isInteger))
        assert.ok(Math.max(...parts) - Math.min(...parts) <= 1)
      },
    ),
    { seed, includeErrorInReport: true },
  )
})

test('until the first assignment the limit is whole, and from it on the share of the partitions', async () => {
  const { clock, limiter } = asked({ maxRequests: 10 })
  assert.deepEqual([limiter.stats.quota, limiter.stats.share], [10, 1])
  limiter.assign({ partitions: [0, 2], partitionCount: 4 })
  assert.deepEqual([limiter.stats.quota, limiter.stats.share], [0, 0.5])
  await clock.advance(3_999)
  assert.equal(limiter.stats.quota, 0)
  await clock.advance(1)
  assert.equal(limiter.stats.quota, 4)
})

test('who waits is let in when a gain begins to count', async () => {
  const { clock, limiter, grants, ask, ready } = asked({ maxRequests: 10 })
  limiter.assign({ partitions: [0], partitionCount: 2 })
  for (let i = 0; i < 6; i += 1) ask()
  const state = ready()
  await clock.advance(3_999)
  assert.deepEqual([grants.length, state.isReady], [0, false])
  await clock.advance(1)
  assert.equal(grants.length, 5)
})

test('what is lost is lost at once, what stays goes on, and what is gained counts later', async () => {
  const { clock, limiter } = asked({ maxRequests: 12 })
  limiter.assign({ partitions: [0, 1], partitionCount: 4 })
  await clock.advance(4_000)
  assert.equal(limiter.stats.quota, 6)
  limiter.assign({ partitions: [1, 2], partitionCount: 4 })
  assert.equal(limiter.stats.quota, 3)
  limiter.assign({ partitions: [1, 2, 3], partitionCount: 4 })
  await clock.advance(3_999)
  assert.equal(limiter.stats.quota, 3)
  await clock.advance(1)
  assert.equal(limiter.stats.quota, 9)
  limiter.assign({ partitions: [1], partitionCount: 4 })
  limiter.assign({ partitions: [1, 2, 3], partitionCount: 4 })
  assert.equal(limiter.stats.quota, 3, 'somebody else may have had them in between')
})

test('another number of partitions cuts everything anew', async () => {
  const { clock, limiter } = asked({ maxRequests: 12 })
  limiter.assign({ partitions: [0], partitionCount: 2 })
  await clock.advance(4_000)
  assert.equal(limiter.stats.quota, 6)
  limiter.assign({ partitions: [0], partitionCount: 3 })
  assert.equal(limiter.stats.quota, 0)
  await clock.advance(4_000)
  assert.equal(limiter.stats.quota, 4)
})

test('requests beyond a share that has become smaller leave the window before another goes', async () => {
  const { clock, limiter, grants, ask } = asked({ maxRequests: 8, handoverMs: 0 })
  limiter.assign({ partitions: [0, 1], partitionCount: 2 })
  for (let i = 0; i < 8; i += 1) ask()
  await clock.advance(0)
  for (const [index, grant] of grants.entries()) {
    grant.end(ANSWERED)
    if (index === 3) await clock.advance(1_000)
  }
  limiter.assign({ partitions: [0], partitionCount: 2 })
  ask()
  await clock.advance(2_999)
  assert.equal(grants.length, 8)
  await clock.advance(1)
  assert.equal(grants.length, 9, 'the second half of them is gone only now, and four fit')
})

test('of an hour, only what is held through its turn opens', async () => {
  const { clock, limiter } = asked({ maxRequests: 100, maxRequestsPerHour: 400 })
  limiter.assign({ partitions: [0], partitionCount: 2 })
  await clock.advance(599_000)
  assert.equal(limiter.stats.hour?.gained, 24, 'of ten minutes, all but the handover')
  limiter.assign({ partitions: [0, 1], partitionCount: 2 })
  await clock.advance(1_000)
  assert.equal(limiter.stats.hour?.gained, 50)
  await clock.advance(3_000 + 60_000)
  assert.deepEqual(limiter.stats.hour, { used: 0, gained: 50 + 5, quota: 400 })
  limiter.assign({ partitions: [], partitionCount: 2 })
  await clock.advance(600_000)
  assert.equal(limiter.stats.hour?.gained, 55, 'it stays with who gained it')
})

test('an assignment to which nothing of a limit falls is a problem in words', () => {
  const { limiter } = asked({ maxRequests: 2 })
  assert.equal(limiter.problem, undefined)
  limiter.assign({ partitions: [], partitionCount: 4 })
  assert.equal(limiter.problem, undefined)
  limiter.assign({ partitions: [0], partitionCount: 4 })
  assert.match(limiter.problem ?? '', /limit of 2 requests per window falls to the 1 of 4 partitions/)
  limiter.assign({ partitions: [0, 1], partitionCount: 4 })
  assert.equal(limiter.problem, undefined)
  const hourly = asked({ maxRequests: 100, maxRequestsPerHour: 2 }).limiter
  hourly.assign({ partitions: [0], partitionCount: 4 })
  assert.match(hourly.problem ?? '', /limit of 2 requests per hour/)
})

test('an assignment that makes no sense is refused', () => {
  const { limiter } = asked()
  assert.throws(() => limiter.assign({ partitions: [4], partitionCount: 4 }), {
    code: 'BRAZE_OPTION_INVALID',
  })
})

const WINDOW_MS = 3_000
const REQUEST_MS = 1_000

for (const [what, limits, connections, partitionCount, expectedMs] of [
  ['the requests under way fit into every part', { maxRequests: 41 }, 10, 4, WINDOW_MS],
  ['they fit into all parts but the smallest', { maxRequests: 43 }, 11, 4, WINDOW_MS + REQUEST_MS],
  ['there are more partitions for the same limit', { maxRequests: 41 }, 10, 5, WINDOW_MS + REQUEST_MS],
  [
    'they fit into what each part of an hour opens with',
    { maxRequests: 1_000, maxRequestsPerHour: 160 },
    10,
    4,
    WINDOW_MS,
  ],
  [
    'they do not fit into what a part of an hour opens with',
    { maxRequests: 1_000, maxRequestsPerHour: 159 },
    10,
    4,
    WINDOW_MS + REQUEST_MS,
  ],
  ['an option says how long', { maxRequests: 4, handoverMs: 500 }, 1_000, 4, 500],
  ['an option says that nobody hands over', { maxRequests: 4, handoverMs: 0 }, 1_000, 4, 0],
] as const) {
  test(`what is gained counts after ${expectedMs} ms where ${what}`, async () => {
    const { clock, limiter } = asked(
      { handoverMs: undefined, windowMs: WINDOW_MS, ...limits },
      { connections, requestTimeoutMs: REQUEST_MS },
    )
    limiter.assign({ partitions: [0, 1, 2, 3], partitionCount })
    if (expectedMs > 0) {
      await clock.advance(expectedMs - 1)
      assert.equal(limiter.stats.quota, 0)
      await clock.advance(1)
    }
    assert.ok(limiter.stats.quota > 0)
  })
}
