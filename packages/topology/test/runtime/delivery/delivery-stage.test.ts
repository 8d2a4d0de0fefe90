import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TopologyError } from '../../../src/errors.ts'
import type { DeliveryOutcome } from '../../../src/operators/destination.ts'
import type { DeliverNode } from '../../../src/plan/node.ts'
import { DeliveryStage } from '../../../src/runtime/delivery/delivery-stage.ts'
import { ACCEPTED, CONTEXT, deliverNode, ManualDestination } from './fixtures.ts'
import { settled, TestClock } from '../../../src/testing/test-clock.ts'

const OWNER = { partition: 0 }

interface AddOptions {
  readonly owner?: object
  readonly bytes?: number
  readonly isUrgent?: boolean
  readonly onSettle?: () => void
}

function setUp(
  overrides: Partial<DeliverNode> = {},
  destination: ManualDestination = new ManualDestination(),
) {
  const clock = new TestClock()
  const failures: unknown[] = []
  const outcomes: string[] = []
  let spaces = 0
  const stage = new DeliveryStage(deliverNode(destination, overrides), {
    clock,
    random: () => 1,
    onFailure: error => failures.push(error),
    onSpace: () => (spaces += 1),
  })
  const add = (
    value: string,
    lane?: string,
    { owner = OWNER, bytes = 1, isUrgent = false, onSettle }: AddOptions = {},
  ): void =>
    stage.add({
      owner,
      key: null,
      value,
      context: CONTEXT,
      laneKey: lane,
      bytes,
      isUrgent,
      memory: undefined,
      settle: outcome => {
        outcomes.push(outcome.kind === 'rejected' ? `${value}: ${outcome.reason}` : `${value}: accepted`)
        onSettle?.()
      },
    })
  return { clock, destination, stage, add, failures, outcomes, spaces: () => spaces }
}

const retry = (afterMs?: number): DeliveryOutcome =>
  afterMs === undefined ? { kind: 'retry' } : { kind: 'retry', afterMs }

test('a batch goes when it is full, and what is left lingers', async () => {
  const { clock, destination, add } = setUp()
  for (const value of ['a', 'b', 'c', 'd']) add(value)
  assert.deepEqual(destination.sent, [['a', 'b', 'c']])
  await clock.advance(99)
  assert.equal(destination.calls.length, 1)
  await clock.advance(1)
  assert.deepEqual(destination.sent, [['a', 'b', 'c'], ['d']])
})

test('a batch lingers from its first item on, not from its last', async () => {
  const { clock, destination, add } = setUp()
  add('a')
  await clock.advance(60)
  add('b')
  await clock.advance(40)
  assert.deepEqual(destination.sent, [['a', 'b']])
})

test('bytes fill a batch too, and a single item may exceed them alone', () => {
  const { destination, add } = setUp({ maxBatchBytes: 10, maxInFlight: 9 })
  add('a', undefined, { bytes: 6 })
  add('b', undefined, { bytes: 6 })
  assert.deepEqual(destination.sent, [['a']])
  add('c', undefined, { bytes: 50 })
  assert.deepEqual(destination.sent, [['a'], ['b'], ['c']])
})

test('one batch takes several items of a lane in order; later ones wait for its answer', async () => {
  const { clock, destination, add, outcomes } = setUp()
  for (const value of ['a1', 'a2', 'a3', 'a4']) add(value, 'a')
  add('b1', 'b')
  await clock.advance(500)
  assert.deepEqual(destination.sent, [['a1', 'a2', 'a3'], ['b1']])
  destination.call(0).acceptAll()
  await clock.advance(99)
  assert.equal(destination.calls.length, 2)
  await clock.advance(1)
  assert.deepEqual(destination.sent[2], ['a4'])
  assert.deepEqual(outcomes, ['a1: accepted', 'a2: accepted', 'a3: accepted'])
})

test('an item without a lane key waits for nobody', async () => {
  const { destination, add } = setUp({ maxBatchItems: 1, maxInFlight: 3 })
  add('a')
  add('b')
  add('c')
  assert.deepEqual(destination.sent, [['a'], ['b'], ['c']])
})

test('no more batches are under way than allowed; the next one is fuller for it', async () => {
  const { destination, add } = setUp({ maxInFlight: 1, lingerMs: 0 })
  for (const value of ['a', 'b', 'c', 'd']) add(value)
  assert.deepEqual(destination.sent, [['a']])
  destination.call(0).acceptAll()
  await settled()
  assert.deepEqual(destination.sent, [['a'], ['b', 'c', 'd']])
})

