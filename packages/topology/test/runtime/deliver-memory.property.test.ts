import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { topology } from '../../src/dsl/builder.ts'
import type { DeliveryItem, DeliveryOutcome, Destination } from '../../src/operators/destination.ts'
import { App } from '../../src/runtime/app.ts'
import { json, string } from '../../src/serde/primitives.ts'
import { createFakeClient, type FakeClient } from '../../src/testing/fake-client.ts'
import { settled, TestClock } from '../../src/testing/test-clock.ts'
import { streamTopic, tableTopic } from '../../src/topic.ts'
import { oracleSeed as seed } from '../../../../test-support/oracle.ts'
import { until } from '../../../../test-support/until.ts'
import { MortalClient } from './mortal-client.ts'

/*
 * The items of a lane are numbered, and a destination remembers the number of what it accepts. Whatever crashes, an item has
 * to come with the number of the last item before it that was accepted: exactly that one with exactly-once; with
 * at-least-once perhaps one of a later item that is sent again now, but never an earlier one, and never one of an item that
 * was not accepted.
 */

interface Item {
  readonly lane: string
  readonly number: number
  readonly fate: 'accepted' | 'rejected' | 'forgotten'
}
interface Memory {
  readonly number: number
}
type Step =
  | { readonly kind: 'put'; readonly lane: string; readonly fates: readonly Item['fate'][] }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'kill'; readonly process: number; readonly calls: number; readonly isHeard: boolean }
  | { readonly kind: 'lose'; readonly process: number }
  | { readonly kind: 'abort' }

const LANES = ['a', 'b', 'c', 'd']
const GROUP = 'world'
const PARTITIONS = 3
const inputs = streamTopic('inputs', { key: string(), value: json<Item>() })
const memories = tableTopic('memories', { key: string(), value: json<Memory>() })

const steps: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      lane: fc.constantFrom(...LANES),
      fates: fc.array(
        fc.constantFrom('accepted' as const, 'accepted' as const, 'rejected' as const, 'forgotten' as const),
        {
          minLength: 1,
          maxLength: 4,
        },
      ),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('advance' as const), ms: fc.nat(120) }) },
  fc.record({
    kind: fc.constant('kill' as const),
    process: fc.nat(1),
    calls: fc.nat(6),
    isHeard: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('lose' as const), process: fc.nat(1) }),
  fc.record({ kind: fc.constant('abort' as const) }),
)

interface Process {
  readonly id: string
  readonly app: App
  readonly mortal: MortalClient
}

class World implements Destination<Item, Memory> {
  readonly name = 'world'
  readonly clock = new TestClock()
  readonly kafka: FakeClient = createFakeClient({ topics: [{ name: 'inputs', partitions: PARTITIONS }] })
  readonly items = new Map<string, Item[]>()
  violation: unknown
  readonly #guarantee: 'at-least-once' | 'exactly-once'
  readonly #processes: Process[] = []
  #started = 0
  #calls = 0

  constructor(guarantee: 'at-least-once' | 'exactly-once') {
    this.#guarantee = guarantee
  }

  async start(): Promise<void> {
    const id = `process-${this.#started++}`
    const nothing = (): void => undefined
    const mortal = new MortalClient(this.kafka.anotherClient(), {
      onDeath: () => this.kafka.expireInstance(GROUP, id, 'dead'),
      onAssigned: nothing,
      onReleased: nothing,
      onSendRejected: nothing,
      onCommit: nothing,
    })
    const builder = topology(GROUP)
    builder.stream(inputs).deliver<Item, Memory>({
      destination: {
        name: this.name,
        deliver: items => (mortal.isDead ? new Promise(() => undefined) : this.deliver(items)),
      },
      memory: memories,
      maxBatchItems: 3,
      lingerMs: 5,
      maxInFlight: 2,
    })
    const app = new App(
      builder.build().compiled,
      {
        kafka: mortal.client,
        clock: this.clock,
        random: () => 0.5,
        instanceId: id,
        guarantee: this.#guarantee,
        commitIntervalMs: 20,
        lingerMs: 1,
        shutdownTimeoutMs: 500,
      },
      { connect: () => ({ kafka: mortal.client, registry: undefined }) },
    )
    app.ended.catch((error: unknown) => {
      if (!mortal.isDead) this.violation ??= error
    })
    this.#processes.push({ id, app, mortal })
    await app.start()
  }

