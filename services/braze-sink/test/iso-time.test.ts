import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { oracle } from '../../../test-support/oracle.ts'
import { isoTime } from '../src/iso-time.ts'

const LATEST_MS = 8_640_000_000_000_000

test('a time is written as Date writes it, whatever was written before', () => {
  const times = fc.oneof(
    fc.integer({ min: -LATEST_MS, max: LATEST_MS }),
    // Within the hour of the one before, and around its ends.
    fc.integer({ min: -3_600_001, max: 3_600_001 }).map(ms => 1_780_308_000_000 + ms),
  )
  oracle(
    fc.property(fc.array(times, { maxLength: 20 }), list => {
      assert.deepEqual(
        list.map(isoTime),
        list.map(ms => new Date(ms).toISOString()),
      )
    }),
  )
})

test('what is no time is refused', () => {
  for (const ms of [Number.NaN, Infinity, LATEST_MS + 3_600_000]) assert.throws(() => isoTime(ms), RangeError)
})
