import type { BatchProducer } from '../client/ports.ts'
import type { Clock } from '../clock.ts'
import { TopologyError } from '../errors.ts'
import { formatTopicPartition, type RecordHeaders } from '../record.ts'
import { partitionForKey } from '../wire/murmur2.ts'
import { RecordBatchWriter } from '../wire/record-batch-writer.ts'

export interface RecordCollectorOptions {
  readonly producer: BatchProducer
  readonly clock: Clock
  /** Partition counts of every topic that may be written. */
  readonly partitionsOf: (topic: string) => number
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
}

interface OutputTopic {
  readonly partitions: readonly OutputPartition[]
  /** Records without a key fill one partition's batch, then move on, as the Java producer does. */
  sticky: number
}

/** What an output takes over from the record that caused it. A `RecordContext` is one. */
export interface OutputMetadata {
  readonly timestampMs: number
  readonly headers: RecordHeaders
}

/**
 * The way out: records are written straight into one batch per output partition, partitioned by Java's murmur2 over the
 * key's bytes. One collector serves all tasks of an application; `flush` is the second step of a commit.
 */
export class RecordCollector {
  readonly #options: RecordCollectorOptions
  readonly #topics = new Map<string, OutputTopic>()
  readonly #open = new Set<OutputPartition>()
  readonly #underWay = new Set<Promise<void>>()
  #cancelLinger: (() => void) | undefined
  #pendingBytes = 0
  #wasFull = false
  #failure: Error | undefined
  records = 0

  constructor(options: RecordCollectorOptions) {
    this.#options = options
  }

  get isFull(): boolean {
    this.#wasFull ||= this.#pendingBytes >= this.#options.maxPendingBytes
    return this.#wasFull
  }

  /** Copies the bytes. Throws TOPOLOGY_RECORD_TOO_LARGE; nothing has been written then. */
  append(topic: string, key: Uint8Array | null, value: Uint8Array | null, metadata: OutputMetadata): void {
    const bytes = (key?.length ?? 0) + (value?.length ?? 0)
    if (bytes > this.#options.maxRecordBytes) {
      throw new TopologyError(
        'TOPOLOGY_RECORD_TOO_LARGE',
        `A record of ${bytes} bytes for ${topic} is over the ${this.#options.maxRecordBytes} bytes that are allowed (maxRecordBytes)`,
      )
    }
    const output = this.#topics.get(topic) ?? this.#addTopic(topic)
    const index = key === null ? output.sticky : partitionForKey(key, 0, key.length, output.partitions.length)
    const target = output.partitions[index] as OutputPartition
    if (target.writer.count > 0 && target.writer.byteLength + bytes > this.#options.batchBytes) {
      this.#send(target)
      if (key === null) output.sticky = (output.sticky + 1) % output.partitions.length
    }
    target.writer.appendRecord(key, value, metadata.timestampMs, metadata.headers)
    this.records += 1
    if (target.writer.count === 1) this.#opened(target)
  }

  /** Resolves once everything appended before the call is acknowledged; rejects with what could not be produced. */
  async flush(): Promise<void> {
    this.#sendOpen()
    await Promise.all(this.#underWay)
    if (this.#failure !== undefined) throw this.#failure
  }

  #addTopic(topic: string): OutputTopic {
    const count = this.#options.partitionsOf(topic)
    const partitions = Array.from({ length: count }, (_, partition) => ({
      topic,
      partition,
      writer: new RecordBatchWriter(),
    }))
    const output = { partitions, sticky: 0 }
    this.#topics.set(topic, output)
    return output
  }

  #opened(target: OutputPartition): void {
    this.#open.add(target)
    this.#cancelLinger ??= this.#options.clock.schedule(this.#options.lingerMs, () => this.#sendOpen())
  }

  #sendOpen(): void {
    this.#cancelLinger?.()
    this.#cancelLinger = undefined
    for (const target of this.#open) this.#send(target)
  }

  #send(target: OutputPartition): void {
    this.#open.delete(target)
    const recordCount = target.writer.count
    const records = target.writer.seal()
    this.#pendingBytes += records.length
    const { topic, partition } = target
    const sending = this.#options.producer
      .send({ topic, partition, records, recordCount })
      .then(
        () => undefined,
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
