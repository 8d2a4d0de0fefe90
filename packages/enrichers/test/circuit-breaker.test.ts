import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BreakerPermit } from '../src/circuit-breaker.ts'
import { CircuitBreaker } from '../src/circuit-breaker.ts'
import { ManualClock } from './manual-clock.ts'

function newBreaker(): { breaker: CircuitBreaker; clock: ManualClock; permit: () => BreakerPermit } {
  const clock = new ManualClock()
  const breaker = new CircuitBreaker(
    { failures: 3, ofLast: 5, openMs: 100, maxOpenMs: 300 },
    clock.monotonicMs,
  )
  return {
    breaker,
    clock,
    permit() {
      const permit = breaker.acquire()
      assert.ok(permit, 'the breaker should have let a call through')
      return permit
    },
  }
}

test('opens when enough of the last calls have failed, whatever came between', () => {
  const { breaker, permit } = newBreaker()
  permit().failed()
  permit().succeeded()
  permit().failed()
  assert.equal(breaker.state, 'closed')
  permit().succeeded()
  permit().failed()
  assert.equal(breaker.state, 'open')
  assert.equal(breaker.acquire(), undefined)
})

test('failures that lie further back than the last calls count no more', () => {
  const { breaker, permit } = newBreaker()
  permit().failed()
  permit().failed()
  for (let n = 0; n < 4; n++) permit().succeeded()
  permit().failed()
  assert.equal(breaker.state, 'closed')
})

test('lets one call through after its time, and closes when that succeeds', () => {
  const { breaker, clock, permit } = newBreaker()
  for (let n = 0; n < 3; n++) permit().failed()
  clock.advance(99)
  assert.equal(breaker.waitMs(), 1)
  assert.equal(breaker.acquire(), undefined)
  clock.advance(1)
  const probe = permit()
  assert.equal(breaker.state, 'half-open')
  assert.equal(breaker.acquire(), undefined)
  probe.succeeded()
  assert.equal(breaker.state, 'closed')
  permit().succeeded()
})

test('stays open twice as long after each try that fails, up to its bound, and starts over once it was closed', () => {
  const { breaker, clock, permit } = newBreaker()
  for (let n = 0; n < 3; n++) permit().failed()
  for (const waitMs of [100, 200, 300, 300]) {
    assert.equal(breaker.waitMs(), waitMs)
    clock.advance(waitMs)
    permit().failed()
  }
  clock.advance(300)
  permit().succeeded()
  for (let n = 0; n < 3; n++) permit().failed()
  assert.equal(breaker.waitMs(), 100)
})

test('a call from before the last change of state moves nothing', () => {
  const { breaker, clock, permit } = newBreaker()
  const slow = [permit(), permit()]
  for (let n = 0; n < 3; n++) permit().failed()
  slow[0]!.succeeded()
  assert.equal(breaker.state, 'open')
  clock.advance(100)
  const probe = permit()
  slow[1]!.failed()
  assert.equal(breaker.state, 'half-open')
  probe.succeeded()
  assert.equal(breaker.state, 'closed')
})

test('a try that was given up makes room for another', () => {
  const { breaker, clock, permit } = newBreaker()
  for (let n = 0; n < 3; n++) permit().failed()
  clock.advance(100)
  permit().cancelled()
  assert.equal(breaker.state, 'half-open')
  permit().succeeded()
  assert.equal(breaker.state, 'closed')
})
