import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeliveryCall, DeliveryItem, DeliveryOutcome } from '../../../src/operators/destination.ts'
import type { DeliverNode } from '../../../src/plan/node.ts'
import { DeliveryStage } from '../../../src/runtime/delivery/delivery-stage.ts'
import type { LaneMemory } from '../../../src/runtime/delivery/lane-memory.ts'
import { settled, TestClock } from '../../../src/testing/test-clock.ts'
import { ACCEPTED, CONTEXT, deliverNode } from './fixtures.ts'

const OWNER = {}

/** Values that begin with `!` are urgent; those before a colon are lanes. */
class Recorder {
  readonly name = 'recorder'
  readonly sent: { readonly values: readonly unknown[]; readonly isUrgent: boolean }[] = []
  readonly answers: (() => void)[] = []
  joins?: (value: unknown, before: readonly unknown[], memory: unknown) => 'counts' | 'merges' | 'waits'
  whenReady?: (call: DeliveryCall) => Promise<void>

  deliver(items: readonly DeliveryItem<unknown>[], { isUrgent }: DeliveryCall): Promise<DeliveryOutcome[]> {
    this.sent.push({ values: items.map(({ value }) => value), isUrgent })
    return new Promise(resolve => this.answers.push(() => resolve(items.map(() => ACCEPTED))))
  }

  get values(): readonly (readonly unknown[])[] {
    return this.sent.map(({ values }) => values)
  }

  async answerAll(): Promise<void> {
    for (let answer = this.answers.shift(); answer !== undefined; answer = this.answers.shift()) answer()
    await settled()
  }
}

function setUp(overrides: Partial<DeliverNode> = {}, destination = new Recorder(), memory?: LaneMemory) {
  const clock = new TestClock()
  const failures: unknown[] = []
  const node = deliverNode(destination, { isUrgent: () => true, maxInFlight: 1, ...overrides })
  const stage = new DeliveryStage(node, { clock, random: () => 1, onFailure: error => failures.push(error) })
  const add = (...values: readonly string[]): void => {
    for (const value of values) {
      const laneKey = value.includes(':') ? value.replace('!', '').split(':')[0] : undefined
      const isUrgent = value.startsWith('!')
      const item = { owner: OWNER, key: null, value, context: CONTEXT, laneKey, bytes: 1, isUrgent }
      stage.add({ ...item, memory, settle: () => undefined })
    }
  }
  return { clock, destination, stage, add, failures }
}

test('lanes with an urgent item go first, as a whole and in their own order', async () => {
  const { destination, add } = setUp()
  add('first', 'second', 'third')
  add('a:1', 'b:1', 'a:2', '!b:2', '!c')
  await destination.answerAll()
  assert.deepEqual(destination.sent[1], { values: ['b:1', '!b:2', '!c'], isUrgent: true })
  await destination.answerAll()
})

test('an urgent batch is filled up with what can wait, and one without urgent items is not urgent', async () => {
  const { clock, destination, add } = setUp()
  add('x', 'y', '!z')
  await destination.answerAll()
  add('w')
  await clock.advance(100)
  assert.deepEqual(destination.sent, [
    { values: ['!z', 'x', 'y'], isUrgent: true },
    { values: ['w'], isUrgent: false },
  ])
})

test('every batch is urgent where nobody says what is', () => {
  const { destination, add } = setUp({ isUrgent: undefined })
  add('x', 'y', 'z')
  assert.deepEqual(destination.sent, [{ values: ['x', 'y', 'z'], isUrgent: true }])
})

test('what can wait has every eighth batch, however much is urgent', async () => {
  const { destination, add } = setUp({ maxBatchItems: 1 })
  add('!0', 'patient 1', 'patient 2', ...Array.from({ length: 20 }, (_, i) => `!${i + 1}`))
  for (let i = 0; i < 22; i += 1) await destination.answerAll()
  const order = destination.sent.map(({ values }) => String(values[0]))
  assert.deepEqual([order.indexOf('patient 1'), order.indexOf('patient 2')], [8, 16])
})

