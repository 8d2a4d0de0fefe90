import type { FetchedBatch } from '../client/ports.ts'
import { backoffMs } from '../backoff.ts'
import { retryAdviceOf, TopologyError, type TopologyErrorCode } from '../errors.ts'
import type { CompiledSubTopology, RecordHandler, TableReader } from '../plan/compiled.ts'
import type { DeliverNode, EnrichNode, NodeId } from '../plan/node.ts'
import { beginRecords } from '../serde/compiled/texts.ts'
import { SchemaNotLoaded } from '../serde/serde.ts'
import type { RecordCursor } from '../wire/record-batch-reader.ts'
import type { UncommittedOffset } from './commit.ts'
import type { FailedDelivery } from './dead-letter.ts'
import type { DeliveryStage } from './delivery/delivery-stage.ts'
import type { MemoryRows } from './delivery/lane-memory.ts'
import { EnrichStage } from './enrich-stage.ts'
import { HeldOutputs } from './held-outputs.ts'
import { InFlightRecords, type InFlightRecord } from './in-flight.ts'
import { ParkingLot, type ParkingLotOptions } from './parking-lot.ts'
import type { Outputs } from './record-collector.ts'
import { lookAheadFor } from './table-look-ahead.ts'
import { TaskContext } from './task-context.ts'
import type { ErrorPolicies, ErrorPolicy, TaskEnvironment } from './task-environment.ts'
import { TaskSource } from './task-source.ts'
import { buildHandlers } from './task-wiring.ts'

/** Records between two looks at the clock. */
const RECORDS_PER_SLICE_CHECK = 64
const OUTPUT_FAILURES: ReadonlySet<TopologyErrorCode> = new Set([
  'TOPOLOGY_SERIALIZATION_FAILED',
  'TOPOLOGY_RECORD_TOO_LARGE',
  'TOPOLOGY_TIMESTAMP_INVALID',
  'TOPOLOGY_CHOICE_INVALID',
])
const SCHEMA_RETRY = { baseMs: 200, maxMs: 10_000 }

export interface TaskOptions {
  readonly subTopology: CompiledSubTopology
  readonly partition: number
  readonly table: (id: NodeId, partition: number) => TableReader
  /** What the task remembers for a `deliver` step that remembers something. */
  readonly memory: (id: NodeId, partition: number) => MemoryRows
  readonly environment: TaskEnvironment
}

/**
 * One partition of one sub-topology: fetched batches come in, go record by record through the compiled chain, and leave
 * through the collector. The same task runs in the application and in the test driver.
 */
export class Task {
  /** As in Kafka Streams: sub-topology and partition. */
  readonly id: string
  readonly subTopology: number
  readonly partition: number
  readonly context: TaskContext = new TaskContext()
  readonly inFlight: InFlightRecords
  readonly environment: TaskEnvironment
  /** Where the outputs of the record in the chain go. */
  readonly outputs: Outputs
  readonly #held: HeldOutputs | undefined
  readonly #sources = new Map<string, TaskSource>()
  readonly #memory: TaskOptions['memory']
  readonly #subTopology: CompiledSubTopology
  readonly #lookAhead: ((cursor: RecordCursor) => number) | undefined
  readonly #handlers: ReadonlyMap<string, RecordHandler>
  readonly #stages: EnrichStage[] = []
  readonly #lots: ParkingLot[] = []
  /** The source whose record is in the chain now. */
  #active: TaskSource | undefined
  #step = ''
  /** The record that is in the chain now has a dead letter. */
  #hasLetter = false
  #isStopped = false
  #isAborted = false

  constructor(options: TaskOptions) {
    const { subTopology, partition, environment } = options
    this.id = `${subTopology.id}_${partition}`
    this.subTopology = subTopology.id
    this.partition = partition
    this.environment = environment
    const { collector, holdsOutputs, maxInFlightRecords, maxBufferedBytes } = environment
    if (holdsOutputs)
      this.#held = new HeldOutputs({ collector, maxRecords: maxInFlightRecords, maxBytes: maxBufferedBytes })
    this.outputs = this.#held ?? collector
    this.inFlight = new InFlightRecords({
      context: this.context,
      outputs: this.#held,
      run: (record, handler, key, value) => this.resume(record, () => handler(key, value)),
      onRelease: () => this.environment.onReady(this),
      monotonicMs: () => this.environment.clock.monotonicMs(),
    })
    this.#memory = options.memory
    this.#subTopology = subTopology
    const table = (id: NodeId): TableReader => options.table(id, partition)
    this.#lookAhead = lookAheadFor(subTopology, table)
    this.#handlers = buildHandlers(this, subTopology, table)
  }

