import { TopologyError } from '../errors.ts'
import type { RecordHeaders } from '../record.ts'
import { BATCH_HEADER_BYTES, BATCH_LOG_OVERHEAD } from './batch-header.ts'
import type { EncodedHeaders } from './record-batch-reader.ts'
import { sizeOfVarint, sizeOfVarlong, writeLong, writeVarint, writeVarlong } from './varint.ts'

export interface RecordToWrite {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  /** Whole milliseconds since the epoch. */
  readonly timestampMs: number
  readonly headers: RecordHeaders
}

const NO_HEADERS: RecordHeaders = []
const NO_BYTES = Buffer.alloc(0)
/** `TypedArray.set` costs more than it copies below about this length. */
const SHORT_COPY_BYTES = 48

// Not from Node's pool: a batch is large, and is dropped as a whole.
const allocateBuffer = (bytes: number): Buffer => Buffer.allocUnsafeSlow(bytes)

function copyInto(target: Uint8Array, position: number, source: Uint8Array): number {
  const { length } = source
  if (length < SHORT_COPY_BYTES) for (let i = 0; i < length; i += 1) target[position + i] = source[i]!
  else target.set(source, position)
  return position + length
}

function sizeOfField(field: Uint8Array | null): number {
  return field === null ? 1 : sizeOfVarint(field.length) + field.length
}

function writeField(target: Uint8Array, position: number, field: Uint8Array | null): number {
  if (field === null) return writeVarint(target, position, -1)
  return copyInto(target, writeVarint(target, position, field.length), field)
}

/**
 * Builds one magic-2 record batch in place, uncompressed, offsets from 0. Keys, values and headers are copied during the
 * call. `seal` hands the bytes away and starts anew.
 */
export class RecordBatchWriter {
  #bytes: Buffer = NO_BYTES
  readonly #initialBytes: number
  readonly #allocate: (bytes: number) => Buffer
  /** What the next batch starts with: a little more than the last one has needed. */
  #capacity: number
  #position = BATCH_HEADER_BYTES
  #count = 0
  #baseTimestampMs = 0
  #maxTimestampMs = 0

  /** `allocate` answers a buffer of at least so many bytes, whatever is in it. */
  constructor(initialBytes = 16_384, allocate: (bytes: number) => Buffer = allocateBuffer) {
    this.#initialBytes = Math.max(initialBytes, BATCH_HEADER_BYTES)
    this.#allocate = allocate
    this.#capacity = this.#initialBytes
  }

  get count(): number {
    return this.#count
  }

  /** Of the batch as `seal` would return it now, its header included. */
  get byteLength(): number {
    return this.#position
  }

  append(record: RecordToWrite): void {
    this.appendRecord(record.key, record.value, record.timestampMs, record.headers)
  }

  appendRecord(
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers: RecordHeaders = NO_HEADERS,
  ): void {
    let headerBytes = 0
    for (const [name, headerValue] of headers) {
      const nameBytes = Buffer.byteLength(name)
      headerBytes += sizeOfVarint(nameBytes) + nameBytes + sizeOfField(headerValue)
    }
    let at = this.#begin(key, value, timestampMs, sizeOfVarint(headers.length) + headerBytes)
    const bytes = this.#bytes
    at = writeVarint(bytes, at, headers.length)
    for (const [name, headerValue] of headers) {
      const nameBytes = Buffer.byteLength(name)
      at = writeVarint(bytes, at, nameBytes)
      at += bytes.write(name, at, nameBytes, 'utf8')
      at = writeField(bytes, at, headerValue)
    }
    this.#position = at
  }

  /** Takes the headers as they stand in another batch (a cursor's, say), without decoding them. */
  appendForwarding(
    key: Uint8Array | null,
    value: Uint8Array | null,
    timestampMs: number,
    headers: EncodedHeaders,
  ): void {
    const { headerCount, headersStart } = headers
    const headersEnd = headerCount === 0 ? headersStart : headers.headersEnd
    let at = this.#begin(key, value, timestampMs, sizeOfVarint(headerCount) + headersEnd - headersStart)
    at = writeVarint(this.#bytes, at, headerCount)
    if (headersEnd > headersStart)
      at = copyInto(this.#bytes, at, headers.buffer.subarray(headersStart, headersEnd))
    this.#position = at
  }

  /**
   * The finished batch: base offset 0, no producer. Its CRC is still 0, because it covers the producer fields, which the
   * sender fills in (`setProducerFields`, then `setCrc`). The bytes are the caller's; the writer is empty again.
   * @throws TOPOLOGY_STATE_INVALID when nothing was appended.
   */
  seal(): Buffer {
    if (this.#count === 0)
      throw new TopologyError('TOPOLOGY_STATE_INVALID', 'A record batch needs at least one record')
    const batch = this.#bytes.subarray(0, this.#position)
    batch.fill(0, 0, BATCH_HEADER_BYTES)
    batch.writeInt32BE(batch.length - BATCH_LOG_OVERHEAD, 8)
    batch.writeInt32BE(-1, 12)
    batch[16] = 2
    batch.writeInt32BE(this.#count - 1, 23)
    writeLong(batch, 27, this.#baseTimestampMs)
    writeLong(batch, 35, this.#maxTimestampMs)
    batch.fill(0xff, 43, 57)
    batch.writeInt32BE(this.#count, 57)
    this.#bytes = NO_BYTES
    this.#capacity = Math.max(this.#initialBytes, batch.length + (batch.length >>> 3))
    this.reset()
    return batch
  }

  /** Forgets what was appended. */
  reset(): void {
    this.#position = BATCH_HEADER_BYTES
    this.#count = 0
  }

  /** Writes all of a record but its headers, for which it makes room, and returns the position of their count. */
  #begin(key: Uint8Array | null, value: Uint8Array | null, timestamp: number, headerBytes: number): number {
    const timestampMs = Math.trunc(timestamp)
    if (this.#count === 0) {
      this.#baseTimestampMs = timestampMs
      this.#maxTimestampMs = timestampMs
    } else if (timestampMs > this.#maxTimestampMs) this.#maxTimestampMs = timestampMs
    const timestampDelta = timestampMs - this.#baseTimestampMs
    const length =
      1 +
      sizeOfVarlong(timestampDelta) +
      sizeOfVarint(this.#count) +
      sizeOfField(key) +
      sizeOfField(value) +
      headerBytes
    this.#reserve(length + 5)
    const bytes = this.#bytes
    let at = writeVarint(bytes, this.#position, length)
    bytes[at] = 0
    at = writeVarlong(bytes, at + 1, timestampDelta)
    at = writeVarint(bytes, at, this.#count)
    at = writeField(bytes, at, key)
    this.#count += 1
    return writeField(bytes, at, value)
  }

  #reserve(more: number): void {
    const needed = this.#position + more
    if (needed <= this.#bytes.length) return
    while (this.#capacity < needed) this.#capacity *= 2
    const grown = this.#allocate(this.#capacity)
    this.#bytes.copy(grown, 0, 0, this.#position)
    this.#bytes = grown
  }
}