test('an item to be sent again holds its own lane only, and goes first in it', async () => {
  const { clock, destination, add, outcomes } = setUp({ lingerMs: 0, maxInFlight: 1 })
  add('x', 'x')
  for (const value of ['a1', 'a2', 'a3']) add(value, 'a')
  destination.call(0).acceptAll()
  await settled()
  assert.deepEqual(destination.sent[1], ['a1', 'a2', 'a3'])
  add('a4', 'a')
  add('b1', 'b')
  destination.call(1).answer([ACCEPTED, retry(700), retry(300)])
  await settled()
  assert.deepEqual(destination.sent[2], ['b1'])
  destination.call(2).acceptAll()
  await clock.advance(699)
  assert.equal(destination.calls.length, 3)
  await clock.advance(1)
  assert.deepEqual(destination.sent[3], ['a2', 'a3', 'a4'])
  assert.deepEqual(destination.call(3).attempts, [1, 1, 0])
  assert.deepEqual(outcomes, ['x: accepted', 'a1: accepted', 'b1: accepted'])
})

test('without a time of its own a retry backs off exponentially up to the maximum', async () => {
  const { clock, destination, add } = setUp({
    lingerMs: 0,
    retry: { maxAttempts: Number.POSITIVE_INFINITY, baseMs: 50, maxMs: 150 },
  })
  add('a', 'a')
  for (const [index, waitMs] of [50, 100, 150, 150].entries()) {
    destination.call(index).answer([retry()])
    await clock.advance(waitMs - 1)
    assert.equal(destination.calls.length, index + 1)
    await clock.advance(1)
    assert.equal(destination.calls.length, index + 2)
  }
})

test('a call that fails as a whole is repeated with the same items and keeps its place', async () => {
  const { clock, destination, add, outcomes, stage } = setUp({ maxInFlight: 1 })
  for (const value of ['a', 'b', 'c', 'd', 'e', 'f']) add(value)
  destination.call(0).fail(new Error('connection reset'))
  await clock.advance(49)
  assert.equal(destination.calls.length, 1)
  await clock.advance(1)
  assert.deepEqual(destination.sent, [
    ['a', 'b', 'c'],
    ['a', 'b', 'c'],
  ])
  assert.deepEqual(destination.call(1).attempts, [1, 1, 1])
  const later = new TopologyError('TOPOLOGY_BROKER_ERROR', 'later', { retry: { kind: 'after', ms: 5_000 } })
  destination.call(1).fail(later)
  await clock.advance(4_999)
  assert.equal(destination.calls.length, 2)
  await clock.advance(1)
  destination.call(2).acceptAll()
  await settled()
  assert.deepEqual(outcomes, ['a: accepted', 'b: accepted', 'c: accepted'])
  assert.deepEqual(destination.sent[3], ['d', 'e', 'f'])
  assert.equal(stage.stats.callFailures, 2)
})

test('a call without an answer in time is given up and repeated; its late answer counts for nothing', async () => {
  const { clock, destination, add, outcomes, failures } = setUp({ timeoutMs: 2_000, lingerMs: 0 })
  add('a', 'a')
  await clock.advance(1_999)
  assert.equal(destination.call(0).signal.aborted, false)
  await clock.advance(1)
  assert.equal(destination.call(0).signal.aborted, true)
  destination.call(0).acceptAll()
  await clock.advance(50)
  assert.deepEqual(outcomes, [])
  destination.call(1).acceptAll()
  await settled()
  assert.deepEqual(outcomes, ['a: accepted'])
  assert.deepEqual(failures, [])
})

test('a failure that no retry mends stops the stage once, and nothing is settled', async () => {
  const { clock, destination, add, outcomes, failures, stage } = setUp({ lingerMs: 0 })
  add('a')
  add('b')
  const draining = stage.drain()
  const error = new TopologyError('TOPOLOGY_AUTHORIZATION_FAILED', 'wrong key')
  destination.call(0).fail(error)
  await assert.rejects(draining, error)
  destination.call(1).acceptAll()
  await clock.advance(60_000)
  assert.deepEqual(failures, [error])
  assert.deepEqual(outcomes, [])
  assert.equal(destination.calls.length, 2)
  assert.throws(() => add('c'), { code: 'TOPOLOGY_CLOSED' })
})

test('a destination that loses count of its outcomes stops the stage', async () => {
  const { destination, add, failures } = setUp({ lingerMs: 0, maxInFlight: 1 })
  add('a')
  destination.call(0).answer([])
  await settled()
  assert.match(String(failures[0]), /reported 0 outcomes for 1 items/)
})

