import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type {
  DeliveryCall,
  DeliveryItem,
  DeliveryOutcome,
  Destination,
} from '../../../src/operators/destination.ts'
import type { DeliverNode } from '../../../src/plan/node.ts'
import { DeliveryStage } from '../../../src/runtime/delivery/delivery-stage.ts'
import { CONTEXT, deliverNode } from './fixtures.ts'
import { TestClock } from '../../../src/testing/test-clock.ts'
import { oracleSeed as seed } from '../../../../../test-support/oracle.ts'

/*
 * Random histories against a model that keeps, per lane, a plain array of what is neither settled nor forgotten. Whatever
 * is sent must be the front of those arrays; whatever is settled must be what the destination said.
 */

type Outcome = 'accepted' | 'rejected' | 'retry' | { readonly afterMs: number } | { readonly restMs: number }
type Answer =
  | { readonly kind: 'outcomes'; readonly delayMs: number; readonly outcomes: readonly Outcome[] }
  | { readonly kind: 'fails'; readonly delayMs: number; readonly afterMs: number | undefined }
  /** No answer within the time; `late` gives one afterwards all the same. */
  | { readonly kind: 'hangs'; readonly late: boolean }
/** `fresh` items go with nothing before them, a `third` one merges but does not go with more than one. */
type Join = 'counts' | 'merges' | 'fresh' | 'third'
type Step =
  | {
      readonly kind: 'add'
      readonly owner: number
      readonly lane: string | undefined
      readonly bytes: number
      readonly count: number
      readonly isUrgent: boolean
      readonly join: Join
    }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'forget'; readonly owner: number }
  | { readonly kind: 'drain'; readonly owner: number | undefined }

const answers: fc.Arbitrary<Answer> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('outcomes' as const),
      delayMs: fc.integer({ min: 1, max: 150 }),
      outcomes: fc.array(
        fc.oneof(
          { weight: 5, arbitrary: fc.constant('accepted' as const) },
          fc.constantFrom('rejected' as const, 'retry' as const),
          fc.record({ afterMs: fc.nat(400) }),
          fc.record({ restMs: fc.nat(400) }),
        ),
        { minLength: 1, maxLength: 6 },
      ),
    }),
  },
  fc.record({
    kind: fc.constant('fails' as const),
    delayMs: fc.integer({ min: 1, max: 150 }),
    afterMs: fc.option(fc.nat(300), { nil: undefined }),
  }),
  fc.record({ kind: fc.constant('hangs' as const), late: fc.boolean() }),
)

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('add' as const),
      owner: fc.nat(2),
      lane: fc.constantFrom('a', 'b', 'c', 'd', undefined),
      bytes: fc.integer({ min: 1, max: 60 }),
      count: fc.integer({ min: 1, max: 6 }),
      isUrgent: fc.boolean(),
      join: fc.constantFrom('counts', 'counts', 'merges', 'fresh', 'third'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(200) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), owner: fc.nat(2) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('drain' as const),
      owner: fc.option(fc.nat(2), { nil: undefined }),
    }),
  },
)

const limits = fc.record({
  maxBatchItems: fc.integer({ min: 1, max: 6 }),
  maxBatchBytes: fc.integer({ min: 20, max: 150 }),
  lingerMs: fc.constantFrom(0, 50),
  maxInFlight: fc.integer({ min: 1, max: 3 }),
  maxAttempts: fc.constantFrom(2, Number.POSITIVE_INFINITY),
})

interface Item {
  readonly id: number
  readonly owner: number
  readonly lane: string
  readonly bytes: number
  readonly addedMs: number
  readonly isUrgent: boolean
  readonly join: Join
  sent: number
  expected: 'accepted' | 'rejected' | undefined
  settled: number
  forgotten: boolean
}

