import '../wire/seed.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { backoffMs } from '../../src/backoff.ts'

const policies = fc
  .record({
    baseMs: fc.integer({ min: 1, max: 10_000 }),
    extraMs: fc.integer({ min: 0, max: 600_000 }),
  })
  .map(({ baseMs, extraMs }) => ({ baseMs, maxMs: baseMs + extraMs }))
const anyPart = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

test('a wait is a random part of all that the number of failures allows, from nothing on, and never above the maximum', () => {
  fc.assert(
    fc.property(policies, fc.integer({ min: 1, max: 1_000_000 }), anyPart, (policy, attempts, part) => {
      const allowed = Math.min(policy.maxMs, policy.baseMs * 2 ** (attempts - 1))
      assert.equal(
        backoffMs(attempts, policy, () => part),
        Math.round(part * allowed),
      )
    }),
  )
})

test('what a wait may be doubles with each failure until it is the maximum', () => {
  const policy = { baseMs: 100, maxMs: 30_000 }
  const longest = Array.from({ length: 12 }, (_, i) => backoffMs(i + 1, policy, () => 1))
  assert.deepEqual(longest, [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000, 30_000])
})
