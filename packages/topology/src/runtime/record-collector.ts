import type { BatchProducer } from '../client/ports.ts'
import type { Clock } from '../clock.ts'
import { TopologyError } from '../errors.ts'
import type { Counters, OutputCounts } from '../observability/counters.ts'
import type { Histogram } from '../observability/histogram.ts'
import { formatTopicPartition, type RecordHeaders } from '../record.ts'
import { BATCH_HEADER_BYTES } from '../wire/batch-header.ts'
import { BufferPool } from '../wire/buffer-pool.ts'
import { partitionForKey } from '../wire/murmur2.ts'
import { RecordBatchWriter } from '../wire/record-batch-writer.ts'
import { letterForms, timestampHeader, type DeadLetter } from './dead-letter.ts'
import { batchBytesOf, isTimely, keyMissing, tooLarge, untimely, type OutputLimits } from './output-limits.ts'

export interface RecordCollectorOptions {
  readonly producer: BatchProducer
  readonly clock: Clock
  /** Partition counts of every topic that may be written. */
  readonly partitionsOf: (topic: string) => number
  readonly limitsOf: (topic: string) => OutputLimits
  readonly counters: Counters
  /** A batch is sent when it has this many bytes, or `lingerMs` after its first record. */
  readonly batchBytes: number
  readonly lingerMs: number
  /** Not yet acknowledged bytes above which the tasks stop reading. */
  readonly maxPendingBytes: number
  /** The largest record that is accepted, as the Java producer's `max.request.size`. */
  readonly maxRecordBytes: number
  /** An output could not be produced and retrying cannot help. */
  readonly onFailure: (error: Error) => void
  /** There is room again. */
  readonly onSpace: () => void
}

interface OutputPartition {
  readonly topic: string
  readonly partition: number
  readonly writer: RecordBatchWriter
  readonly counts: OutputCounts
  /** Of the records in the writer: by their sum and the least of them their latencies are told, once for all. */
  timestampSum: number
  timestampMin: number
}

interface OutputTopic {
  readonly topic: string
  readonly partitions: readonly OutputPartition[]
  readonly limits: OutputLimits
  /** Records without a key fill one partition's batch, then move on, as the Java producer does. */
  sticky: number
}

interface RecordToCollect {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly metadata: OutputMetadata
  /** Of a batch that holds nothing else. */
  readonly batchBytes: number
}

const INITIAL_BATCH_BYTES = 16_384
/** What a record's timestamp and offset deltas may take beyond one byte each, in a batch that is not its own. */
const MAX_DELTA_BYTES = 13

/** What an output takes over from the record that caused it. A `RecordContext` is one. */
export interface OutputMetadata {
  readonly timestampMs: number
  readonly headers: RecordHeaders
  /** Default: where Java's murmur2 puts the key. */
  readonly toPartition?: number
}

/** Where a task's outputs go. */
export interface Outputs {
  append(topic: string, key: Uint8Array | null, value: Uint8Array | null, metadata: OutputMetadata): void
  appendDeadLetter(topic: string, letter: DeadLetter): void
}

/**
 * The way out: records are written straight into one batch per output partition, partitioned by Java's murmur2 over the
 * key's bytes. One collector serves all tasks of an application; `flush` is the second step of a commit.
 */
export class RecordCollector implements Outputs {
  readonly #options: RecordCollectorOptions
  readonly #topics = new Map<string, OutputTopic>()
  readonly #open = new Set<OutputPartition>()
  readonly #underWay = new Set<Promise<void>>()
  readonly #buffers = new BufferPool()
  #cancelLinger: (() => void) | undefined
  #pendingBytes = 0
  #wasFull = false
  #seenNowMs = 0
  #failure: Error | undefined
  /** Why, the last time. */
  #abandoned: TopologyError | undefined

  constructor(options: RecordCollectorOptions) {
    this.#options = options
  }

  get isFull(): boolean {
    this.#wasFull ||= this.#pendingBytes >= this.#options.maxPendingBytes
    return this.#wasFull
  }

