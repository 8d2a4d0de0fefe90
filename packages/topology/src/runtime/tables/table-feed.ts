import type { Admin, FetchedBatch, Fetcher, FetchListener } from '../../client/ports.ts'
import type { Clock } from '../../clock.ts'
import { TopologyError } from '../../errors.ts'
import type { CompiledTable } from '../../plan/compiled.ts'
import { formatTopicPartition, type TopicPartition } from '../../record.ts'
import type { TableStore } from '../../state/table-store.ts'
import type { DeadLetter } from '../dead-letter.ts'
import { pauseAfter, persist, type Persistence } from './persist.ts'
import { RowApplier, tableFailed } from './row-applier.ts'
import type { ReadableRows } from './table-reader.ts'
import { TableRows, type TableParts } from './table-rows.ts'
import { nextTableState } from './table-state.ts'
import type {
  MalformedRowPolicy,
  TableEvents,
  TablePartitionStats,
  TableProgress,
  TableState,
} from './tables.ts'
import type { SlicedWork, WorkSlices } from './work-slices.ts'

/** What the feeds of an application have in common. */
export interface FeedServices {
  readonly admin: Admin
  readonly clock: Clock
  readonly random: () => number
  readonly slices: WorkSlices
  readonly events: TableEvents
  readonly onMalformedRow: MalformedRowPolicy
  readonly deadLetter: (letter: DeadLetter) => Promise<void>
  readonly staleAfterMs: number
}

/** What the feeds of one table have in common. */
export interface FedTable extends TableParts {
  readonly table: CompiledTable
  readonly fetcher: Fetcher
  /** Why the table may not grow any more, if so. */
  overBudget(): TopologyError | undefined
}

/** At this many fetched bytes waiting the partition is paused, and resumed at half of it. */
const MAX_WAITING_BYTES = 2 * 1024 * 1024
const PROGRESS_INTERVAL_MS = 250

/**
 * Reads one partition of a table's topic, outside any consumer group: from the earliest offset to the last stable offset
 * that it had at the start (the load), and from then on whatever comes.
 *
 * The load is complete when the POSITION reaches the captured offset, whatever stands before it: the last offsets may be
 * transaction markers, records of aborted transactions or compacted away, and then no record with them ever arrives.
 *
 * When the position is out of range (records deleted below it, or the topic created anew), the rows cannot be trusted
 * any more, as a tombstone may be among what is gone: everything is read again from the new earliest offset into a new
 * store, and the old one stays readable until the new one is complete.
 *
 * A memory is read to the end of the partition, and no further. Its end is the high watermark: below that may stand a
 * transaction of its last owner that is decided but not marked yet, whose offsets the group has already given out.
 */
export class TableFeed implements FetchListener, SlicedWork, ReadableRows {
  readonly partition: TopicPartition
  readonly #services: FeedServices
  readonly #shared: FedTable
  readonly #loaded = Promise.withResolvers<void>()
  readonly #stopping = new AbortController()
  readonly #persistence: Persistence
  readonly #applier: RowApplier
  /** What is read now goes into these rows; they become readable when they are complete. */
  #rows: TableRows
  #readable: TableRows | undefined
  #state: TableState = 'loading'
  /** A memory that is complete: whoever has it changes it from now on. */
  #isRestored = false
  /** Why there will be no rows any more: stopped or failed. */
  #end: TopologyError | undefined
  #position = 0
  #endOffset = -1
  /** The position behind the last response; the one above it in what has been applied. */
  #fetchPosition = 0
  #lastStableOffset = -1
  #isPaused = false
  #isLoweringEndOffset = false
  /** Errors since the last response. */
  #failures = 0
  #restarts = 0
  #appliedAtMs: number
  /** When the position last changed. */
  #advancedAtMs: number
  #reportedAtMs = -Infinity