  async deliver(items: readonly DeliveryItem<Item, Memory>[]): Promise<DeliveryOutcome<Memory>[]> {
    try {
      const firsts = new Map<string, number>()
      for (const { value, memory } of items) {
        const { lane, number } = value
        if (!firsts.has(lane)) firsts.set(lane, number)
        this.#check(lane, firsts.get(lane) as number, memory?.number)
      }
    } catch (error) {
      this.violation ??= error
    }
    this.#calls += 1
    await this.clock.sleep(1 + ((this.#calls * 7) % 23))
    return items.map(({ value: { number, fate } }) => {
      if (fate === 'rejected') return { kind: 'rejected', reason: 'so it is' }
      return { kind: 'accepted', memory: fate === 'forgotten' ? null : { number } }
    })
  }

  /** What has to be remembered before an item: undefined for nothing. */
  before(lane: string, number: number): number | undefined {
    const last = (this.items.get(lane) ?? []).slice(0, number).findLast(({ fate }) => fate !== 'rejected')
    return last?.fate === 'accepted' ? last.number : undefined
  }

  #check(lane: string, number: number, remembered: number | undefined): void {
    const expected = this.before(lane, number)
    if (remembered === expected) return
    assert.equal(
      this.#guarantee,
      'at-least-once',
      `${lane}${number} came with ${remembered}, not ${expected}`,
    )
    const items = this.items.get(lane) as Item[]
    const isOfLater =
      remembered === undefined
        ? items.slice(number).some(({ fate }) => fate === 'forgotten')
        : remembered >= number && items[remembered]?.fate === 'accepted'
    assert.ok(isOfLater, `${lane}${number} came with ${remembered}, not ${expected}`)
  }

  async play(step: Step): Promise<void> {
    const chosen = this.#processes[('process' in step ? step.process : 0) % this.#processes.length] as Process
    switch (step.kind) {
      case 'put': {
        const items = this.items.get(step.lane) ?? []
        this.items.set(step.lane, items)
        for (const fate of step.fates) {
          const item: Item = { lane: step.lane, number: items.length, fate }
          items.push(item)
          this.kafka.put('inputs', { key: step.lane, value: JSON.stringify(item) })
        }
        break
      }
      case 'advance':
        await this.clock.advance(step.ms)
        break
      case 'kill':
        chosen.mortal.dieIn(step.calls, step.isHeard)
        for (let i = 0; i < 40 && !chosen.mortal.isDead; i += 1) await this.clock.advance(5)
        chosen.mortal.die()
        this.#processes.splice(this.#processes.indexOf(chosen), 1)
        this.kafka.timeOutTransactions()
        await this.start()
        break
      case 'lose':
        this.kafka.expireInstance(GROUP, chosen.id, 'alive')
        await settled()
        break
      case 'abort':
        this.kafka.timeOutTransactions()
        break
    }
    if (this.violation !== undefined) throw this.violation as Error
  }

  /** Everything is finished in the end, and the topic has what was accepted last. */
  async finish(): Promise<void> {
    await until('all is committed', async () => {
      await this.clock.advance(50)
      if (this.violation !== undefined) throw this.violation as Error
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        const end = this.kafka.endOffset('inputs', partition)
        if (end > 0 && this.kafka.committed(GROUP, 'inputs', partition) !== end) return false
      }
      return true
    })
    const kept = new Map<string, string | null>()
    for (const { key, value } of this.kafka.records('memories'))
      kept.set(String(key), value === null ? null : String(value))
    for (const [lane, items] of this.items) {
      const number = this.before(lane, items.length)
      assert.equal(
        kept.get(lane) ?? null,
        number === undefined ? null : JSON.stringify({ number }),
        `the end of ${lane}`,
      )
    }
    for (const { app } of this.#processes) {
      const closing = app.close()
      await this.clock.advance(1_000)
      await closing
    }
  }
}

for (const guarantee of ['exactly-once', 'at-least-once'] as const) {
  test(`with ${guarantee} what is remembered after a crash is what was accepted`, async t => {
    t.diagnostic(`ORACLE_SEED=${seed}`)
    await fc.assert(
      fc.asyncProperty(fc.array(steps, { minLength: 3, maxLength: 25 }), async history => {
        const world = new World(guarantee)
        await world.start()
        await world.start()
        for (const step of history) await world.play(step)
        await world.finish()
      }),
      { seed, numRuns: 60, includeErrorInReport: true, interruptAfterTimeLimit: 20_000 },
    )
  })
}
