import assert from 'node:assert/strict'
import type { Logger } from '../../src/config.ts'
import { topology } from '../../src/dsl/builder.ts'
import { TopologyError } from '../../src/errors.ts'
import type { Topology } from '../../src/plan/topology.ts'
import { App } from '../../src/runtime/app.ts'
import { json, string } from '../../src/serde/primitives.ts'
import { createFakeClient, type FakeClient, type FakeRecord } from '../../src/testing/fake-client.ts'
import { TestClock } from '../../src/testing/test-clock.ts'
import { streamTopic, tableTopic } from '../../src/topic.ts'
import { until } from '../../../../test-support/until.ts'
import { MortalClient } from './mortal-client.ts'

export type Guarantee = 'at-least-once' | 'exactly-once'

/**
 * `plain` comes out at once, `asked` when its call is answered; the call of `unknown` can never be answered and the function
 * of `broken` throws, so that both are dead letters, as are `poison`, which is no JSON, and `keyless`, which no row can be
 * asked for. `unwanted` is filtered out.
 */
export const KINDS = ['plain', 'asked', 'unknown', 'broken', 'poison', 'unwanted', 'keyless'] as const
export type Kind = (typeof KINDS)[number]

const IS_RESULT: ReadonlySet<Kind> = new Set(['plain', 'asked'])
const IS_LETTER: ReadonlySet<Kind> = new Set(['unknown', 'broken', 'poison', 'keyless'])

export const KEYS = ['a', 'b', 'c', 'd', 'e'] as const
export type Key = (typeof KEYS)[number]

interface Event {
  readonly id: number
  readonly kind: Kind
}

interface Result {
  readonly id: number
  /** Of the row that the event was joined with. */
  readonly version: number
}

interface Input extends Event {
  readonly key: Key
  readonly partition: number
  readonly offset: number
}

const SILENT: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const GROUP = 'world'
const PARTITIONS = 3
const LETTERS = `${GROUP}-dead-letters`
const events = streamTopic('events', { key: string(), value: json<Event>() })
const rows = tableTopic('rows', { key: string(), value: json<{ readonly version: number }>() })
const results = streamTopic('results', { key: string(), value: json<Result>() })

function worldTopology(ask: (id: number, kind: Kind) => Promise<void>): Topology {
  const builder = topology(GROUP)
  const { asked, others } = builder
    .stream(events)
    .filter(({ kind }) => kind !== 'unwanted')
    .join(builder.table(rows), { joiner: ({ id, kind }, { version }) => ({ id, kind, version }) })
    .mapValues(event => {
      if (event.kind === 'broken') throw new Error('the function is broken')
      return event
    })
    .split({ asked: ({ kind }) => kind === 'asked' || kind === 'unknown' }, { default: 'others' })
  asked
    .enrich({
      using: ({ id, kind }) => ask(id, kind),
      joiner: ({ id, version }) => ({ id, version }),
      maxInFlight: 4,
      timeoutMs: 1_000,
      retry: { baseMs: 20, maxMs: 200 },
    })
    .to(results)
  others.mapValues(({ id, version }) => ({ id, version })).to(results)
  return builder.build()
}

interface Call {
  readonly kind: Kind
  /** Undefined while the next attempt is being waited for. */
  settle: { resolve(): void; reject(error: Error): void } | undefined
}

/** A break after which the work of these partitions may be done again. */
interface Interruption {
  readonly partitions: ReadonlySet<number>
  /** Later inputs it does not explain. */
  readonly inputs: number
}

/** One process that runs the topology. */
class Process {
  readonly instanceId: string
  readonly mortal: MortalClient
  readonly app: App
  readonly owned: Set<number> = new Set()
  /** By event: calls whose outcome is open. */
  readonly calls: Map<number, Call> = new Map()
  /** An output of its was refused for good: it has to fail. */
  mayFail = false
  /** Its session has ended and it has not heard of it: it goes on with what it has lost. */
  isZombie = false
  failure: unknown
  closing: Promise<void> | undefined
  #isUncommitted = false

