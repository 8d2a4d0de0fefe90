import type { FetchedBatch, ProduceBatch } from '../client/ports.ts'
import type { RecordHeaders } from '../record.ts'
import { setBaseOffset } from '../wire/batch-header.ts'
import { readHeaders, RecordCursor } from '../wire/record-batch-reader.ts'

/** A record of the driver's topics, as bytes. */
export interface LoggedRecord {
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly headers: RecordHeaders
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/** One topic of the driver: what was written, partition by partition, and overall in the order of writing. */
export class TestLog {
  readonly topic: string
  readonly records: LoggedRecord[] = []
  readonly #ends: number[]
  readonly #cursor = new RecordCursor()

  constructor(topic: string, partitions: number) {
    this.topic = topic
    this.#ends = Array.from({ length: partitions }, () => 0)
  }

  get partitions(): number {
    return this.#ends.length
  }

  /** Appends a sealed batch and answers it as a consumer would fetch it. */
  append({ partition, records, recordCount }: ProduceBatch): FetchedBatch {
    const startOffset = this.#ends[partition] as number
    const nextOffset = startOffset + recordCount
    this.#ends[partition] = nextOffset
    setBaseOffset(records, 0, startOffset)
    this.#cursor.reset(records, startOffset)
    while (this.#cursor.next()) {
      const { buffer, offset, timestampMs, keyStart, keyEnd, valueStart, valueEnd } = this.#cursor
      this.records.push({
        partition,
        offset,
        timestampMs,
        headers: readHeaders(buffer, this.#cursor.headersStart, this.#cursor.headerCount),
        key: keyStart < 0 ? null : Buffer.from(buffer.subarray(keyStart, keyEnd)),
        value: valueStart < 0 ? null : Buffer.from(buffer.subarray(valueStart, valueEnd)),
      })
    }
    const { topic } = this
    return {
      topic,
      partition,
      records,
      startOffset,
      nextOffset,
      highWatermark: nextOffset,
      lastStableOffset: nextOffset,
    }
  }
}
