import type { RecordHeader, RecordHeaders } from '../record.ts'
import {
  BATCH_HEADER_BYTES,
  baseOffset,
  batchEnd,
  compression,
  corruptBatch,
  hasLogAppendTime,
  isControl,
  lastOffsetDelta,
  recordCount,
} from './batch-header.ts'
import { readLong } from './varint.ts'

/** Length, attributes, timestamp and offset delta, key and value length and header count, one byte each, less the first. */
const MIN_RECORD_LENGTH = 6

/** Where a record's headers stand, still encoded. A cursor is one, so headers can be forwarded without decoding them. */
export interface EncodedHeaders {
  readonly buffer: Uint8Array
  readonly headersStart: number
  readonly headersEnd: number
  readonly headerCount: number
}

/**
 * Walks the records of whole, uncompressed magic-2 batches in place: `while (cursor.next())`, then read the fields. The
 * fields hold until the next call; nothing is allocated per record. Control batches are passed over. A cursor that threw
 * is only good for `reset`.
 *
 * Bytes decide nothing unchecked: every length is held against the end of its record, every record against its batch.
 */
export class RecordCursor implements EncodedHeaders {
  buffer: Buffer = Buffer.alloc(0)
  offset = 0
  /** The producer's time, or the broker's where the topic says so. */
  timestampMs = 0
  /** -1 for a null key. */
  keyStart = -1
  keyEnd = -1
  /** -1 for a null value. */
  valueStart = -1
  valueEnd = -1
  headersStart = 0
  headersEnd = 0
  headerCount = 0

  #startOffset = 0
  #position = 0
  /** Varints may not read past it. */
  #limit = 0
  #batchEnd = 0
  #recordsLeft = 0
  #baseOffset = 0
  #lastOffsetDelta = 0
  #baseTimestampMs = 0
  #appendTimeMs = -1

  /** Starts at the first record of `records` whose offset is at least `startOffset`. */
  reset(records: Buffer, startOffset: number): void {
    this.buffer = records
    this.#startOffset = startOffset
    this.#position = 0
    this.#batchEnd = 0
    this.#recordsLeft = 0
  }

