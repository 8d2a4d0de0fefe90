import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { OffsetTracker } from '../../src/runtime/offset-tracker.ts'
import { oracle } from '../../../../test-support/oracle.ts'

type Step =
  { readonly kind: 'process'; readonly holds: number } | { readonly kind: 'release'; readonly pick: number }

const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('process' as const), holds: fc.integer({ min: 0, max: 3 }) }),
    fc.record({ kind: fc.constant('release' as const), pick: fc.nat(1_000) }),
  ),
  { maxLength: 300 },
)

test('the committable offset is the lowest one that is not finished', () => {
  oracle(
    fc.property(fc.nat(1_000_000), steps, (start, history: readonly Step[]) => {
      const tracker = new OffsetTracker(start)
      // The naive answer: one entry per hold, and a scan for the smallest.
      const held: number[] = []
      let next = start
      for (const step of history) {
        if (step.kind === 'process') {
          for (let i = 0; i < step.holds; i += 1) {
            tracker.hold(next, next * 10)
            held.push(next)
          }
          next += 1
          tracker.advance(next)
        } else if (held.length > 0) {
          const [offset] = held.splice(step.pick % held.length, 1)
          tracker.release(offset as number)
        }
        assert.equal(tracker.committable, held.length === 0 ? next : Math.min(...held))
        assert.equal(tracker.heldCount, new Set(held).size)
        assert.equal(tracker.heldTimestampMs, held.length === 0 ? undefined : Math.min(...held) * 10)
      }
    }),
    { runs: 5_000 },
  )
})

test('a release without a hold is refused', () => {
  const tracker = new OffsetTracker(5)
  tracker.hold(5, 0)
  tracker.release(5)
  assert.throws(() => tracker.release(5), RangeError)
})
