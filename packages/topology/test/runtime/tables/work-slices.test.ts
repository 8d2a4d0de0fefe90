import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WorkSlices, type SlicedWork } from '../../../src/runtime/tables/work-slices.ts'
import { TestClock } from '../../../src/testing/test-clock.ts'

/** A clock on which every look costs a millisecond. */
class TickingClock extends TestClock {
  #ticks = 0

  override monotonicMs(): number {
    this.#ticks += 1
    return this.#ticks
  }
}

function setUp(): { slices: WorkSlices; turns: (() => void)[] } {
  const turns: (() => void)[] = []
  return { slices: new WorkSlices(new TickingClock(), turn => turns.push(turn)), turns }
}

/** Work of so many steps, each with a look at the clock. */
function steps(count: number, log: () => void = () => undefined): SlicedWork & { left: number } {
  return {
    left: count,
    work(hasTime) {
      while (this.left > 0) {
        if (!hasTime()) return true
        this.left -= 1
        log()
      }
      return false
    },
  }
}

test('long work is done in many short turns', () => {
  const { slices, turns } = setUp()
  const long = steps(200)
  slices.add(long)
  assert.equal(long.left, 200, 'nothing happens within the call')
  let most = 0
  let count = 0
  for (; turns.length > 0; count += 1) {
    const before = long.left
    turns.shift()?.()
    most = Math.max(most, before - long.left)
  }
  assert.equal(long.left, 0)
  assert.ok(most <= 8, `${most} ms in one turn`)
  assert.ok(count >= 25)
})

test('all who wait get their turns, in the order of waiting', () => {
  const { slices, turns } = setUp()
  const order: string[] = []
  slices.add(steps(20, () => order.push('a')))
  slices.add(steps(20, () => order.push('b')))
  while (turns.length > 0) turns.shift()?.()
  const firstB = order.indexOf('b')
  assert.ok(firstB > 0 && firstB <= 8, order.join(''))
  assert.ok(order.lastIndexOf('a') > firstB, order.join(''))
})

test('work that is added twice is done once, and can be added again afterwards', () => {
  const { slices, turns } = setUp()
  let calls = 0
  const work: SlicedWork = {
    work: () => {
      calls += 1
      return false
    },
  }
  slices.add(work)
  slices.add(work)
  while (turns.length > 0) turns.shift()?.()
  assert.equal(calls, 1)
  slices.add(work)
  while (turns.length > 0) turns.shift()?.()
  assert.equal(calls, 2)
})