  constructor(world: World, instanceId: string) {
    this.instanceId = instanceId
    this.mortal = new MortalClient(world.kafka.anotherClient(), {
      onDeath: () => {
        this.calls.clear()
        world.interrupted(this.owned)
      },
      onAssigned: partitions => {
        for (const { partition } of partitions) this.owned.add(partition)
      },
      onReleased: (partitions, isLate) => {
        const released = new Set(partitions.map(({ partition }) => partition))
        for (const id of this.calls.keys()) if (released.has(world.partitionOf(id))) this.calls.delete(id)
        if (this.#isUncommitted || isLate) world.interrupted(released)
        if (isLate) this.isZombie = false
        for (const partition of released) this.owned.delete(partition)
      },
      onSendRejected: error => {
        // What was given up with its partitions is no reason to fail.
        if (!TopologyError.is(error) || error.code !== 'TOPOLOGY_MEMBER_FENCED') this.mayFail = true
        world.interrupted(this.owned)
      },
      onCommit: hasSucceeded => {
        this.#isUncommitted = !hasSucceeded
      },
    })
    const { client } = this.mortal
    this.app = new App(
      worldTopology((id, kind) => this.#ask(id, kind)).compiled,
      {
        kafka: client,
        clock: world.clock,
        logger: {
          ...SILENT,
          error: facts => {
            // Out of time while it was leaving.
            if ('givenUpAfterMs' in facts) world.interrupted(this.owned)
          },
          warn: facts => {
            // A task whose drain has come to its deadline.
            if ('task' in facts) world.interrupted(new Set([Number(String(facts.task).split('_')[1])]))
          },
        },
        random: () => 0.5,
        guarantee: world.guarantee,
        instanceId,
        commitIntervalMs: 100,
        lingerMs: 10,
        shutdownTimeoutMs: 500,
        maxInFlightRecords: 6,
        partitionSamples: 0,
      },
      { connect: () => ({ kafka: client, registry: undefined }) },
    )
    this.app.ended.catch((error: unknown) => {
      this.failure = error
    })
  }

  get isAlive(): boolean {
    return !this.mortal.isDead && this.closing === undefined && this.app.state === 'running'
  }

  answer(which: number, how: 'finally' | 'later'): void {
    const open = [...this.calls].filter(([, call]) => call.settle !== undefined)
    if (open.length === 0) return
    const [id, call] = open[which % open.length] as [number, Call]
    const settle = call.settle
    call.settle = undefined
    if (how === 'later') {
      settle?.reject(new Error('503'))
      return
    }
    this.calls.delete(id)
    if (call.kind === 'asked') settle?.resolve()
    else settle?.reject(Object.assign(new Error('404'), { retry: { kind: 'never' } }))
  }

  #ask(id: number, kind: Kind): Promise<void> {
    if (this.mortal.isDead) return new Promise(() => undefined)
    return new Promise((resolve, reject) => {
      this.calls.set(id, { kind, settle: { resolve, reject } })
    })
  }
}

/** Topics, time, and the processes that come and go. */
export class World {
  readonly guarantee: Guarantee
  readonly kafka: FakeClient = createFakeClient({
    topics: [
      { name: 'events', partitions: PARTITIONS },
      { name: 'rows', partitions: PARTITIONS, cleanupPolicy: 'compact' },
      { name: 'results', partitions: 2 },
    ],
  })
  readonly clock: TestClock = new TestClock()
  readonly #inputs: Input[] = []
  readonly #interruptions: Interruption[] = []
  /** Dead ones whose session has not ended included. */
  #processes: Process[] = []
  #versions = 0
  /** While acknowledgements are held back: the ends of what is acknowledged. */
  #acknowledged: Map<string, number> | undefined
  readonly #committed: number[] = Array.from({ length: PARTITIONS }, () => 0)

  constructor(guarantee: Guarantee) {
    this.guarantee = guarantee
    for (const key of KEYS) this.updateRow(key)
  }

  get inputs(): number {
    return this.#inputs.length
  }

  get interruptions(): number {
    return this.#interruptions.length
  }

  get #running(): Process[] {
    return this.#processes.filter(process => process.isAlive)
  }