class Model implements Destination<unknown> {
  readonly name = 'model'
  readonly node: DeliverNode
  readonly clock = new TestClock()
  readonly items: Item[] = []
  readonly lanes = new Map<string, Item[]>()
  readonly owners: object[] = [{}, {}, {}]
  readonly #answers: readonly Answer[]
  readonly #busyLanes = new Set<string>()
  readonly #notBeforeMs = new Map<string, number>()
  /** Whatever comes of the lane, also when all that was there is gone. */
  readonly #restsUntilMs = new Map<string, number>()
  readonly #failedBatches: (readonly Item[])[] = []
  #inFlight = 0
  #calls = 0
  drains = 0
  healthy = false
  violation: unknown
  /** What is left of them may still linger, or back off, for an item that is gone. */
  readonly #bereft = new Set<string>()
  /** Since lanes that could wait were last sent ahead of an urgent one. */
  #sinceFairTurn = Number.POSITIVE_INFINITY

  constructor(answersInOrder: readonly Answer[], overrides: Partial<DeliverNode>) {
    this.#answers = answersInOrder
    this.node = deliverNode(this, { ...overrides, timeoutMs: 200, isUrgent: () => true })
  }

  get unsettled(): Item[] {
    return [...this.lanes.values()].flat()
  }

  deliver(
    delivered: readonly DeliveryItem<unknown>[],
    { signal, isUrgent }: DeliveryCall,
  ): Promise<readonly DeliveryOutcome[]> {
    const batch = delivered.map(({ value }) => this.items[value as number] as Item)
    try {
      this.#checkBatch(batch, isUrgent)
    } catch (error) {
      // The stage would take it for an outage and try again.
      this.violation ??= error
      throw error
    }
    for (const [index, item] of batch.entries()) {
      assert.equal(delivered[index]?.attempts, item.sent)
      item.sent += 1
    }
    const lanes = new Set(batch.map(item => item.lane))
    for (const lane of lanes) this.#busyLanes.add(lane)
    this.#inFlight += 1
    const end = (): void => {
      this.#inFlight -= 1
      for (const lane of lanes) this.#busyLanes.delete(lane)
    }
    const answer = this.healthy ? undefined : this.#answers[this.#calls++ % this.#answers.length]
    return new Promise((resolve, reject) => {
      if (answer?.kind === 'hangs') {
        signal.addEventListener('abort', () => {
          end()
          this.#expectRepeat(batch)
          if (answer.late) resolve(batch.map(() => ({ kind: 'accepted' })))
        })
        return
      }
      this.clock.schedule(answer?.delayMs ?? 1, () => {
        end()
        if (answer?.kind === 'fails') {
          this.#expectRepeat(batch)
          reject(
            Object.assign(
              new Error('down'),
              answer.afterMs === undefined ? {} : { retry: { kind: 'after', ms: answer.afterMs } },
            ),
          )
          return
        }
        resolve(
          batch.map((item, index) => this.#decide(item, answer?.outcomes[index % answer.outcomes.length])),
        )
      })
    })
  }

  joins(value: unknown, before: readonly unknown[]): 'counts' | 'merges' | 'waits' {
    return joining(this.items[value as number] as Item, before.length)
  }

  settle(item: Item, kind: 'accepted' | 'rejected' | 'skipped'): void {
    assert.equal(item.forgotten, false, `${item.id} was settled after it was forgotten`)
    item.settled += 1
    assert.equal(item.settled, 1, `${item.id} was settled twice`)
    assert.equal(kind, item.expected, `${item.id}`)
    this.#remove(item)
  }

  forget(owner: number): void {
    for (const item of this.unsettled) {
      if (item.owner !== owner) continue
      item.forgotten = true
      this.#bereft.add(item.lane)
      this.#remove(item)
    }
  }

  #remove(item: Item): void {
    const lane = this.lanes.get(item.lane) as Item[]
    lane.splice(lane.indexOf(item), 1)
    if (lane.length > 0) return
    this.lanes.delete(item.lane)
    this.#notBeforeMs.delete(item.lane)
  }

