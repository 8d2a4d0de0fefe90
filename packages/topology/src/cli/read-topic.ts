import type { FetchedBatch, Fetcher, KafkaClient } from '../client/ports.ts'
import { formatTopicPartition, type RecordHeaders, type TopicPartition } from '../record.ts'
import { readHeaders, RecordCursor } from '../wire/record-batch-reader.ts'
import { CliError } from './context.ts'

/** A record as it stands in a topic. The bytes are copies. */
export interface StoredRecord {
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: RecordHeaders
}

/** The offsets from `from` up to but not including `to`. */
export interface PartitionRange {
  readonly partition: number
  readonly from: number
  readonly to: number
}

/** Everything that a topic holds now. What comes later is not in it. */
export async function rangesOf(kafka: KafkaClient, topic: string): Promise<readonly PartitionRange[]> {
  const count = await partitionCountOf(kafka, topic)
  const partitions = Array.from({ length: count }, (_, partition) => ({ topic, partition }))
  const starts = await kafka.admin.listOffsets(partitions, 'earliest', 'read-committed')
  const ends = await kafka.admin.listOffsets(partitions, 'latest', 'read-committed')
  return partitions.map(({ partition }) => ({
    partition,
    from: starts[partition] as number,
    to: ends[partition] as number,
  }))
}

export async function partitionCountOf(kafka: KafkaClient, topic: string): Promise<number> {
  const [description] = await kafka.admin.describeTopics([topic])
  if (description !== undefined) return description.partitions
  throw new CliError(`There is no topic ${topic}.`, 1)
}

/** A partition's range, response by response, as fast as it is asked for. */
export class PartitionStream {
  readonly #fetcher: Fetcher
  readonly #place: TopicPartition
  readonly #range: PartitionRange
  readonly #waiting: FetchedBatch[] = []
  readonly #signal: AbortSignal | undefined
  #position: number
  #isOpen = false
  #failure: Error | undefined
  #wake: (() => void) | undefined

  constructor(fetcher: Fetcher, topic: string, range: PartitionRange, signal?: AbortSignal) {
    this.#fetcher = fetcher
    this.#place = { topic, partition: range.partition }
    this.#range = range
    this.#position = range.from
    this.#signal = signal
  }

  /** The records of the next response, or undefined at the end of the range. */
  async next(): Promise<StoredRecord[] | undefined> {
    const batch = await this.nextBatch()
    return batch && recordsOf(batch, this.#range)
  }

  /** The next response as it came: it may hold records outside of the range. */
  async nextBatch(): Promise<FetchedBatch | undefined> {
    if (this.#position >= this.#range.to) {
      this.close()
      return undefined
    }
    const batch = await this.#take()
    this.#position = batch.nextOffset
    return batch
  }

  close(): void {
    if (this.#isOpen) this.#fetcher.unassign(this.#place)
    this.#isOpen = false
  }

  async #take(): Promise<FetchedBatch> {
    const onAbort = (): void => this.#wake?.()
    this.#signal?.addEventListener('abort', onAbort)
    try {
      for (;;) {
        this.#signal?.throwIfAborted()
        if (this.#failure !== undefined) throw this.#failure
        const batch = this.#waiting.shift()
        if (batch !== undefined) return batch
        this.#ask()
        await new Promise<void>(resolve => (this.#wake = resolve))
      }
    } finally {
      this.#signal?.removeEventListener('abort', onAbort)
    }
  }

  #ask(): void {
    if (this.#isOpen) {
      this.#fetcher.resume(this.#place)
      return
    }
    this.#isOpen = true
    this.#fetcher.assign(this.#place, this.#position, {
      onBatch: batch => {
        this.#fetcher.pause(this.#place)
        this.#waiting.push(batch)
        this.#wake?.()
      },
      onError: (_, error) => {
        this.#isOpen = false
        this.#failure = error
        this.#wake?.()
      },
    })
  }
}

function recordsOf(batch: FetchedBatch, { partition, from, to }: PartitionRange): StoredRecord[] {
  const cursor = new RecordCursor()
  const records: StoredRecord[] = []
  cursor.reset(batch.records, Math.max(batch.startOffset, from))
  while (cursor.next()) {
    if (cursor.offset >= to) break
    const { buffer, keyStart, keyEnd, valueStart, valueEnd } = cursor
    records.push({
      partition,
      offset: cursor.offset,
      timestampMs: cursor.timestampMs,
      key: keyStart < 0 ? null : Buffer.from(buffer.subarray(keyStart, keyEnd)),
      value: valueStart < 0 ? null : Buffer.from(buffer.subarray(valueStart, valueEnd)),
      headers: readHeaders(buffer, cursor.headersStart, cursor.headerCount),
    })
  }
  return records
}

export interface ReadOptions {
  readonly topic: string
  readonly ranges: readonly PartitionRange[]
  readonly signal: AbortSignal | undefined
}

/** Visits the records partition by partition, in the order of their offsets. */
export async function visitRecords(
  kafka: KafkaClient,
  { topic, ranges, signal }: ReadOptions,
  visit: (record: StoredRecord) => void,
): Promise<void> {
  const fetcher = openFetcher(kafka)
  try {
    for (const range of ranges) {
      const stream = new PartitionStream(fetcher, topic, range, signal)
      for (let records = await stream.next(); records !== undefined; records = await stream.next())
        for (const record of records) visit(record)
    }
  } finally {
    await fetcher.close()
  }
}

/** The record at this very offset; undefined when there is none, or none any more. */
export async function readRecord(
  kafka: KafkaClient,
  { topic, partition, offset }: TopicPartition & { readonly offset: number },
  signal: AbortSignal | undefined,
): Promise<StoredRecord | undefined> {
  const [description] = await kafka.admin.describeTopics([topic])
  if (description === undefined || partition >= description.partitions) return undefined
  const places = [{ topic, partition }]
  const [start] = await kafka.admin.listOffsets(places, 'earliest', 'read-committed')
  const [end] = await kafka.admin.listOffsets(places, 'latest', 'read-committed')
  if (offset < (start as number) || offset >= (end as number)) return undefined
  let found: StoredRecord | undefined
  const ranges = [{ partition, from: offset, to: offset + 1 }]
  await visitRecords(kafka, { topic, ranges, signal }, record => {
    found = record
  })
  return found
}

export function openFetcher(kafka: KafkaClient): Fetcher {
  return kafka.createFetcher({ isolation: 'read-committed', maxWaitMs: 250 })
}

export function placeOf(topic: string, { partition, offset }: { partition: number; offset: number }): string {
  return `${formatTopicPartition(topic, partition)}@${offset}`
}