  addSource(topic: string, startOffset: number, committed: number | undefined): void {
    const handler = this.#handlers.get(topic)
    const codecs = this.environment.sourceCodecs.get(topic)
    if (handler === undefined || codecs === undefined) {
      throw new TopologyError('TOPOLOGY_PLAN_INVALID', `Task ${this.id} has no source for topic ${topic}`)
    }
    this.#sources.set(
      topic,
      new TaskSource({
        topic,
        partition: this.partition,
        codecs,
        handler,
        startOffset,
        committed,
        counts: this.environment.counters.source(this.#sourceName(topic)),
        nowMs: this.environment.clock.monotonicMs(),
        lookAhead: this.#lookAhead,
      }),
    )
  }

  hasSource(topic: string): boolean {
    return this.#sources.has(topic)
  }

  #sourceName(topic: string): string {
    return this.#subTopology.sources.find(source => source.topic === topic)?.name ?? topic
  }

  get sources(): Iterable<TaskSource> {
    return this.#sources.values()
  }

  get stages(): readonly EnrichStage[] {
    return this.#stages
  }

  /** Called by the wiring while the chain is built. */
  addStage(node: EnrichNode): EnrichStage {
    if (node.order === 'per-key') this.inFlight.keepsOrder = true
    const stage = new EnrichStage(node, this.environment)
    this.#held?.need()
    this.#stages.push(stage)
    return stage
  }

  /** Called by the wiring while the chain is built. */
  addParkingLot(options: ParkingLotOptions): ParkingLot {
    const lot = new ParkingLot(this, options)
    this.#held?.need()
    this.#lots.push(lot)
    return lot
  }

  /** Records that wait for their rows. */
  get parked(): number {
    return this.#lots.reduce((sum, { size }) => sum + size, 0)
  }

  deliveryOf(node: DeliverNode): DeliveryStage {
    this.#held?.need()
    return this.environment.deliveries.get(node.id) as DeliveryStage
  }

  memoryRows(id: NodeId): MemoryRows {
    return this.#memory(id, this.partition)
  }

  /** A fetched response. Its bytes stay in the buffer until they are processed. */
  accept(batch: FetchedBatch): void {
    const source = this.#sources.get(batch.topic)
    if (source === undefined || this.#isStopped) return
    source.heard(batch, this.environment.clock)
    source.buffer.push(batch)
    source.pauseIfFull(this.environment)
    this.environment.onReady(this)
  }

  /** Works until nothing is left, a bound is reached or the time is up. True: call again soon. */
  process(budgetMs: number): boolean {
    const { clock } = this.environment
    const deadline = clock.monotonicMs() + budgetMs
    if (this.#resumeParked(deadline)) return true
    for (let processed = 1; !this.#isBlocked(); processed += 1) {
      const source = this.#nextSource()
      if (source === undefined) return false
      this.#processNext(source)
      if (processed % RECORDS_PER_SLICE_CHECK === 0 && clock.monotonicMs() >= deadline) return true
    }
    return false
  }

  /** Goes on with the parked records that are due. True: there are more of them. */
  #resumeParked(deadlineMs: number): boolean {
    for (let resumed = 1; !this.#isBlockedDownstream(); resumed += 1) {
      const lot = this.#lots.find(({ hasDue }) => hasDue)
      if (lot === undefined) return false
      lot.resumeNext()
      if (resumed % RECORDS_PER_SLICE_CHECK === 0 && this.environment.clock.monotonicMs() >= deadlineMs)
        return true
    }
    return false
  }

  /** Offsets that the group does not have yet. Step 1 of a commit: what they cover is finished or in the collector. */
  uncommitted(): UncommittedOffset[] {
    const offsets: UncommittedOffset[] = []
    if (this.#isAborted) return offsets
    for (const source of this.#sources.values()) {
      const offset = source.tracker.committable
      if (offset === source.committed) continue
      offsets.push({ source, offset: { topic: source.topic, partition: source.partition, offset } })
    }
    return offsets
  }

  /** Reads nothing further: what is in the chain goes on, what is parked or waits in the buffers is someone else's. */
  stopIntake(): void {
    this.#isStopped = true
    for (const lot of this.#lots) lot.close()
    for (const source of this.#sources.values()) {
      source.buffer.clear()
      source.endTrace()
    }
  }

  /** Everything that was handed to the chain is finished, or given up. */
  whenIdle(signal: AbortSignal): Promise<void> {
    return this.inFlight.whenEmpty(signal)
  }

  /** Stops at once; nothing that is under way is heard any more. */
  abort(): void {
    this.#isAborted = true
    this.stopIntake()
    for (const stage of this.#stages) stage.stop()
    this.inFlight.abandon()
  }

  /** Ends the application because of the current record, which stays uncommitted. */
  fail(error: Error): void {
    this.abort()
    this.environment.onFailure(error)
  }

  /** Names the step whose author's function runs next, for the message of a failure. */
  enter(step: string): void {
    this.#step = step
  }

  /** Takes the current record out of the call: its offset stays open until `inFlight.release`. */
  hold(isOrdered: boolean): InFlightRecord {
    const isFresh = this.inFlight.current === undefined
    const record = this.inFlight.hold(this.#active as TaskSource, isOrdered)
    // One that goes on after it was held knows by itself: the chain may have seen other records since.
    if (isFresh) record.hasLetter = this.#hasLetter
    return record
  }

  /** Goes on with a record that was held. */
  resume(record: InFlightRecord, run: () => void): void {
    this.context.restore(record.context)
    this.inFlight.current = record
    const interrupted = this.#held?.resume(record.outputs)
    try {
      run()
    } catch (error) {
      this.#failed(error)
    } finally {
      this.inFlight.current = undefined
      this.#held?.resume(interrupted)
    }
  }

  /** The current input record goes to the dead-letter topic, once: a replay repeats the whole record anyway. */
  deadLetter(step: string, error: unknown, delivery?: FailedDelivery): void {
    const { context, environment } = this
    const record = this.inFlight.current
    if (record?.hasLetter ?? this.#hasLetter) return
    if (record === undefined) this.#hasLetter = true
    else record.hasLetter = true
    environment.counters.deadLetter(step, error)
    this.outputs.appendDeadLetter(environment.deadLetterTopic, {
      ...context.snapshot(),
      ...this.#rawRecord(),
      step,
      error,
      delivery,
    })
  }

  /** With `fail` nothing further becomes of the record, in other branches neither. */
  missesKey(step: string): void {
    const { policies, counters } = this.environment
    if (policies.nullKey === 'skip') {
      counters.drop(step, 'null-key')
      return
    }
    const { topic, partition, offset } = this.context
    const error = new TopologyError(
      'TOPOLOGY_KEY_MISSING',
      `The step ${step} needs a key, and the record of ${topic}-${partition}@${offset} has none there`,
    )
    if (policies.nullKey === 'fail') throw error
    this.deadLetter(step, error)
  }

  #rawRecord(): { readonly key: Buffer | null; readonly value: Buffer | null } {
    const record = this.inFlight.current
    if (record !== undefined) return { key: record.rawKey, value: record.rawValue }
    const { cursor } = (this.#active as TaskSource).buffer
    return {
      key: cursor.keyStart < 0 ? null : cursor.buffer.subarray(cursor.keyStart, cursor.keyEnd),
      value: cursor.valueStart < 0 ? null : cursor.buffer.subarray(cursor.valueStart, cursor.valueEnd),
    }
  }

  #isBlocked(): boolean {
    const { maxInFlightRecords, maxInFlightBytes } = this.environment
    if (this.inFlight.count >= maxInFlightRecords || this.inFlight.bytes >= maxInFlightBytes) return true
    return this.#held?.isFull === true || this.#isBlockedDownstream()
  }

  /** What is under way already goes on until here: only that can make room again. */
  #isBlockedDownstream(): boolean {
    if (this.#isStopped || this.environment.collector.isFull) return true
    for (const stage of this.#stages) if (stage.isFull) return true
    for (const delivery of this.environment.deliveries.values()) if (delivery.isFull) return true
    return false
  }

  /** With several source topics the oldest record goes first, as far as it has been fetched (Kafka Streams' rule). */
  #nextSource(): TaskSource | undefined {
    let oldest: TaskSource | undefined
    for (const source of this.#sources.values()) {
      if (source.isWaitingForSchema) continue
      const hasNext = source.buffer.seek(source.onPosition)
      // Here, and not when a record is done: a response counts until the step behind its last record.
      if (source.isPaused) source.resumeIfRoom(this.environment)
      if (!hasNext) continue
      if (oldest === undefined || source.buffer.cursor.timestampMs < oldest.buffer.cursor.timestampMs)
        oldest = source
    }
    return oldest
  }

  #processNext(source: TaskSource): void {
    const { cursor } = source.buffer
    this.#active = source
    if (this.environment.tracing !== undefined) source.trace(this.environment.tracing)
    this.context.moveTo(source.topic, source.partition, cursor)
    this.#held?.begin(source, cursor.offset)
    this.#step = source.topic
    this.#hasLetter = false
    let key: unknown = null
    let value: unknown = null
    try {
      const { codecs } = source
      if (cursor.timestampMs < 0) throw this.#timeless()
      beginRecords(cursor.buffer)
      if (cursor.keyStart >= 0) key = codecs.key.decode(cursor.buffer, cursor.keyStart, cursor.keyEnd)
      if (cursor.valueStart >= 0)
        value = codecs.value.decode(cursor.buffer, cursor.valueStart, cursor.valueEnd)
    } catch (error) {
      const unreadable = this.#unreadable(source, error)
      if (unreadable === undefined) return
      this.#apply(this.environment.policies.deserialization, unreadable, 'skipped-malformed')
      this.#finish(source)
      return
    }
    source.counts.out += 1
    if (!this.inFlight.waitIfOrdered(source, source.handler, key, value))
      this.#dispatch(source.handler, key, value)
    this.#finish(source)
  }

  /** Kafka's own clients refuse such a timestamp, and Kafka Streams does not process its record. */
  #timeless(): TopologyError {
    const { topic, partition, offset, timestampMs } = this.context
    return new TopologyError(
      'TOPOLOGY_TIMESTAMP_INVALID',
      `The record ${topic}-${partition}@${offset} has the negative timestamp ${timestampMs}`,
    )
  }

  /** Why the record under the cursor can never be read, or undefined when its schema has to be fetched first. */
  #unreadable(source: TaskSource, error: unknown): Error | undefined {
    if (!(error instanceof SchemaNotLoaded)) return error instanceof Error ? error : new Error(String(error))
    const failure = source.schemaFailure
    source.schemaFailure = undefined
    if (failure?.schemaId === error.schemaId) return failure.error
    source.isWaitingForSchema = true
    void this.#loadSchema(source, error)
    return undefined
  }

  #dispatch(handler: RecordHandler, key: unknown, value: unknown): void {
    try {
      handler(key, value)
    } catch (error) {
      this.#failed(error)
    } finally {
      this.inFlight.current = undefined
    }
  }

  #finish(source: TaskSource): void {
    if (this.#isAborted) return
    this.#held?.end()
    source.tracker.advance(source.buffer.cursor.offset + 1)
    source.buffer.consume()
  }

  /** User code's errors are wrapped here, once. */
  #failed(error: unknown): void {
    const { policies } = this.environment
    if (TopologyError.is(error)) {
      this.#apply(policyFor(error.code, policies), error, 'skipped-processing-failure')
      return
    }
    const { topic, partition, offset } = this.context
    const wrapped = new TopologyError(
      'TOPOLOGY_PROCESSING_FAILED',
      `The step ${this.#step} failed for ${topic}-${partition}@${offset}`,
      { cause: error },
    )
    this.#apply(policies.processing, wrapped, 'skipped-processing-failure')
  }

  #apply(
    policy: ErrorPolicy,
    error: Error,
    reason: 'skipped-malformed' | 'skipped-processing-failure',
  ): void {
    switch (policy) {
      case 'dead-letter':
        this.deadLetter(this.#step, error)
        return
      case 'skip':
        this.environment.counters.drop(this.#step, reason)
        return
      case 'fail':
        this.fail(error)
    }
  }

  /** The registry is asked until it answers; an id that it does not know makes the record a malformed one. */
  async #loadSchema(source: TaskSource, missing: SchemaNotLoaded): Promise<void> {
    const { clock, random } = this.environment
    for (let attempts = 1; !this.#isStopped; attempts += 1) {
      try {
        await missing.load()
        break
      } catch (error) {
        const advice = retryAdviceOf(error, { kind: 'backoff' })
        if (advice.kind === 'never') {
          source.schemaFailure = { schemaId: missing.schemaId, error: error as Error }
          break
        }
        await clock.sleep(advice.kind === 'after' ? advice.ms : backoffMs(attempts, SCHEMA_RETRY, random))
      }
    }
    source.isWaitingForSchema = false
    this.environment.onReady(this)
  }
}

function policyFor(code: TopologyErrorCode, policies: ErrorPolicies): ErrorPolicy {
  if (code === 'TOPOLOGY_KEY_MISSING') return policies.nullKey
  return OUTPUT_FAILURES.has(code) ? policies.production : policies.processing
}
