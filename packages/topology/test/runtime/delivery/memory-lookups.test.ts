import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { DeliveryItem, DeliveryOutcome, Destination } from '../../../src/operators/destination.ts'
import { DeliveryStage } from '../../../src/runtime/delivery/delivery-stage.ts'
import type { LaneMemory } from '../../../src/runtime/delivery/lane-memory.ts'
import { settled, TestClock } from '../../../src/testing/test-clock.ts'
import { CONTEXT, deliverNode } from './fixtures.ts'

const OWNER = {}

/** Accepts everything; its values are what is remembered from then on. `alone` goes with nothing else of its lane. */
class Remembering implements Destination<unknown> {
  readonly name = 'remembering'
  readonly told: unknown[] = []

  joins(value: unknown, before: readonly unknown[]): 'counts' | 'waits' {
    return before.length > 0 && value === 'alone' ? 'waits' : 'counts'
  }

  deliver(items: readonly DeliveryItem<unknown>[]): Promise<DeliveryOutcome[]> {
    for (const { value, memory } of items) this.told.push([value, memory])
    return Promise.resolve(items.map(({ value }) => ({ kind: 'accepted', memory: value })))
  }
}

function setUp() {
  const destination = new Remembering()
  const rows = new Map<string, unknown>()
  const lookups: string[] = []
  const memory = {
    recall: (lane: string) => {
      lookups.push(lane)
      return rows.get(lane)
    },
  } as unknown as LaneMemory
  const node = deliverNode(destination, { maxInFlight: 1, lingerMs: 1 })
  const clock = new TestClock()
  const stage = new DeliveryStage(node, {
    clock,
    random: () => 1,
    onFailure: error => assert.ifError(error),
  })
  const add = (value: string, onSettled: () => unknown = () => undefined): void => {
    const item = {
      owner: OWNER,
      key: null,
      value,
      context: CONTEXT,
      laneKey: 'lane',
      bytes: 1,
      isUrgent: false,
    }
    stage.add({
      ...item,
      memory,
      settle: outcome => {
        if (outcome.kind === 'accepted' && outcome.memory !== undefined) rows.set('lane', outcome.memory)
        onSettled()
      },
    })
  }
  const pass = async (): Promise<void> => {
    for (let turn = 0; turn < 3; turn += 1) {
      await clock.advance(1)
      await settled()
    }
  }
  return { destination, lookups, add, pass }
}

test('a lane is looked up once for a batch', async () => {
  const { destination, lookups, add, pass } = setUp()
  add('first')
  add('second')
  await pass()
  assert.deepEqual(destination.told, [
    ['first', undefined],
    ['second', undefined],
  ])
  assert.deepEqual(lookups, ['lane'])
})

test('what waited while its lane was under way comes with what is remembered since', async () => {
  const { destination, add, pass } = setUp()
  add('first')
  add('second')
  add('alone')
  await pass()
  assert.deepEqual(destination.told.at(-1), ['alone', 'second'])
})

test('so does what is handed over while its lane is settled', async () => {
  for (const by of ['first', 'second']) {
    const { destination, add, pass } = setUp()
    for (const value of ['first', 'second']) add(value, () => value === by && add('handed over'))
    await pass()
    assert.deepEqual(destination.told.at(-1), ['handed over', 'second'], `by ${by}`)
  }
})
