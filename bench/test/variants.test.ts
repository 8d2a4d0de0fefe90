import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expectedOutput } from '../src/job/expected.ts'
import { JobRecords } from '../src/job/records.ts'
import { VARIANTS } from '../src/job/variant.ts'

const SIZE = { bookings: 20_000, customers: 100_000, activities: 20_000 }

function recordsOf(name: string, bookings: number = SIZE.bookings): JobRecords {
  const variant = VARIANTS.find(each => each.name === name)!
  return new JobRecords(1, variant, { ...SIZE, bookings })
}

/** How many come out of 100 that go in. */
function outputShare(name: string): number {
  const bookings = 6_000
  return (expectedOutput(recordsOf(name, bookings)).count / bookings) * 100
}

test('a cache answers 95 of 100 questions of the enriched job', () => {
  const records = recordsOf('enriched')
  const cache = new Set<string>()
  let hits = 0
  let asked = 0
  for (let index = 0; index < SIZE.bookings; index += 1) {
    const { activityId } = records.booking(index)
    // The cache has met the popular ones by then.
    if (index > SIZE.bookings / 2) {
      asked += 1
      if (cache.has(activityId)) hits += 1
    }
    cache.add(activityId)
  }
  assert.ok(Math.abs((hits / asked) * 100 - 95) < 0.5, `${hits} of ${asked}`)
})

test('the variants drop and keep what they say', () => {
  const optedIn = 80
  const near = (seen: number, wanted: number): void => assert.ok(Math.abs(seen - wanted) < 1.5, `${seen}`)
  near(outputShare('plain'), optedIn)
  near(outputShare('enriched'), optedIn)
  near(outputShare('filtered'), 0.4 * optedIn)
  // Who has no row has not opted out either.
  near(outputShare('left-join'), 50 + optedIn / 2)
})

test('every fifth booking of the skewed job is of one customer', () => {
  const records = recordsOf('skewed')
  const first = records.customer(0).customerId
  let count = 0
  for (let index = 0; index < SIZE.bookings; index += 1) {
    if (records.booking(index).customerId === first) count += 1
  }
  assert.ok(count / SIZE.bookings > 0.2 && count / SIZE.bookings < 0.26, `${count}`)
})
