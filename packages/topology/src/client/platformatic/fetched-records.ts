import { compressionsAlgorithms } from '@platformatic/kafka'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import {
  BATCH_HEADER_BYTES,
  BATCH_LOG_OVERHEAD,
  baseOffset,
  batchEnd,
  clearCompression,
  compression,
  type Compression,
  corruptBatch,
  type Crc32c,
  hasValidCrc,
  isControl,
  isTransactional,
  lastOffsetDelta,
  producerId,
} from '../../wire/batch-header.ts'
import { RecordCursor } from '../../wire/record-batch-reader.ts'

/** A transaction that ended without a commit: its records begin at `firstOffset`. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: number
}

/** What one batch may grow to: a thousandfold of the brokers' usual limit, and far below what the process has. */
const MAX_DECOMPRESSED_BYTES = 256 * 1_048_576

/** The offset behind the last whole batch, or `position` where there is none. Looks at the headers alone. */
export function offsetBehind(records: Buffer, position: number): number {
  let next = position
  for (let at = 0; at < records.length;) {
    const end = batchEnd(records, at)
    if (end === -1) break
    next = Math.max(next, baseOffset(records, at) + lastOffsetDelta(records, at) + 1)
    at = end
  }
  return next
}

/**
 * The batches that hold records of producers, as whole, uncompressed, checked batches. Control batches, batches of
 * aborted transactions and a batch that is cut off at the end are left out. Without compression and transactions these
 * are the very bytes that were fetched. (The CRC of a batch that was compressed is no longer right.)
 * @throws TOPOLOGY_BATCH_CORRUPT
 */
export function usableRecords(
  records: Buffer,
  aborted: readonly AbortedTransaction[],
  crc32c: Crc32c,
): Buffer {
  const transactions = new AbortedTransactions(aborted)
  const kept: Buffer[] = []
  /** Start of the run of batches that can be kept as they are. */
  let runStart = 0
  let at = 0
  for (let end = 0; at < records.length; at = end) {
    end = batchEnd(records, at)
    if (end === -1) break
    if (!hasValidCrc(records, at, end, crc32c))
      throw corruptBatch(`the CRC of the batch at offset ${baseOffset(records, at)} is wrong`)
    const isWanted = transactions.isWanted(records, at, end)
    const codec = compression(records, at)
    if (isWanted && codec === 'none') continue
    if (at > runStart) kept.push(records.subarray(runStart, at))
    runStart = end
    if (isWanted && codec !== 'none') kept.push(decompressed(records.subarray(at, end), codec))
  }
  if (kept.length === 0) return records.subarray(runStart, at)
  if (at > runStart) kept.push(records.subarray(runStart, at))
  return kept.length === 1 ? (kept[0] as Buffer) : Buffer.concat(kept)
}

/** Follows the markers of a response, as `CompletedFetch` of the Java consumer does. */
class AbortedTransactions {
  readonly #ahead: AbortedTransaction[]
  readonly #open = new Set<bigint>()

  constructor(aborted: readonly AbortedTransaction[]) {
    this.#ahead = aborted.toSorted((a, b) => b.firstOffset - a.firstOffset)
  }

  /** Whether the batch holds records that count. Has to be called for every batch, in order. */
  isWanted(records: Buffer, at: number, end: number): boolean {
    const control = isControl(records, at)
    if (this.#ahead.length === 0 && this.#open.size === 0) return !control
    const lastOffset = baseOffset(records, at) + lastOffsetDelta(records, at)
    for (
      let next = this.#ahead.at(-1);
      next !== undefined && next.firstOffset <= lastOffset;
      next = this.#ahead.at(-1)
    ) {
      this.#open.add(next.producerId)
      this.#ahead.pop()
    }
    const producer = producerId(records, at)
    if (!control) return !(isTransactional(records, at) && this.#open.has(producer))
    if (isAbortMarker(records.subarray(at, end))) this.#open.delete(producer)
    return false
  }
}

/** The key of a control record is its version and its type, both int16; type 0 is an abort. */
function isAbortMarker(batch: Buffer): boolean {
  const readable = Buffer.from(batch)
  readable[22] = readable[22]! & ~0x20
  const cursor = new RecordCursor()
  cursor.reset(readable, 0)
  return (
    cursor.next() && cursor.keyEnd - cursor.keyStart >= 4 && readable.readInt16BE(cursor.keyStart + 2) === 0
  )
}

function decompressed(batch: Buffer, codec: Exclude<Compression, 'none'>): Buffer {
  let records: Buffer
  try {
    records = decompress(batch.subarray(BATCH_HEADER_BYTES), codec)
  } catch (error) {
    throw corruptBatch(
      `${codec} data of the batch at offset ${baseOffset(batch, 0)} cannot be decompressed`,
      error,
    )
  }
  const whole = Buffer.concat([batch.subarray(0, BATCH_HEADER_BYTES), records])
  clearCompression(whole, 0)
  whole.writeInt32BE(whole.length - BATCH_LOG_OVERHEAD, 8)
  return whole
}

function decompress(data: Buffer, codec: Exclude<Compression, 'none'>): Buffer {
  const maxOutputLength = MAX_DECOMPRESSED_BYTES
  switch (codec) {
    case 'gzip':
      return gunzipSync(data, { maxOutputLength })
    case 'zstd':
      return zstdDecompressSync(data, { maxOutputLength })
    case 'snappy':
    case 'lz4':
      return compressionsAlgorithms[codec].decompressSync(data)
  }
}