  /** Moves to the next record. @throws TOPOLOGY_BATCH_CORRUPT */
  next(): boolean {
    for (;;) {
      if (this.#recordsLeft > 0) {
        this.#recordsLeft -= 1
        if (this.#readRecord()) return true
      } else {
        if (this.#position !== this.#batchEnd)
          throw corruptBatch(
            `${this.#batchEnd - this.#position} bytes behind its last record, at byte ${this.#position}`,
          )
        if (this.#position === this.buffer.length) return false
        this.#enterBatch()
      }
    }
  }

  /**
   * Where the keys of the next records stand, as far as they lie in the batch of this one: as many as `starts` has places.
   * A hint, read with little care: a record that is not as most are ends it, and nothing has been checked.
   */
  keysAhead(starts: Int32Array, ends: Int32Array): number {
    const { buffer } = this
    const most = Math.min(this.#recordsLeft, starts.length)
    let at = this.#position
    for (let found = 0; found < most; found += 1) {
      const length = shortVarint(buffer, at)
      const record = at + (buffer[at]! < 0x80 ? 1 : 2)
      // Behind the attributes: the deltas of timestamp and offset, whatever they are.
      let key = record + 1
      while (buffer[key]! >= 0x80) key += 1
      key += 1
      while (buffer[key]! >= 0x80) key += 1
      key += 1
      const keyLength = shortVarint(buffer, key)
      const start = key + (buffer[key]! < 0x80 ? 1 : 2)
      at = record + length
      if (keyLength < 0 || length < 0 || start + keyLength > at || at > this.#batchEnd) return found
      starts[found] = start
      ends[found] = start + keyLength
    }
    return most
  }

  #enterBatch(): void {
    const { buffer } = this
    const at = this.#batchEnd
    const end = batchEnd(buffer, at)
    if (end === -1)
      throw corruptBatch(
        `the buffer ends at byte ${buffer.length}, within the batch that begins at byte ${at}`,
      )
    this.#batchEnd = end
    this.#baseOffset = baseOffset(buffer, at)
    this.#lastOffsetDelta = lastOffsetDelta(buffer, at)
    if (isControl(buffer, at) || this.#baseOffset + this.#lastOffsetDelta < this.#startOffset) {
      this.#position = end
      return
    }
    const compressed = compression(buffer, at)
    if (compressed !== 'none') throw corruptBatch(`compressed (${compressed}) at byte ${at}`)
    const count = recordCount(buffer, at)
    if (count < 0) throw corruptBatch(`record count ${count} at byte ${at + 57}`)
    this.#recordsLeft = count
    this.#position = at + BATCH_HEADER_BYTES
    this.#baseTimestampMs = readLong(buffer, at + 27)
    this.#appendTimeMs = hasLogAppendTime(buffer, at) ? readLong(buffer, at + 35) : -1
  }

  /** False when the record lies below the start offset. */
  #readRecord(): boolean {
    this.#limit = this.#batchEnd
    const length = this.#varint()
    const end = this.#position + length
    if (length < MIN_RECORD_LENGTH || end > this.#batchEnd)
      throw corruptBatch(
        `record length ${length} before byte ${this.#position}; ${MIN_RECORD_LENGTH} to ${this.#batchEnd - this.#position} are possible`,
      )
    this.#limit = end
    this.#position += 1
    const timestampDelta = this.#varlong()
    const offsetDelta = this.#varint()
    if (offsetDelta < 0 || offsetDelta > this.#lastOffsetDelta)
      throw corruptBatch(
        `offset delta ${offsetDelta} before byte ${this.#position}; the batch's last is ${this.#lastOffsetDelta}`,
      )
    this.offset = this.#baseOffset + offsetDelta
    if (this.offset < this.#startOffset) {
      this.#position = end
      return false
    }
    this.timestampMs = this.#appendTimeMs === -1 ? this.#baseTimestampMs + timestampDelta : this.#appendTimeMs

    const keyLength = this.#fieldLength('key')
    this.keyStart = keyLength < 0 ? -1 : this.#position
    this.keyEnd = keyLength < 0 ? -1 : (this.#position += keyLength)
    const valueLength = this.#fieldLength('value')
    this.valueStart = valueLength < 0 ? -1 : this.#position
    this.valueEnd = valueLength < 0 ? -1 : (this.#position += valueLength)
    this.#passHeaders(end)
    return true
  }

  #passHeaders(end: number): void {
    const count = this.#varint()
    if (count < 0) throw corruptBatch(`header count ${count} before byte ${this.#position}`)
    this.headersStart = this.#position
    this.headersEnd = end
    this.headerCount = count
    for (let i = 0; i < count; i += 1) {
      const nameLength = this.#fieldLength('header name')
      if (nameLength < 0) throw corruptBatch(`header without a name before byte ${this.#position}`)
      this.#position += nameLength
      const valueLength = this.#fieldLength('header value')
      if (valueLength > 0) this.#position += valueLength
    }
    if (this.#position !== end)
      throw corruptBatch(`${end - this.#position} bytes behind a record's headers, at byte ${this.#position}`)
  }

  /** A length that fits before the end of the record; any negative one means null. */
  #fieldLength(field: string): number {
    const length = this.#varint()
    if (length > this.#limit - this.#position)
      throw corruptBatch(
        `${field} length ${length} before byte ${this.#position}; ${this.#limit - this.#position} bytes are left`,
      )
    return length
  }

  #varint(): number {
    const position = this.#position
    // One byte or two, as nearly all are.
    if (position + 1 < this.#limit) {
      const byte = this.buffer[position]!
      if (byte < 0x80) {
        this.#position = position + 1
        return (byte >>> 1) ^ -(byte & 1)
      }
      const second = this.buffer[position + 1]!
      if (second < 0x80) {
        this.#position = position + 2
        return (((second << 7) | (byte & 0x7f)) >>> 1) ^ -(byte & 1)
      }
    }
    return this.#longerVarint()
  }

  #longerVarint(): number {
    let raw = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#byte()
      raw |= (byte & 0x7f) << shift
      if (byte < 0x80) {
        if (shift === 28 && byte > 0x0f) break
        return (raw >>> 1) ^ -(raw & 1)
      }
    }
    throw corruptBatch(`a varint of more than 32 bits before byte ${this.#position}`)
  }

  #varlong(): number {
    const position = this.#position
    // One byte or two are the same in both forms.
    if (position + 1 < this.#limit && (this.buffer[position]! < 0x80 || this.buffer[position + 1]! < 0x80))
      return this.#varint()
    let raw = 0
    let scale = 1
    for (let i = 0; i < 10; i += 1) {
      const byte = this.#byte()
      raw += (byte & 0x7f) * scale
      if (byte < 0x80) {
        if (raw > Number.MAX_SAFE_INTEGER) break
        return raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
      }
      scale *= 128
    }
    throw corruptBatch(`a timestamp delta of more than 53 bits before byte ${this.#position}`)
  }

  #byte(): number {
    if (this.#position >= this.#limit) throw corruptBatch(`a varint reaches past byte ${this.#limit}`)
    const byte = this.buffer[this.#position]!
    this.#position += 1
    return byte
  }
}

/** Of one byte or two; else -1. */
function shortVarint(buffer: Buffer, at: number): number {
  const byte = buffer[at]!
  if (byte < 0x80) return (byte >>> 1) ^ -(byte & 1)
  const second = buffer[at + 1]!
  return second < 0x80 ? (((second << 7) | (byte & 0x7f)) >>> 1) ^ -(byte & 1) : -1
}

/** Decodes `count` headers from `start`, both as a cursor gave them. The values are copies. @throws TOPOLOGY_BATCH_CORRUPT */
export function readHeaders(buffer: Buffer, start: number, count: number): RecordHeaders {
  const headers: RecordHeader[] = []
  let position = start

  const take = (): Buffer | null => {
    let raw = 0
    let shift = 0
    let byte = 0x80
    while (byte >= 0x80) {
      if (position >= buffer.length || shift > 28) throw corruptBatch(`a header length at byte ${position}`)
      byte = buffer[position]!
      raw |= (byte & 0x7f) << shift
      position += 1
      shift += 7
    }
    const length = (raw >>> 1) ^ -(raw & 1)
    if (length < 0) return null
    if (length > buffer.length - position)
      throw corruptBatch(`header length ${length} before byte ${position}`)
    position += length
    return buffer.subarray(position - length, position)
  }

  for (let i = 0; i < count; i += 1) {
    const name = take()
    const value = take()
    if (name === null) throw corruptBatch(`header without a name before byte ${position}`)
    headers.push([name.toString('utf8'), value === null ? null : Buffer.from(value)])
  }
  return headers
}
