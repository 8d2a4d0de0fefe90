import assert from 'node:assert/strict'
import { test } from 'node:test'
import { median, medianRatio, percentile, timeOfShare } from '../src/measure/statistics.ts'

test('the median of an even number of values lies between the two in the middle', () => {
  assert.equal(median([9, 1, 3, 5]), 4)
  assert.equal(median([9, 1, 3]), 3)
})

test('a percentile is the smallest value that so many do not exceed', () => {
  const values = Array.from({ length: 1_000 }, (_, index) => 1_000 - index)
  assert.equal(percentile(values, 0.5), 500)
  assert.equal(percentile(values, 0.99), 990)
  assert.equal(percentile(values, 0.999), 999)
  assert.equal(percentile([7], 0.5), 7)
})

test('a ratio is taken within each round, so that a slow round does not count', () => {
  const pairs = [
    { round: 1, ours: 400, theirs: 100 },
    { round: 2, ours: 40, theirs: 10 },
    { round: 3, ours: 300, theirs: 100 },
  ]
  assert.equal(medianRatio(pairs), 4)
  assert.notEqual(medianRatio(pairs), median(pairs.map(pair => pair.ours)) / 100)
})

test('the time of a share is that of the batch with which the output reached it', () => {
  const appended = [
    { atMs: 30, count: 50 },
    { atMs: 10, count: 10 },
    { atMs: 20, count: 40 },
  ]
  assert.equal(timeOfShare(appended, 0.1), 10)
  assert.equal(timeOfShare(appended, 0.11), 20)
  assert.equal(timeOfShare(appended, 0.9), 30)
})