  /**
   * Copies the bytes. Nothing has been written when it throws.
   * @throws TOPOLOGY_RECORD_TOO_LARGE, TOPOLOGY_TIMESTAMP_INVALID, TOPOLOGY_SERIALIZATION_FAILED (no key for a compacted topic)
   */
  append(topic: string, key: Uint8Array | null, value: Uint8Array | null, metadata: OutputMetadata): void {
    const output = this.#topics.get(topic) ?? this.#addTopic(topic)
    const batchBytes = this.#check(output, key, value, metadata)
    this.#write(output, { key, value, metadata, batchBytes })
  }

  /** Throws as `append` would, and writes nothing. */
  check(topic: string, key: Uint8Array | null, value: Uint8Array | null, metadata: OutputMetadata): void {
    this.#check(this.#topics.get(topic) ?? this.#addTopic(topic), key, value, metadata)
  }

  /** Takes whatever its size and timestamp are: the largest form of the letter that the topic takes is written. */
  appendDeadLetter(topic: string, letter: DeadLetter): void {
    const output = this.#topics.get(topic) ?? this.#addTopic(topic)
    const { limits } = output
    const isTimelyLetter = this.#isTimely(limits, letter.timestampMs)
    const timestampMs = isTimelyLetter ? letter.timestampMs : this.#options.clock.now()
    const added = isTimelyLetter ? [] : [timestampHeader(letter.timestampMs)]
    let batchBytes = 0
    for (const { key, value, headers: letterHeaders } of letterForms(letter)) {
      const headers = [...letterHeaders, ...added]
      batchBytes = batchBytesOf(key, value, headers)
      if (batchBytes > limits.maxBatchBytes) continue
      this.#write(output, { key, value, metadata: { timestampMs, headers }, batchBytes })
      return
    }
    throw tooLarge(topic, batchBytes, limits.maxBatchBytes, 'max.message.bytes of the topic')
  }

