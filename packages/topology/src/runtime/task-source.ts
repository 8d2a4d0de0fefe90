import type { FetchedBatch } from '../client/ports.ts'
import type { Clock } from '../clock.ts'
import type { StepCounts } from '../observability/counters.ts'
import type { BatchSpan, Tracing } from '../observability/tracing.ts'
import type { RecordHandler } from '../plan/compiled.ts'
import type { Codec } from '../serde/serde.ts'
import { readHeaders, type RecordCursor } from '../wire/record-batch-reader.ts'
import { OffsetTracker } from './offset-tracker.ts'
import { PartitionBuffer } from './partition-buffer.ts'
import type { TaskEnvironment } from './task-environment.ts'

export interface TopicCodecs {
  readonly key: Codec<unknown>
  readonly value: Codec<unknown>
}

/** One source partition of a task: what was fetched, what of it is finished, what was committed. */
export class TaskSource {
  readonly topic: string
  readonly partition: number
  readonly codecs: TopicCodecs
  readonly handler: RecordHandler
  readonly buffer: PartitionBuffer
  readonly tracker: OffsetTracker
  /** The offset that the group has; `undefined` before the first commit. */
  committed: number | undefined
  highWatermark = -1
  /** By the monotonic clock: when a commit last changed the group's offset, or when reading began. */
  committedAtMs: number
  readonly counts: StepCounts
  /** By the monotonic clock: since when there has been something that is not finished, and where the position was then. */
  #behindSinceMs: number
  #behindSincePosition: number
  #batchSpan: BatchSpan | undefined
  #batchRecords = 0
  #tracedOffset = -1
  /** By the monotonic clock: when the brokers last answered for the partition, or were asked for it again. */
  askedAtMs: number
  /** A schema that the next record needs is being fetched. */
  isWaitingForSchema = false
  /** The registry does not know the schema of the next record. */
  schemaFailure: { readonly schemaId: number; readonly error: Error } | undefined
  isPaused = false
  readonly onPosition: (nextOffset: number) => void

  constructor(options: {
    readonly topic: string
    readonly partition: number
    readonly codecs: TopicCodecs
    readonly handler: RecordHandler
    readonly startOffset: number
    readonly committed: number | undefined
    readonly counts: StepCounts
    /** By the monotonic clock. */
    readonly nowMs: number
    /** See `PartitionBuffer`. */
    readonly lookAhead: ((cursor: RecordCursor) => number) | undefined
  }) {
    this.topic = options.topic
    this.partition = options.partition
    this.codecs = options.codecs
    this.buffer = new PartitionBuffer(options.lookAhead)
    this.handler = options.handler
    this.tracker = new OffsetTracker(options.startOffset)
    this.committed = options.committed
    this.counts = options.counts
    this.committedAtMs = options.nowMs
    this.askedAtMs = options.nowMs
    this.#behindSinceMs = options.nowMs
    this.#behindSincePosition = options.startOffset
    this.onPosition = nextOffset => {
      this.tracker.advance(nextOffset)
      this.endTrace()
    }
  }

  /** Records between the position and the end of the partition, or -1 before the first response. */
  get lag(): number {
    return this.highWatermark < 0 ? -1 : Math.max(0, this.highWatermark - this.tracker.committable)
  }

  heard({ highWatermark }: FetchedBatch, clock: Clock): void {
    const nowMs = clock.monotonicMs()
    this.askedAtMs = nowMs
    if (this.lag === 0) {
      this.#behindSinceMs = nowMs
      this.#behindSincePosition = this.tracker.position
    }
    this.highWatermark = highWatermark
  }

  pauseIfFull({ flow, maxBufferedBytes }: Pick<TaskEnvironment, 'flow' | 'maxBufferedBytes'>): void {
    if (this.isPaused || this.buffer.bytes < maxBufferedBytes) return
    this.isPaused = true
    flow.pause(this)
  }

  /** For a paused one: asks for more once half of the buffer is empty. */
  resumeIfRoom({
    flow,
    clock,
    maxBufferedBytes,
  }: Pick<TaskEnvironment, 'flow' | 'clock' | 'maxBufferedBytes'>): void {
    if (this.buffer.bytes > maxBufferedBytes / 2) return
    this.isPaused = false
    this.askedAtMs = clock.monotonicMs()
    flow.resume(this)
  }

  /** The record under the cursor belongs to the span of its response. */
  trace(tracing: Tracing): void {
    const { cursor } = this.buffer
    // Once more after its schema was fetched.
    if (cursor.offset === this.#tracedOffset) return
    this.#tracedOffset = cursor.offset
    this.#batchSpan ??= tracing.startBatch(this, cursor.offset)
    this.#batchRecords += 1
    if (cursor.headerCount > 0)
      this.#batchSpan.link(readHeaders(cursor.buffer, cursor.headersStart, cursor.headerCount))
  }

  /** The response is through, or given up. */
  endTrace(): void {
    this.#batchSpan?.end(this.#batchRecords)
    this.#batchSpan = undefined
    this.#batchRecords = 0
  }

  /** How long the brokers have not answered, in milliseconds; 0 while nothing is asked. */
  silenceMs(clock: Clock): number {
    return this.isPaused ? 0 : clock.monotonicMs() - this.askedAtMs
  }

  /** How old the oldest unfinished record is by its timestamp, in milliseconds; 0 when there is none. */
  lagMs(clock: Clock): number {
    if (this.lag <= 0) return 0
    const timestampMs = this.tracker.heldTimestampMs ?? this.#nextTimestampMs
    if (timestampMs === undefined || timestampMs < 0) return clock.monotonicMs() - this.#behindSinceMs
    return Math.max(0, clock.now() - timestampMs)
  }

  /** Of the next record where it is known; else of the last one, unless the partition was idle behind it. */
  get #nextTimestampMs(): number | undefined {
    const isMoving = this.tracker.position > this.#behindSincePosition
    return this.buffer.nextTimestampMs ?? (isMoving ? this.buffer.cursor.timestampMs : undefined)
  }
}