  partitionOf(id: number): number {
    return (this.#inputs[id] as Input).partition
  }

  interrupted(partitions: ReadonlySet<number>): void {
    if (partitions.size === 0) return
    this.#interruptions.push({ partitions: new Set(partitions), inputs: this.#inputs.length })
  }

  async start(): Promise<void> {
    const alive = new Set(this.#processes.filter(({ mortal }) => !mortal.isDead).map(p => p.instanceId))
    const instanceId = ['one', 'two', 'three'].find(id => !alive.has(id))
    if (instanceId === undefined) return
    // A process that is back under its old name takes its place, whatever is left of the session.
    for (const process of this.#processes) if (process.instanceId === instanceId) this.#bury(process)
    const process = new Process(this, instanceId)
    this.#processes.push(process)
    await ended('the process has started', process.app.start())
  }

  put(key: Key, kind: Kind): void {
    const id = this.#inputs.length
    const value = kind === 'poison' ? `poison ${id}` : JSON.stringify({ id, kind })
    const place = this.kafka.put('events', {
      key: kind === 'keyless' ? null : key,
      value,
      ...(kind === 'keyless' && { partition: id % PARTITIONS }),
    })
    this.#inputs.push({ id, kind, key, ...place })
  }

  updateRow(key: Key): void {
    this.#versions += 1
    this.kafka.put('rows', { key, value: JSON.stringify({ version: this.#versions }) })
  }

  putMalformedRow(key: Key): void {
    this.kafka.put('rows', { key, value: 'no row' })
  }

  answer(which: number, how: 'finally' | 'later'): void {
    const asked = this.#processes.filter(({ calls }) => calls.size > 0)
    asked[which % asked.length]?.answer(which, how)
  }

  holdAcks(): void {
    if (this.#acknowledged !== undefined) return
    this.#acknowledged = new Map()
    for (const [topic, partitions] of [
      ['results', 2],
      [LETTERS, PARTITIONS],
    ] as const)
      for (let partition = 0; partition < partitions; partition += 1)
        this.#acknowledged.set(`${topic}-${partition}`, this.kafka.endOffset(topic, partition))
    this.kafka.holdAcks()
  }

  releaseAcks(): void {
    this.#acknowledged = undefined
    this.kafka.releaseAcks()
  }

  refuseSend(): void {
    const code =
      this.guarantee === 'exactly-once' ? 'TOPOLOGY_TRANSACTION_ABORTED' : 'TOPOLOGY_AUTHORIZATION_FAILED'
    this.kafka.failNextSend(new TopologyError(code, 'refused by the test'))
  }

  refuseCommit(how: 'fenced' | 'unavailable'): void {
    const error =
      how === 'fenced' || this.guarantee === 'exactly-once'
        ? new TopologyError('TOPOLOGY_MEMBER_FENCED', 'of another epoch')
        : new TopologyError('TOPOLOGY_BROKER_UNAVAILABLE', 'loading', { retry: { kind: 'backoff' } })
    this.kafka.failNextCommit(error)
  }

  /** The session ends; the process learns of it and joins again. */
  expire(which: number): void {
    const process = this.#pick(which)
    if (process === undefined) return
    process.isZombie = process.owned.size > 0
    this.interrupted(process.owned)
    this.kafka.expireInstance(GROUP, process.instanceId, 'alive')
  }

  crash(which: number, calls: number, lastTakesEffect: boolean): void {
    const process = this.#pick(which)
    if (calls === 0) process?.mortal.die()
    else process?.mortal.dieIn(calls - 1, lastTakesEffect)
  }

  leave(which: number): void {
    const process = this.#pick(which)
    if (process === undefined) return
    process.closing = process.app.close()
    process.closing.catch(() => undefined)
  }

  /** The sessions of the dead end. */
  bury(): void {
    for (const process of this.#processes) if (process.mortal.isDead) this.#bury(process)
  }

  /** Nothing fails any more and every call is answered, until everything is committed. */
  async finish(): Promise<void> {
    this.releaseAcks()
    for (const { mortal } of this.#processes) mortal.spare()
    this.bury()
    this.kafka.timeOutTransactions()
    for (let round = 0; round < 300; round += 1) {
      this.#sweep()
      if (this.#running.length === 0) await this.start()
      for (const process of this.#processes)
        while ([...process.calls.values()].some(({ settle }) => settle !== undefined))
          process.answer(0, 'finally')
      await this.clock.advance(100)
      this.check()
      if (this.#isCommitted()) return
    }
    assert.fail(`not everything is committed: ${this.#committed.join()} of ${this.#ends().join()}`)
  }

  async close(): Promise<void> {
    // Whether one may fail is what `check` finds out.
    const closings = this.#processes
      .filter(({ mortal }) => !mortal.isDead)
      .map(({ app }) => app.close().catch(() => undefined))
    await this.clock.advance(1_000)
    await ended('all processes have closed', Promise.all(closings))
    this.check()
  }

  /** Holds after every step. */
  check(): void {
    this.#sweep()
    const seen = new Set([...this.#results(true).map(({ id }) => id), ...this.#letters(true)])
    for (const [partition, before] of this.#committed.entries()) {
      const committed = this.kafka.committed(GROUP, 'events', partition) ?? 0
      assert.ok(committed >= before, `the offset of ${partition} went back from ${before} to ${committed}`)
      this.#committed[partition] = committed
    }
    const covered = this.#inputs.filter(
      ({ partition, offset }) => offset < (this.#committed[partition] as number),
    )
    for (const { id, kind, partition, offset } of covered) {
      if (IS_RESULT.has(kind) || IS_LETTER.has(kind))
        assert.ok(seen.has(id), `${kind} ${id} at ${partition}@${offset} is committed and not acknowledged`)
    }
    if (this.guarantee === 'exactly-once') this.#checkAtOnce(covered)
  }

  /** Holds once everything is committed. */
  checkOutcome(): void {
    for (const { isZombie, owned } of this.#processes) if (isZombie) this.interrupted(owned)
    const outputs = this.#results(false)
    assert.deepEqual(
      new Set(outputs.map(({ id }) => id)),
      new Set(this.#inputs.filter(({ kind }) => IS_RESULT.has(kind)).map(({ id }) => id)),
    )
    for (const { version } of outputs) assert.ok(version > 0 && version <= this.#versions)
    const letters = this.#letters(false)
    assert.deepEqual(
      new Set(letters),
      new Set(this.#inputs.filter(({ kind }) => IS_LETTER.has(kind)).map(({ id }) => id)),
    )
    this.#checkRepeats([...outputs.map(({ id }) => id), ...letters])
    this.#checkOrder(outputs)
  }

  /** A reader of committed records sees what the committed offsets cover, once, and nothing else. */
  #checkAtOnce(covered: readonly Input[]): void {
    const idsOf = (kinds: ReadonlySet<Kind>): number[] =>
      covered.filter(({ kind }) => kinds.has(kind)).map(({ id }) => id)
    const visible = this.#results(false).map(({ id }) => id)
    const ascending = (a: number, b: number): number => a - b
    assert.deepEqual(visible.sort(ascending), idsOf(IS_RESULT))
    assert.deepEqual(this.#letters(false).sort(ascending), idsOf(IS_LETTER))
  }

  #checkRepeats(ids: readonly number[]): void {
    const copies = new Map<number, number>()
    for (const id of ids) copies.set(id, (copies.get(id) ?? 0) + 1)
    for (const [id, count] of copies) {
      const { partition } = this.#inputs[id] as Input
      const explained =
        this.guarantee === 'exactly-once'
          ? 0
          : this.#interruptions.filter(({ partitions, inputs }) => inputs > id && partitions.has(partition))
              .length
      assert.ok(
        count <= 1 + explained,
        `${id} came out ${count} times, which ${explained} breaks do not explain`,
      )
    }
  }

  #checkOrder(outputs: readonly Result[]): void {
    for (const key of KEYS) {
      const first = [
        ...new Set(outputs.filter(({ id }) => this.#inputs[id]?.key === key).map(({ id }) => id)),
      ]
      assert.deepEqual(
        first,
        first.toSorted((a, b) => a - b),
      )
    }
  }

  #results(isAcknowledged: boolean): Result[] {
    return this.#read('results', 2, isAcknowledged).map(({ value }) => JSON.parse(String(value)) as Result)
  }

  /** Events among the dead letters. */
  #letters(isAcknowledged: boolean): number[] {
    return this.#read(LETTERS, PARTITIONS, isAcknowledged)
      .map(({ value }) => String(value))
      .filter(text => text !== 'no row')
      .map(text => (text.startsWith('poison ') ? Number(text.slice(7)) : (JSON.parse(text) as Event).id))
  }

  #read(topic: string, partitions: number, isAcknowledged: boolean): FakeRecord[] {
    return Array.from({ length: partitions }, (_, partition) => {
      const end = isAcknowledged ? this.#acknowledged?.get(`${topic}-${partition}`) : undefined
      const records = this.kafka.records(topic, partition)
      return end === undefined ? records : records.filter(({ offset }) => offset < end)
    }).flat()
  }

  #ends(): number[] {
    return this.#committed.map((_, partition) => this.kafka.endOffset('events', partition))
  }

  #isCommitted(): boolean {
    return this.#ends().every((end, partition) => this.#committed[partition] === end)
  }

  #pick(which: number): Process | undefined {
    const running = this.#running
    return running[which % running.length]
  }

  #bury(process: Process): void {
    this.#processes = this.#processes.filter(other => other !== process)
    this.kafka.expireInstance(GROUP, process.instanceId, 'dead')
  }

  /** Forgets processes that have ended; one that had no reason to fail is a finding. */
  #sweep(): void {
    for (const process of this.#processes) {
      const { app, mortal } = process
      if (mortal.isDead || (app.state !== 'failed' && app.state !== 'closed')) continue
      assert.ok(
        app.state === 'closed' || process.mayFail,
        `${process.instanceId} has failed: ${String(process.failure)}`,
      )
      // It may have given up leaving: its session ends then.
      this.#bury(process)
    }
  }
}

/** A wait that has no end is a finding, too. */
async function ended(what: string, work: Promise<unknown>): Promise<void> {
  let isOver = false
  const over = work.finally(() => {
    isOver = true
  })
  over.catch(() => undefined)
  await until(what, () => isOver, { timeoutMs: 2_000 })
  await over
}