  constructor(shared: FedTable, partition: number, services: FeedServices) {
    const { topic, name } = shared.table
    this.partition = { topic, partition }
    this.#shared = shared
    this.#services = services
    this.#rows = this.#newRows()
    this.#appliedAtMs = services.clock.monotonicMs()
    this.#advancedAtMs = this.#appliedAtMs
    this.#persistence = {
      clock: services.clock,
      random: services.random,
      signal: this.#stopping.signal,
      onRetry: (error, delayMs) => services.events.onRetry?.(this.partition, error, delayMs),
    }
    this.#applier = new RowApplier(this.#rows, {
      table: name,
      topic,
      partition,
      onMalformedRow: services.onMalformedRow,
      deadLetter: services.deadLetter,
      persistence: this.#persistence,
      onApplied: nextOffset => this.#onApplied(nextOffset),
      onUnblocked: () => services.slices.add(this),
      onFailure: error => this.#fail(error),
    })
    // Whoever waits hears of a rejection; with nobody waiting it is not an unhandled one.
    this.#loaded.promise.catch(() => undefined)
  }

  get state(): TableState {
    return this.#state
  }

  /** Resolves when the rows are readable; rejects when they will not be, or not be any more. */
  get whenLoaded(): Promise<void> {
    return this.#end === undefined ? this.#loaded.promise : Promise.reject(this.#end)
  }

  get store(): TableStore | undefined {
    return this.#readable?.store
  }

  /** Of the rows that are being written. */
  get bytes(): number {
    return this.#rows.store.bytes
  }

  unreadable(): TopologyError {
    if (this.#end?.code === 'TOPOLOGY_TABLE_FAILED') return this.#end
    return new TopologyError(
      'TOPOLOGY_STATE_INVALID',
      `${this.#label} is ${this.#end === undefined ? 'not loaded yet' : 'not read here any more'}: look rows up between whenLive and revoke`,
    )
  }

  start(): void {
    void this.#load()
  }

  stop(): void {
    this.#finish(new TopologyError('TOPOLOGY_CLOSED', `${this.#label} is not read here any more`))
  }

  progress(): TableProgress {
    const { store } = this.#rows
    return {
      ...this.partition,
      table: this.#shared.table.name,
      state: this.#state,
      rows: store.rows,
      bytes: store.bytes,
      position: this.#position,
      endOffset: this.#endOffset,
    }
  }

  stats(): TablePartitionStats {
    const end = Math.max(this.#lastStableOffset, this.#endOffset)
    return {
      ...this.progress(),
      lag: Math.max(0, end - this.#position),
      stalenessMs: this.#isRestored ? 0 : this.#services.clock.monotonicMs() - this.#appliedAtMs,
      nullKeys: this.#rows.nullKeys,
      malformed: this.#applier.malformed,
      misplaced: this.#rows.misplaced,
      restarts: this.#restarts,
    }
  }

  /** To be called now and then: notices silence, and a load that does not get on although the broker answers. */
  checkStaleness(): void {
    const { clock, staleAfterMs } = this.#services
    const nowMs = clock.monotonicMs()
    if (this.#isOver) return
    if (this.#state === 'live' && nowMs - this.#appliedAtMs >= staleAfterMs) this.#become('stale')
    if (this.#position < this.#endOffset && nowMs - this.#advancedAtMs >= staleAfterMs)
      void this.#lowerEndOffset()
  }

  onBatch(batch: FetchedBatch): void {
    if (this.#isOver) return
    this.#failures = 0
    this.#fetchPosition = batch.nextOffset
    this.#lastStableOffset = batch.lastStableOffset
    // An answer without news matters only to one who has nothing else to do; kept, they would pile up behind a wait.
    if (batch.records.length === 0 && batch.nextOffset === batch.startOffset && !this.#applier.isIdle) return
    this.#applier.push(batch)
    if (this.#applier.waitingBytes >= MAX_WAITING_BYTES && !this.#isPaused) {
      this.#isPaused = true
      this.#shared.fetcher.pause(this.partition)
    }
    this.#services.slices.add(this)
  }

  onError(_partition: TopicPartition, error: Error): void {
    if (this.#isOver) return
    if (this.#state === 'live') this.#become('stale')
    this.#failures += 1
    this.#restarts += 1
    const isGone = TopologyError.is(error) && error.code === 'TOPOLOGY_OFFSET_OUT_OF_RANGE'
    void (isGone ? this.#reload(error) : this.#continueFetching(error))
  }

  work(hasTime: () => boolean): boolean {
    if (this.#isOver) return false
    const hasMore = this.#applier.work(hasTime)
    this.#shared.watches.notify()
    if (this.#isPaused && this.#applier.waitingBytes <= MAX_WAITING_BYTES / 2) {
      this.#isPaused = false
      this.#shared.fetcher.resume(this.partition)
    }
    if (this.#isFilling && this.#services.clock.monotonicMs() - this.#reportedAtMs >= PROGRESS_INTERVAL_MS)
      this.#report()
    return hasMore
  }

  async #load(): Promise<void> {
    try {
      const [earliest, end] = await persist(() => this.#bounds(), this.#persistence)
      this.#position = earliest
      this.#fetchPosition = earliest
      this.#endOffset = end
      this.#advancedAtMs = this.#services.clock.monotonicMs()
      this.#completeIfLoaded()
      await this.#assign()
    } catch (error) {
      this.#failUnlessStopped(error)
    }
  }

  async #reload(error: Error): Promise<void> {
    this.#rows = this.#newRows()
    this.#applier.restart(this.#rows)
    this.#isPaused = false
    this.#endOffset = -1
    try {
      // Whatever a caller of the fetcher would do about it: here it is mended by reading from the earliest offset.
      await pauseAfter(error, this.#failures, this.#persistence, { kind: 'backoff' })
    } catch (final) {
      this.#failUnlessStopped(final)
      return
    }
    await this.#load()
  }

  async #continueFetching(error: Error): Promise<void> {
    try {
      await pauseAfter(error, this.#failures, this.#persistence)
      await this.#assign()
    } catch (final) {
      this.#failUnlessStopped(final)
    }
  }

  async #assign(): Promise<void> {
    const { fetcher } = this.#shared
    await persist(() => {
      if (!this.#isOver) fetcher.assign(this.partition, this.#fetchPosition, this)
      return Promise.resolve()
    }, this.#persistence)
    if (this.#isPaused) fetcher.pause(this.partition)
  }

  /** The earliest offset and the last stable one, or for a memory the last of all. */
  async #bounds(): Promise<readonly [earliest: number, end: number]> {
    const { admin } = this.#services
    const isolation = this.#shared.isMemory ? 'read-uncommitted' : 'read-committed'
    const [end] = await admin.listOffsets([this.partition], 'latest', isolation)
    const [earliest] = await admin.listOffsets([this.partition], 'earliest', 'read-committed')
    return [earliest!, end!]
  }

  /**
   * A log that lost its tail (an unclean election, a topic created anew while it loads) may never reach the captured offset
   * again. Nothing above its present last stable offset can be a row that was there at the start.
   */
  async #lowerEndOffset(): Promise<void> {
    if (this.#isLoweringEndOffset) return
    this.#isLoweringEndOffset = true
    const rows = this.#rows
    try {
      const [, end] = await persist(() => this.#bounds(), this.#persistence)
      if (this.#rows !== rows || this.#end !== undefined) return
      this.#endOffset = Math.min(this.#endOffset, end)
      this.#completeIfLoaded()
    } catch (error) {
      this.#failUnlessStopped(error)
    } finally {
      this.#isLoweringEndOffset = false
    }
  }

  #onApplied(nextOffset: number): void {
    this.#appliedAtMs = this.#services.clock.monotonicMs()
    if (nextOffset !== this.#position) this.#advancedAtMs = this.#appliedAtMs
    this.#position = nextOffset
    const overBudget = this.#shared.overBudget()
    if (overBudget !== undefined) this.#fail(overBudget)
    else if (this.#isFilling) this.#completeIfLoaded()
    // `#failures`: what was fetched before an error and is applied after it is no sign of life.
    else if (this.#state === 'stale' && this.#failures === 0 && nextOffset >= this.#lastStableOffset)
      this.#become('live')
  }

  #completeIfLoaded(): void {
    if (!this.#isFilling || this.#endOffset < 0 || this.#position < this.#endOffset) return
    this.#readable = this.#rows
    this.#shared.watches.notifyAll()
    this.#become('live')
    if (this.#shared.isMemory) {
      this.#isRestored = true
      this.#shared.fetcher.unassign(this.partition)
      this.#applier.restart(this.#rows)
    }
    this.#loaded.resolve()
  }

  #failUnlessStopped(error: unknown): void {
    if (this.#end === undefined) this.#fail(tableFailed(error, `${this.#label} cannot be read`))
  }

  #fail(error: TopologyError): void {
    if (this.#end !== undefined) return
    this.#become('failed')
    this.#finish(error)
    this.#services.events.onFailure?.(this.partition, error)
  }

  /** Lets go of the rows and of everything that waits. */
  #finish(error: TopologyError): void {
    if (this.#end !== undefined) return
    this.#end = error
    this.#stopping.abort(error)
    this.#shared.fetcher.unassign(this.partition)
    this.#readable = undefined
    this.#rows = this.#newRows()
    this.#applier.restart(this.#rows)
    this.#loaded.reject(error)
  }

  #become(state: TableState): void {
    this.#state = nextTableState(this.#state, state)
    this.#report()
  }

  #report(): void {
    this.#reportedAtMs = this.#services.clock.monotonicMs()
    this.#services.events.onProgress?.(this.progress())
  }

  get #label(): string {
    return `Table "${this.#shared.table.name}" (${formatTopicPartition(this.partition.topic, this.partition.partition)})`
  }

  get #isOver(): boolean {
    return this.#end !== undefined || this.#isRestored
  }

  /** Whether rows are read that nobody can see yet. */
  get #isFilling(): boolean {
    return this.#readable !== this.#rows && this.#end === undefined
  }

  #newRows(): TableRows {
    return new TableRows(this.#shared, this.partition.partition)
  }
}