test('after the last attempt an item is rejected, whether it or its call failed', async () => {
  const { clock, destination, add, outcomes } = setUp({
    lingerMs: 0,
    retry: { maxAttempts: 2, baseMs: 10, maxMs: 10 },
  })
  add('a', 'a')
  destination.call(0).answer([retry()])
  await clock.advance(10)
  add('a2', 'a')
  destination.call(1).fail(new Error('reset'))
  await settled()
  assert.deepEqual(outcomes, ['a: not accepted in 2 attempts, the most that deliver makes'])
  assert.deepEqual(destination.sent[2], ['a2'])
})

test('what was no attempt counts towards no limit of attempts, whether it was an item’s or a call’s', async () => {
  const { clock, destination, add, outcomes } = setUp({
    lingerMs: 0,
    retry: { maxAttempts: 2, baseMs: 10, maxMs: 10 },
  })
  add('a', 'a')
  for (let call = 0; call < 6; call += 2) {
    destination.call(call).answer([{ kind: 'retry', afterMs: 10, isAttempt: false }])
    await clock.advance(10)
    const retryAdvice = { kind: 'after', ms: 10, isAttempt: false }
    destination.call(call + 1).fail(Object.assign(new Error('over the limit'), { retry: retryAdvice }))
    await clock.advance(10)
  }
  destination.call(6).fail(Object.assign(new Error('reset'), { retry: { kind: 'backoff' } }))
  await clock.advance(10)
  assert.deepEqual(
    destination.calls.map(({ attempts }) => attempts),
    [[0], [0], [0], [0], [0], [0], [0], [1]],
  )
  destination.call(7).answer([retry()])
  await settled()
  assert.deepEqual(outcomes, ['a: not accepted in 2 attempts, the most that deliver makes'])
})

test('a lane rests for as long as what was accepted of it says, also when nothing is left of it', async () => {
  const { clock, destination, add, stage } = setUp({ lingerMs: 0, maxInFlight: 1 })
  add('a1', 'a')
  destination.call(0).answer([{ kind: 'accepted', restMs: 100 }])
  await settled()
  add('a2', 'a')
  add('b1', 'b')
  assert.deepEqual(destination.sent[1], ['b1'], 'the place is free for others')
  destination.call(1).acceptAll()
  await clock.advance(99)
  assert.equal(destination.calls.length, 2)
  await clock.advance(1)
  assert.deepEqual(destination.sent[2], ['a2'])
  destination.call(2).answer([{ kind: 'accepted', restMs: 100 }])
  await settled()
  await stage.drain()
  await clock.advance(100)
  assert.equal(stage.stats.pending, 0)
})

test('a lane rests although those whose items it was for are forgotten', async () => {
  const { clock, destination, add, stage } = setUp({ lingerMs: 0 })
  const before = {}
  add('a1', 'a', { owner: before })
  add('a2', 'a', { owner: before })
  destination.call(0).answer([{ kind: 'accepted', restMs: 100 }])
  await settled()
  stage.forget(before)
  add('a3', 'a')
  await clock.advance(99)
  assert.equal(destination.calls.length, 1)
  await clock.advance(1)
  assert.deepEqual(destination.sent[1], ['a3'])
})

test('it is full at maxPending, and says once when there is space again', async () => {
  const { destination, add, stage, spaces } = setUp({ maxPending: 3 })
  add('a')
  add('b')
  assert.equal(stage.isFull, false)
  add('c')
  assert.equal(stage.isFull, true)
  destination.call(0).acceptAll()
  await settled()
  assert.equal(stage.isFull, false)
  assert.equal(spaces(), 1)
})

test('a call back may hand over more', async () => {
  const { destination, add, outcomes } = setUp({ lingerMs: 0, maxInFlight: 1 })
  add('a', 'a', { onSettle: () => add('a2', 'a') })
  destination.call(0).acceptAll()
  await settled()
  assert.deepEqual(destination.sent, [['a'], ['a2']])
  assert.deepEqual(outcomes, ['a: accepted'])
})

test('draining sends what lingers at once and ends when the owner has nothing left', async () => {
  const { destination, add, stage } = setUp({ lingerMs: 60_000, maxInFlight: 5 })
  const other = { partition: 1 }
  add('a')
  let isDrained = false
  const draining = stage.drain({ owner: OWNER }).then(() => (isDrained = true))
  assert.deepEqual(destination.sent, [['a']])
  add('b', undefined, { owner: other })
  assert.equal(destination.calls.length, 1, 'what belongs to others lingers')
  add('c')
  assert.deepEqual(destination.sent[1], ['b', 'c'])
  destination.call(0).acceptAll()
  await settled()
  assert.equal(isDrained, false)
  destination.call(1).answer([retry(), ACCEPTED])
  await draining
  await stage.drain({ owner: OWNER })
})

