import type { RecordHeaders } from '../../src/record.ts'

/*
 * The record batch format once more, written for plainness and in BigInt: the oracle of the reader and the writer.
 */

export interface NaiveRecord {
  readonly offset: number
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: RecordHeaders
}

export interface NaiveBatchFields {
  readonly baseOffset: number
  readonly attributes?: number
  readonly lastOffsetDelta?: number
  readonly maxTimestampMs?: number
  readonly producerId?: bigint
  readonly producerEpoch?: number
  readonly baseSequence?: number
  readonly crc32c?: (bytes: Buffer) => number
}

function varint(value: bigint): Buffer {
  let zigzag = value >= 0n ? value * 2n : -value * 2n - 1n
  const out: number[] = []
  do {
    const rest = zigzag >> 7n
    out.push(Number(zigzag & 0x7fn) | (rest > 0n ? 0x80 : 0))
    zigzag = rest
  } while (zigzag > 0n)
  return Buffer.from(out)
}

function field(bytes: Buffer | null): Buffer {
  return bytes === null ? varint(-1n) : Buffer.concat([varint(BigInt(bytes.length)), bytes])
}

export function naiveBatch(
  fields: NaiveBatchFields,
  items: readonly (Omit<NaiveRecord, 'offset'> & { readonly offsetDelta?: number })[],
): Buffer {
  const base = items[0]?.timestampMs ?? -1
  const records = items.map((item, index) => {
    const body = Buffer.concat([
      Buffer.from([0]),
      varint(BigInt(item.timestampMs - base)),
      varint(BigInt(item.offsetDelta ?? index)),
      field(item.key),
      field(item.value),
      varint(BigInt(item.headers.length)),
      ...item.headers.flatMap(([name, value]) => [field(Buffer.from(name)), field(value)]),
    ])
    return Buffer.concat([varint(BigInt(body.length)), body])
  })
  const covered = Buffer.alloc(40)
  covered.writeInt16BE(fields.attributes ?? 0, 0)
  covered.writeInt32BE(fields.lastOffsetDelta ?? items.length - 1, 2)
  covered.writeBigInt64BE(BigInt(base), 6)
  const maxTimestampMs = fields.maxTimestampMs ?? items.reduce((max, r) => Math.max(max, r.timestampMs), base)
  covered.writeBigInt64BE(BigInt(maxTimestampMs), 14)
  covered.writeBigInt64BE(fields.producerId ?? -1n, 22)
  covered.writeInt16BE(fields.producerEpoch ?? -1, 30)
  covered.writeInt32BE(fields.baseSequence ?? -1, 32)
  covered.writeInt32BE(items.length, 36)
  const tail = Buffer.concat([covered, ...records])
  const head = Buffer.alloc(21)
  head.writeBigInt64BE(BigInt(fields.baseOffset), 0)
  head.writeInt32BE(tail.length + 9, 8)
  head.writeInt32BE(-1, 12)
  head.writeInt8(2, 16)
  head.writeUInt32BE(fields.crc32c === undefined ? 0 : fields.crc32c(tail), 17)
  return Buffer.concat([head, tail])
}

/** Decodes whole, sound batches; anything else makes it throw or give nonsense. */
export function naiveRecords(all: Buffer): NaiveRecord[] {
  const found: NaiveRecord[] = []
  let position = 0
  const long = (): bigint => {
    let raw = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = all[position++]!
      raw |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return (raw >> 1n) ^ -(raw & 1n)
    }
  }
  const bytes = (): Buffer | null => {
    const length = Number(long())
    if (length < 0) return null
    position += length
    return Buffer.from(all.subarray(position - length, position))
  }
  while (position < all.length) {
    const base = Number(all.readBigInt64BE(position))
    const baseTimestamp = Number(all.readBigInt64BE(position + 27))
    const count = all.readInt32BE(position + 57)
    position += 61
    for (let i = 0; i < count; i += 1) {
      long()
      position += 1
      const timestampMs = baseTimestamp + Number(long())
      const offset = base + Number(long())
      const key = bytes()
      const value = bytes()
      const headers: [string, Buffer | null][] = []
      for (let left = Number(long()); left > 0; left -= 1) headers.push([bytes()!.toString('utf8'), bytes()])
      found.push({ offset, timestampMs, key, value, headers })
    }
  }
  return found
}
