import { TopologyError } from '../errors.ts'
import { formatTopicPartition, type RecordHeaders, type TopicPartition } from '../record.ts'
import { setBaseOffset } from '../wire/batch-header.ts'
import { readHeaders, RecordCursor } from '../wire/record-batch-reader.ts'

/** A record as it stands in a fake partition. The bytes are copies. */
export interface FakeRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: RecordHeaders
}

/** Batches with the same one become visible to readers of committed records together, or never. */
export interface FakeTransaction {
  state: 'open' | 'committed' | 'aborted'
}

interface StoredBatch {
  readonly records: Buffer
  readonly baseOffset: number
  readonly nextOffset: number
  readonly transaction: FakeTransaction | undefined
}

/** One partition's log, in memory. Offsets without a record stand for markers and compacted-away records. */
export class FakeLog implements TopicPartition {
  readonly topic: string
  readonly partition: number
  /** The first offset that can still be read. */
  startOffset = 0
  endOffset = 0
  #batches: StoredBatch[] = []

  constructor(topic: string, partition: number) {
    this.topic = topic
    this.partition = partition
  }

  /** Copies the batch. Returns the offset of its first record. */
  append(records: Buffer, recordCount: number, transaction?: FakeTransaction): number {
    const baseOffset = this.endOffset
    const stored = Buffer.from(records)
    setBaseOffset(stored, 0, baseOffset)
    this.endOffset += recordCount
    this.#batches.push({ records: stored, baseOffset, nextOffset: this.endOffset, transaction })
    return baseOffset
  }

  /** Where the first open transaction begins, or the end. */
  get lastStableOffset(): number {
    return this.#batches.find(isOpen)?.baseOffset ?? this.endOffset
  }

  skipOffsets(count: number): void {
    this.endOffset += count
  }

  deleteBefore(offset: number): void {
    this.startOffset = Math.max(this.startOffset, Math.min(offset, this.endOffset))
    this.#batches = this.#batches.filter(batch => batch.nextOffset > this.startOffset)
  }

  /** Whole batches from the one that holds `offset`: at least one, and no more than `maxBytes` beyond that. */
  read(
    offset: number,
    maxBytes: number,
    isolation: 'read-committed' | 'read-uncommitted' = 'read-uncommitted',
  ): { readonly records: Buffer; readonly nextOffset: number } {
    if (offset < this.startOffset || offset > this.endOffset) {
      throw new TopologyError(
        'TOPOLOGY_OFFSET_OUT_OF_RANGE',
        `${formatTopicPartition(this.topic, this.partition)} has no offset ${offset}; ${this.startOffset} to ${this.endOffset} exist`,
      )
    }
    const found: Buffer[] = []
    let bytes = 0
    let nextOffset = offset
    const isCommittedOnly = isolation === 'read-committed'
    const end = isCommittedOnly ? this.lastStableOffset : this.endOffset
    for (const batch of this.#batches) {
      if (batch.nextOffset <= offset) continue
      if (batch.baseOffset >= end) break
      if (isCommittedOnly && batch.transaction?.state === 'aborted') {
        nextOffset = batch.nextOffset
        continue
      }
      if (found.length > 0 && bytes + batch.records.length > maxBytes)
        return { records: Buffer.concat(found), nextOffset }
      found.push(batch.records)
      bytes += batch.records.length
      nextOffset = batch.nextOffset
    }
    return { records: Buffer.concat(found), nextOffset: Math.max(offset, end) }
  }

  /** What a reader of committed records sees, behind an open transaction too. */
  all(): FakeRecord[] {
    const cursor = new RecordCursor()
    const found: FakeRecord[] = []
    for (const batch of this.#batches) {
      if (batch.transaction !== undefined && batch.transaction.state !== 'committed') continue
      cursor.reset(batch.records, this.startOffset)
      while (cursor.next()) {
        const { buffer, keyStart, keyEnd, valueStart, valueEnd } = cursor
        found.push({
          offset: cursor.offset,
          timestampMs: cursor.timestampMs,
          key: keyStart < 0 ? null : Buffer.from(buffer.subarray(keyStart, keyEnd)),
          value: valueStart < 0 ? null : Buffer.from(buffer.subarray(valueStart, valueEnd)),
          headers: readHeaders(buffer, cursor.headersStart, cursor.headerCount),
        })
      }
    }
    return found
  }

  /** The first offset whose record is at least as late, or the end offset. */
  offsetAt(timestampMs: number): number {
    return this.all().find(record => record.timestampMs >= timestampMs)?.offset ?? this.endOffset
  }
}

function isOpen({ transaction }: StoredBatch): boolean {
  return transaction?.state === 'open'
}