test('draining ends early with the signal', async () => {
  const { add, stage } = setUp()
  add('a')
  const controller = new AbortController()
  const draining = stage.drain({ signal: controller.signal })
  controller.abort(new Error('too long'))
  await assert.rejects(draining, /too long/)
})

test('what a lost partition has not sent is not sent, and its outcomes count for nothing', async () => {
  const { clock, destination, add, stage, outcomes } = setUp({ maxInFlight: 1 })
  const lost = { partition: 1 }
  add('a', 'a')
  add('l1', 'a', { owner: lost })
  add('l2', 'l', { owner: lost })
  add('l3', 'a', { owner: lost })
  add('b', 'a')
  stage.forget(lost)
  destination.call(0).acceptAll()
  await clock.advance(100)
  assert.deepEqual(destination.sent, [['a', 'l1', 'l2'], ['b']])
  destination.call(1).acceptAll()
  await settled()
  assert.deepEqual(outcomes, ['a: accepted', 'b: accepted'])
  assert.equal(stage.stats.pending, 0)
})

test('a batch that waits for its retry gives its place up when all its owners are forgotten', async () => {
  const { clock, destination, add, stage } = setUp({ maxInFlight: 1, lingerMs: 0 })
  const lost = { partition: 1 }
  add('l', 'l', { owner: lost })
  add('b', 'b')
  const later = new TopologyError('TOPOLOGY_BROKER_ERROR', 'later', { retry: { kind: 'after', ms: 60_000 } })
  destination.call(0).fail(later)
  await settled()
  stage.forget(lost)
  await settled()
  assert.deepEqual(destination.sent, [['l'], ['b']])
  destination.call(1).acceptAll()
  await settled()
  assert.equal(stage.stats.pending, 0)
  assert.equal(clock.timers, 0)
})

test('a lane that backs off for a forgotten item alone is free at once, and its drain ends', async () => {
  const { clock, destination, add, stage } = setUp({ lingerMs: 0 })
  add('a1', 'a')
  destination.call(0).answer([retry(60_000)])
  await settled()
  const draining = stage.drain({ owner: OWNER })
  stage.forget(OWNER)
  await draining
  assert.equal(clock.timers, 0)
  add('a2', 'a')
  assert.deepEqual(destination.sent, [['a1'], ['a2']])
})

test('a batch is put together only when the destination is ready, from all that has come by then', async () => {
  let open: () => void = () => {}
  class Gated extends ManualDestination {
    asked = 0
    whenReady(): Promise<void> {
      this.asked += 1
      return new Promise(resolve => {
        open = resolve
      })
    }
  }
  const gated = new Gated()
  const { clock, add, destination } = setUp({ timeoutMs: 1_000 }, gated)
  add('a')
  await clock.advance(5_000)
  assert.equal(destination.calls.length, 0)
  add('b')
  open()
  await settled()
  assert.deepEqual(destination.sent, [['a', 'b']])
  assert.equal(destination.call(0).signal.aborted, false)
  assert.equal(gated.asked, 1)
})

test('closing aborts what is under way, closes the destination and leaves no timer', async () => {
  const { clock, destination, add, stage, outcomes, failures } = setUp({ lingerMs: 0 })
  add('a', 'a')
  destination.call(0).answer([retry(1_000)])
  await settled()
  add('b', 'b')
  await stage.close()
  assert.equal(destination.call(1).signal.aborted, true)
  assert.equal(destination.isClosed, true)
  await settled()
  assert.equal(clock.timers, 0)
  assert.deepEqual([outcomes, failures], [[], []])
})

test('under load the batches are nearly full', async () => {
  const { clock, destination, add, stage } = setUp({ maxBatchItems: 75, maxInFlight: 8, lingerMs: 200 })
  let answered = 0
  for (let tick = 0; tick < 200; tick += 1) {
    for (let i = 0; i < 40; i += 1) add(`${tick}-${i}`, `user-${(tick * 37 + i * 101) % 900}`)
    await clock.advance(5)
    if (tick % 4 === 3)
      for (; answered < destination.calls.length; answered += 1) destination.call(answered).acceptAll()
  }
  const { itemsSent, calls } = stage.stats
  assert.ok(itemsSent >= 7_000, `${itemsSent} sent`)
  assert.ok(itemsSent / calls >= 74, `mean fill ${itemsSent / calls}`)
})