  #checkBatch(batch: readonly Item[], isUrgent: boolean): void {
    const { maxBatchItems, maxBatchBytes, maxInFlight, lingerMs } = this.node
    const bytes = batch.reduce((sum, item) => sum + item.bytes, 0)
    const nowMs = this.clock.monotonicMs()
    const counted = [...Map.groupBy(batch, item => item.lane).values()].flatMap(items =>
      items.map((item, index) => (index === 0 ? 'counts' : joining(item, index))),
    )
    const count = counted.filter(join => join === 'counts').length
    assert.ok(count >= 1 && count <= maxBatchItems, `${count} items`)
    assert.equal(counted.includes('waits'), false, 'an item went with what it has to wait for')
    assert.ok(batch.length === 1 || bytes <= maxBatchBytes, `${bytes} bytes`)
    assert.ok(this.#inFlight < maxInFlight, `${this.#inFlight} in flight already`)
    for (const [lane, items] of Map.groupBy(batch, item => item.lane)) {
      assert.equal(this.#busyLanes.has(lane), false, `lane ${lane} is in two batches`)
      const front = this.lanes.get(lane)?.slice(0, items.length)
      assert.deepEqual(
        items.map(item => item.id),
        front?.map(item => item.id),
        `order in lane ${lane}`,
      )
      assert.ok(nowMs >= (this.#notBeforeMs.get(lane) ?? 0), `lane ${lane} was sent before its time`)
      assert.ok(nowMs >= (this.#restsUntilMs.get(lane) ?? 0), `lane ${lane} was sent while it rests`)
    }
    assert.ok(isUrgent || !batch.some(item => item.isUrgent), 'an urgent batch was not said to be one')
    if (this.#isRepeat(batch)) return
    this.#checkUrgency(batch, isUrgent)
    const waitingBytes = this.unsettled.reduce((sum, item) => sum + item.bytes, 0)
    if (count < maxBatchItems && waitingBytes < maxBatchBytes && this.drains === 0) {
      if (batch.some(item => this.#bereft.has(item.lane))) return
      const oldestMs = Math.min(...batch.map(item => item.addedMs))
      assert.ok(nowMs - oldestMs >= lingerMs, 'it did not linger')
    }
  }

  /** No lane that can wait is sent ahead of an urgent one, but for one batch in eight. */
  #checkUrgency(batch: readonly Item[], isUrgent: boolean): void {
    this.#sinceFairTurn += 1
    // A call that is repeated keeps its place.
    if (batch.some(item => item.sent > 0)) return
    const sent = new Set(batch.map(item => item.lane))
    const lanes = [...this.lanes].map(([lane, items]) => ({ lane, items }))
    const waiting = lanes.filter(
      ({ lane, items }) =>
        !sent.has(lane) &&
        !this.#bereft.has(lane) &&
        !this.#busyLanes.has(lane) &&
        // Of lanes that have rested until the same moment one is the first.
        this.clock.monotonicMs() > (this.#restsUntilMs.get(lane) ?? -1) &&
        items.every(item => item.sent === 0) &&
        items.some(item => item.isUrgent),
    )
    assert.ok(isUrgent || waiting.length === 0, 'urgent items wait for a batch that is not')
    const hasPatient = [...sent].some(lane => this.lanes.get(lane)?.every(item => !item.isUrgent))
    if (waiting.length === 0 || !hasPatient) return
    assert.ok(this.#sinceFairTurn >= 8, 'urgent lanes were passed over')
    this.#sinceFairTurn = 0
  }

  /** What failed together comes again together. */
  #expectRepeat(batch: readonly Item[]): void {
    if (this.node.retry.maxAttempts === Number.POSITIVE_INFINITY) {
      this.#failedBatches.push(batch)
      return
    }
    for (const item of batch) if (item.sent >= this.node.retry.maxAttempts) item.expected = 'rejected'
  }

  #isRepeat(batch: readonly Item[]): boolean {
    const index = this.#failedBatches.findIndex(failed => failed.some(item => batch.includes(item)))
    if (index === -1) return false
    const [failed] = this.#failedBatches.splice(index, 1)
    assert.deepEqual(
      batch,
      failed?.filter(item => !item.forgotten),
    )
    return true
  }

  #decide(item: Item, outcome: Outcome = 'accepted'): DeliveryOutcome {
    if (outcome === 'accepted') {
      item.expected = outcome
      return { kind: 'accepted' }
    }
    if (typeof outcome === 'object' && 'restMs' in outcome) {
      item.expected = 'accepted'
      const untilMs = this.clock.monotonicMs() + outcome.restMs
      this.#restsUntilMs.set(item.lane, Math.max(untilMs, this.#restsUntilMs.get(item.lane) ?? 0))
      return { kind: 'accepted', restMs: outcome.restMs }
    }
    if (outcome === 'rejected') {
      item.expected = outcome
      return { kind: 'rejected', reason: 'no' }
    }
    if (item.sent >= this.node.retry.maxAttempts) item.expected = 'rejected'
    if (outcome === 'retry') return { kind: 'retry' }
    if (item.expected === undefined && !item.forgotten) {
      const untilMs = this.clock.monotonicMs() + outcome.afterMs
      this.#notBeforeMs.set(item.lane, Math.max(untilMs, this.#notBeforeMs.get(item.lane) ?? 0))
    }
    return { kind: 'retry', afterMs: outcome.afterMs }
  }
}

function joining({ join }: Item, before: number): 'counts' | 'merges' | 'waits' {
  if (join === 'fresh') return 'waits'
  if (join !== 'third') return join
  return before > 1 ? 'waits' : 'merges'
}

async function play(history: readonly Step[], model: Model): Promise<void> {
  const { clock } = model
  const failures: unknown[] = []
  const stage = new DeliveryStage(model.node, {
    clock,
    random: () => 0.5,
    onFailure: error => failures.push(error),
  })
  const check = (): void => {
    if (model.violation !== undefined) throw model.violation as Error
    if (failures.length > 0) throw failures[0] as Error
  }
  const add = (step: Step & { kind: 'add' }): void => {
    const id = model.items.length
    const { owner, bytes, isUrgent, join } = step
    const item: Item = {
      id,
      owner,
      lane: step.lane ?? `unordered ${id}`,
      bytes,
      addedMs: clock.monotonicMs(),
      isUrgent,
      join,
      sent: 0,
      expected: undefined,
      settled: 0,
      forgotten: false,
    }
    model.items.push(item)
    model.lanes.set(item.lane, [...(model.lanes.get(item.lane) ?? []), item])
    stage.add({
      owner: model.owners[owner] as object,
      key: null,
      value: id,
      context: CONTEXT,
      laneKey: step.lane,
      bytes,
      isUrgent,
      memory: undefined,
      settle: ({ kind }) => model.settle(item, kind),
    })
  }
  const drains: Promise<void>[] = []
  for (const step of history) {
    check()
    if (step.kind === 'add') {
      for (let i = 0; i < step.count; i += 1) add(step)
    } else if (step.kind === 'advance') {
      await clock.advance(step.ms)
    } else if (step.kind === 'forget') {
      model.forget(step.owner)
      stage.forget(model.owners[step.owner] as object)
    } else {
      const owner = step.owner === undefined ? undefined : (model.owners[step.owner] as object)
      model.drains += 1
      drains.push(
        stage.drain(owner === undefined ? {} : { owner }).then(() => {
          model.drains -= 1
        }),
      )
    }
  }
  model.healthy = true
  while (await clock.step()) check()
  await Promise.all(drains)
  assert.deepEqual(model.unsettled, [], 'everything is settled in the end')
  for (const item of model.items) assert.equal(item.settled, item.forgotten ? item.settled : 1)
  assert.deepEqual([stage.stats.pending, stage.stats.sendable, stage.stats.batchesInFlight], [0, 0, 0])
}

test('whatever happens, lanes keep their order, limits hold and everything is settled once', async t => {
  t.diagnostic(`ORACLE_SEED=${seed}`)
  const historyOf = fc.array(steps, { minLength: 1, maxLength: 60 })
  const answersOf = fc.array(answers, { minLength: 1, maxLength: 12 })
  await fc.assert(
    fc.asyncProperty(
      historyOf,
      answersOf,
      limits,
      async (history, answersInOrder, { maxAttempts, ...bounds }) => {
        const retry = { maxAttempts, baseMs: 20, maxMs: 200 }
        await play(history, new Model(answersInOrder, { ...bounds, retry }))
      },
    ),
    { seed, numRuns: 1_000, includeErrorInReport: true },
  )
})
