import assert from 'node:assert/strict'
import { test } from 'node:test'
import { AXES } from '../src/growth/axes.ts'
import { summarizeGrowth, growthTable } from '../src/growth/summary.ts'
import { PLAIN } from '../src/job/variant.ts'
import { growthRun } from './fixtures.ts'

test('each axis changes one thing, and passes through the job as it stands', () => {
  for (const axis of AXES) {
    const usual = { partitions: PLAIN.partitions, tables: 2, steps: 6, rows: 100_000 }[axis.name]
    assert.ok(axis.points.includes(usual), axis.name)
    assert.deepEqual(axis.at(usual, 100_000), {
      variant: PLAIN,
      size: { bookings: 100_000, customers: 100_000, activities: 20_000 },
    })
    const jobs = axis.points.map(point => JSON.stringify(axis.at(point, 1_000)))
    assert.equal(new Set(jobs).size, axis.points.length)
  }
})

test('partitions get bookings enough to fill them', () => {
  const [partitions] = AXES
  assert.equal(partitions?.at(4, 100_000).size.bookings, 100_000)
  assert.equal(partitions?.at(96, 100_000).size.bookings, 1_920_000)
})

test('a point is the median of its runs, and axes keep their order', () => {
  const summary = summarizeGrowth([
    growthRun('rows', 100_000, 3, 300_000),
    growthRun('rows', 100_000, 1, 100_000),
    growthRun('rows', 100_000, 2, 110_000),
    growthRun('rows', 10_000, 1, 500_000),
    growthRun('partitions', 4, 1, 90_000),
  ])
  assert.deepEqual(Object.keys(summary), ['partitions', 'rows'])
  assert.deepEqual(
    summary.rows?.map(({ point, recordsPerSecond }) => [point, recordsPerSecond]),
    [
      [10_000, 500_000],
      [100_000, 110_000],
    ],
  )
  assert.match(growthTable(summary), /100000 rows +110k/)
})