  /** The bytes of a batch that holds nothing but the record. */
  #check(
    output: OutputTopic,
    key: Uint8Array | null,
    value: Uint8Array | null,
    metadata: OutputMetadata,
  ): number {
    const { topic, limits } = output
    const { maxRecordBytes } = this.#options
    const bytes = (key?.length ?? 0) + (value?.length ?? 0)
    if (bytes > maxRecordBytes) throw tooLarge(topic, bytes, maxRecordBytes, 'maxRecordBytes')
    const batchBytes = batchBytesOf(key, value, metadata.headers)
    if (batchBytes > limits.maxBatchBytes)
      throw tooLarge(topic, batchBytes, limits.maxBatchBytes, 'max.message.bytes of the topic')
    if (key === null && limits.needsKey) throw keyMissing(topic)
    if (!this.#isTimely(limits, metadata.timestampMs)) throw untimely(topic, metadata.timestampMs)
    return batchBytes
  }

  /** With the brokers' defaults the clock is asked only by timestamps that are ahead of when it was last asked. */
  #isTimely(limits: OutputLimits, timestampMs: number): boolean {
    if (limits.maxBehindMs === Number.POSITIVE_INFINITY && timestampMs - this.#seenNowMs <= limits.maxAheadMs)
      return true
    this.#seenNowMs = this.#options.clock.now()
    return isTimely(limits, timestampMs, this.#seenNowMs)
  }

  #write(output: OutputTopic, record: RecordToCollect): void {
    const { key, value, metadata, batchBytes } = record
    const index =
      metadata.toPartition ??
      (key === null ? output.sticky : partitionForKey(key, 0, key.length, output.partitions.length))
    const target = output.partitions[index] as OutputPartition
    const limit = Math.min(this.#options.batchBytes, output.limits.maxBatchBytes - MAX_DELTA_BYTES)
    if (target.writer.count > 0 && target.writer.byteLength + batchBytes - BATCH_HEADER_BYTES > limit) {
      this.#send(target)
      if (key === null) output.sticky = (output.sticky + 1) % output.partitions.length
    }
    const { timestampMs } = metadata
    target.writer.appendRecord(key, value, timestampMs, metadata.headers)
    target.timestampSum += timestampMs
    if (timestampMs < target.timestampMin) target.timestampMin = timestampMs
    if (target.writer.count === 1) this.#opened(target)
  }

  /**
   * Resolves once everything appended before the call is acknowledged; rejects with what could not be produced, or with why
   * it was abandoned.
   */
  async flush(): Promise<void> {
    const abandoned = this.#abandoned
    this.sendOpen()
    await Promise.all(this.#underWay)
    if (this.#failure !== undefined) throw this.#failure
    if (this.#abandoned !== undefined && this.#abandoned !== abandoned) throw this.#abandoned
  }

  /** What has been appended leaves now, without lingering. */
  sendOpen(): void {
    this.#cancelLinger?.()
    this.#cancelLinger = undefined
    for (const target of this.#open) this.#send(target)
  }

  /** Forgets what has not been sent. The producer rejects the rest with the same reason. */
  abandon(reason: TopologyError): void {
    this.#abandoned = reason
    this.discard()
  }

  /** Forgets what has not been sent. */
  discard(): void {
    this.#cancelLinger?.()
    this.#cancelLinger = undefined
    for (const target of this.#open) {
      target.writer.reset()
      forgetTimestamps(target)
    }
    this.#open.clear()
  }

  #addTopic(topic: string): OutputTopic {
    const count = this.#options.partitionsOf(topic)
    const counts = this.#options.counters.output(topic)
    const partitions = Array.from({ length: count }, (_, partition) => ({
      topic,
      partition,
      writer: new RecordBatchWriter(INITIAL_BATCH_BYTES, bytes => this.#buffers.take(bytes)),
      counts,
      timestampSum: 0,
      timestampMin: Number.POSITIVE_INFINITY,
    }))
    const output = { topic, partitions, limits: this.#options.limitsOf(topic), sticky: 0 }
    this.#topics.set(topic, output)
    return output
  }

  #opened(target: OutputPartition): void {
    this.#open.add(target)
    this.#cancelLinger ??= this.#options.clock.schedule(this.#options.lingerMs, () => this.sendOpen())
  }

  #send(target: OutputPartition): void {
    this.#open.delete(target)
    const recordCount = target.writer.count
    const records = target.writer.seal()
    this.#pendingBytes += records.length
    const { topic, partition, counts, timestampSum, timestampMin } = target
    forgetTimestamps(target)
    const sending = this.#options.producer
      .send({ topic, partition, records, recordCount })
      .then(
        () => {
          counts.batches += 1
          counts.records += recordCount
          counts.bytes += records.length
          observeLatency(counts.latency, this.#options.clock.now(), {
            recordCount,
            timestampSum,
            timestampMin,
          })
          // One that was refused may still wait to be written on a connection.
          this.#buffers.giveBack(records)
        },
        (error: unknown) => this.#failed(topic, partition, error),
      )
      .finally(() => {
        this.#underWay.delete(sending)
        this.#acknowledged(records.length)
      })
    this.#underWay.add(sending)
  }

  #acknowledged(bytes: number): void {
    this.#pendingBytes -= bytes
    if (!this.#wasFull || this.#pendingBytes > this.#options.maxPendingBytes / 2) return
    this.#wasFull = false
    this.#options.onSpace()
  }

  #failed(topic: string, partition: number, error: unknown): void {
    if (error === this.#abandoned) return
    this.#failure ??=
      error instanceof Error
        ? error
        : new TopologyError(
            'TOPOLOGY_BROKER_ERROR',
            `Producing to ${formatTopicPartition(topic, partition)} failed`,
            {
              cause: error,
            },
          )
    this.#options.onFailure(this.#failure)
  }
}

function forgetTimestamps(target: OutputPartition): void {
  target.timestampSum = 0
  target.timestampMin = Number.POSITIVE_INFINITY
}

/** The oldest record by itself, the others by their mean: the sum is exact, and a late one among many still shows. */
function observeLatency(
  latency: Histogram,
  nowMs: number,
  batch: { readonly recordCount: number; readonly timestampSum: number; readonly timestampMin: number },
): void {
  const { recordCount, timestampSum, timestampMin } = batch
  latency.observe(Math.max(0, nowMs - timestampMin) / 1_000)
  const others = recordCount - 1
  if (others === 0) return
  latency.observe(Math.max(0, nowMs - (timestampSum - timestampMin) / others) / 1_000, others)
}
