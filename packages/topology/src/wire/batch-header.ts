import { TopologyError } from '../errors.ts'
import { readLong, writeLong } from './varint.ts'

/*
 * The header of a magic-2 record batch (https://kafka.apache.org/documentation/#recordbatch):
 *
 *   0 base offset int64 · 8 length int32 (of what follows it) · 12 partition leader epoch int32 · 16 magic int8
 *   17 crc uint32 (CRC-32C of everything behind it) · 21 attributes int16 · 23 last offset delta int32
 *   27 base timestamp int64 · 35 max timestamp int64 · 43 producer id int64 · 51 producer epoch int16
 *   53 base sequence int32 · 57 record count int32 · 61 records
 *
 * All positions (`at`) are those of a batch's first byte.
 */

export const BATCH_HEADER_BYTES = 61
/** The part of a batch that its length field does not count: base offset and the length itself. */
export const BATCH_LOG_OVERHEAD = 12
const CRC_START = 21

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
const COMPRESSIONS: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** CRC-32C of the bytes, unsigned. */
export type Crc32c = (bytes: Buffer) => number

export function corruptBatch(what: string, cause?: unknown): TopologyError {
  return new TopologyError('TOPOLOGY_BATCH_CORRUPT', `Corrupt record batch: ${what}`, { cause })
}

/**
 * The position behind the batch at `at`, or -1 when the buffer ends within it, as the last batch of a fetch response may.
 * Walk all batches with `for (let at = 0; at < end; at = batchEnd(records, at))`.
 * @throws TOPOLOGY_BATCH_CORRUPT
 */
export function batchEnd(records: Buffer, at: number): number {
  if (records.length - at < BATCH_HEADER_BYTES) return -1
  const magic = records[at + 16]!
  if (magic !== 2) throw corruptBatch(`magic ${magic} at byte ${at + 16}; only 2 is supported`)
  const length = records.readInt32BE(at + 8)
  if (length < BATCH_HEADER_BYTES - BATCH_LOG_OVERHEAD)
    throw corruptBatch(
      `length ${length} at byte ${at + 8}; at least ${BATCH_HEADER_BYTES - BATCH_LOG_OVERHEAD} is needed`,
    )
  const end = at + BATCH_LOG_OVERHEAD + length
  return end > records.length ? -1 : end
}

/** @throws TOPOLOGY_BATCH_CORRUPT when it cannot be an offset. */
export function baseOffset(records: Buffer, at: number): number {
  const offset = readLong(records, at)
  if (offset < 0 || offset > Number.MAX_SAFE_INTEGER)
    throw corruptBatch(`base offset ${offset} at byte ${at}`)
  return offset
}

export function setBaseOffset(records: Buffer, at: number, offset: number): void {
  writeLong(records, at, offset)
}

export function baseTimestampMs(records: Buffer, at: number): number {
  return readLong(records, at + 27)
}

export function lastOffsetDelta(records: Buffer, at: number): number {
  return records.readInt32BE(at + 23)
}

export function recordCount(records: Buffer, at: number): number {
  return records.readInt32BE(at + 57)
}

export function producerId(records: Buffer, at: number): bigint {
  return records.readBigInt64BE(at + 43)
}

/** @throws TOPOLOGY_BATCH_CORRUPT for an unknown code. */
export function compression(records: Buffer, at: number): Compression {
  const code = records[at + 22]! & 0x07
  const name = COMPRESSIONS[code]
  if (name === undefined) throw corruptBatch(`compression ${code} at byte ${at + 22}; 0 to 4 are known`)
  return name
}

export function clearCompression(records: Buffer, at: number): void {
  records[at + 22] = records[at + 22]! & ~0x07
}

/** Whether the broker's clock, not the producer's, set the timestamps. */
export function hasLogAppendTime(records: Buffer, at: number): boolean {
  return (records[at + 22]! & 0x08) !== 0
}

export function isTransactional(records: Buffer, at: number): boolean {
  return (records[at + 22]! & 0x10) !== 0
}

/** The batch's CRC has to be computed anew after it. */
export function setTransactional(batch: Buffer): void {
  batch[22] = batch[22]! | 0x10
}

/** Holds a transaction marker (or another broker-side record) and no record of a producer. */
export function isControl(records: Buffer, at: number): boolean {
  return (records[at + 22]! & 0x20) !== 0
}

/** What an idempotent producer stamps on a batch. The batch's CRC has to be computed anew after it. */
export function setProducerFields(batch: Buffer, id: bigint, epoch: number, sequence: number): void {
  batch.writeBigInt64BE(id, 43)
  batch.writeInt16BE(epoch, 51)
  batch.writeInt32BE(sequence, 53)
}

export function setCrc(records: Buffer, at: number, end: number, crc32c: Crc32c): void {
  records.writeUInt32BE(crc32c(records.subarray(at + CRC_START, end)), at + 17)
}

export function hasValidCrc(records: Buffer, at: number, end: number, crc32c: Crc32c): boolean {
  return records.readUInt32BE(at + 17) === crc32c(records.subarray(at + CRC_START, end))
}