test('the destination is asked again when an urgent item comes while it was asked for others', async () => {
  const destination = new Recorder()
  const asked: string[] = []
  const answers: (() => void)[] = []
  destination.whenReady = ({ isUrgent, signal }) => {
    asked.push(isUrgent ? 'urgent' : 'patient')
    signal.addEventListener('abort', () => asked.push('withdrawn'))
    return new Promise(resolve => answers.push(resolve))
  }
  const { clock, add, failures } = setUp({}, destination)
  add('x')
  await clock.advance(100)
  assert.deepEqual(asked, ['patient'])
  add('!y')
  await settled()
  assert.deepEqual(asked, ['patient', 'withdrawn', 'urgent'])
  // The answer to the question that was withdrawn counts for nothing.
  answers[0]?.()
  await settled()
  assert.deepEqual(destination.sent, [])
  answers[1]?.()
  await settled()
  assert.deepEqual(destination.sent, [{ values: ['!y', 'x'], isUrgent: true }])
  assert.deepEqual(failures, [])
})

test('a batch that waits for its retry becomes urgent when urgent items wait for its place', async () => {
  const destination = new Recorder()
  const asked: boolean[] = []
  let isShut = false
  destination.whenReady = ({ isUrgent }) => {
    asked.push(isUrgent)
    return isShut && !isUrgent ? new Promise(() => undefined) : Promise.resolve()
  }
  const calls: boolean[] = []
  destination.deliver = (items, { isUrgent }) => {
    calls.push(isUrgent)
    return calls.length === 1 ? Promise.reject(new Error('down')) : Promise.resolve(items.map(() => ACCEPTED))
  }
  const { clock, add } = setUp({}, destination)
  add('x')
  await clock.advance(100)
  isShut = true
  await clock.advance(1_000)
  assert.deepEqual(calls, [false])
  add('!y')
  await clock.advance(1_000)
  assert.deepEqual(calls, [false, true, true])
})

test('what merges does not count as an item, and counts its bytes', async () => {
  const destination = new Recorder()
  destination.joins = () => 'merges'
  const { add } = setUp({ maxBatchBytes: 5 }, destination)
  add('a:1', 'a:2', 'a:3', 'b:1')
  assert.deepEqual(destination.sent, [], 'two of three items are there')
  add('b:2')
  assert.deepEqual(destination.values, [['a:1', 'a:2', 'a:3', 'b:1', 'b:2']])
})

test('with a memory the first of a lane is asked about, too, and what takes no place leaves it to others', () => {
  const destination = new Recorder()
  const seen: unknown[] = []
  destination.joins = (value, before, memory) => {
    seen.push([value, before.length, memory])
    return value === memory ? 'merges' : before.length > 0 ? 'counts' : 'waits'
  }
  let recalls = 0
  const memory = {
    recall: (lane: string) => {
      recalls += 1
      if (lane === 'lost' && recalls < 4) throw new Error('given up')
      return `${lane}:same`
    },
  } as unknown as LaneMemory
  const { add } = setUp({}, destination, memory)
  add('a:same', 'a:new', 'b:same', 'lost:1')
  assert.deepEqual(destination.sent, [], 'two of three items are there')
  assert.equal(recalls, 3, 'a lane is looked up once for all that is offered of it')
  add('b:new')
  assert.deepEqual(destination.values, [['a:same', 'a:new', 'b:same', 'b:new', 'lost:1']])
  assert.deepEqual(seen, [
    ['a:same', 0, 'a:same'],
    ['a:new', 1, 'a:same'],
    ['b:same', 0, 'b:same'],
    ['lost:1', 0, undefined],
    ['b:new', 1, 'b:same'],
  ])
})

test('what waits, and all behind it in its lane, goes with a later batch', async () => {
  const destination = new Recorder()
  const seen: string[] = []
  destination.joins = (value, before) => {
    seen.push(`${before.join(' ')} < ${String(value)}`)
    return String(value).endsWith('wait') ? 'waits' : 'counts'
  }
  const { clock, add, stage } = setUp({}, destination)
  add('a:1', 'a:2', 'a:wait', 'a:4')
  assert.equal(stage.stats.sendable, 2)
  add('b:1')
  assert.deepEqual(destination.values, [['a:1', 'a:2', 'b:1']])
  await destination.answerAll()
  await clock.advance(100)
  assert.deepEqual(destination.values[1], ['a:wait', 'a:4'])
  assert.deepEqual(seen, ['a:1 < a:2', 'a:1 a:2 < a:wait', 'a:wait < a:4'])
})

test('a destination that cannot say how items join stops the stage', () => {
  const destination = new Recorder()
  destination.joins = () => {
    throw new Error('no idea')
  }
  const { add, failures } = setUp({}, destination)
  add('a:1', 'a:2')
  assert.deepEqual(failures.map(String), ['Error: no idea'])
})
