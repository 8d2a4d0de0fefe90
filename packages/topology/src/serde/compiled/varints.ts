import type { RawBuffer } from './raw-buffer.ts'
import { GIVE_UP } from './give-up.ts'

/*
 * Avro's numbers at a position of a buffer. Generated code inlines what takes one byte and calls these for the rest. A
 * function cannot return a value and a position without an allocation, so the position comes back in `cursor`: decoding is
 * synchronous, one cursor serves the process.
 */

export const cursor: { at: number } = { at: 0 }

const TWO_TO_27 = 2 ** 27
const TWO_TO_28 = 2 ** 28
const TWO_TO_52 = 2 ** 52

/**
 * A zigzag number of up to 7 bytes (49 bits), which covers every time in milliseconds until the year 10889: two halves of
 * 28 and 21 bits in integer arithmetic. Longer ones are left to `readBigLong`.
 */
export function readLong(bytes: RawBuffer, at: number): number {
  let byte = bytes[at++]!
  let low = byte & 0x7f
  for (let shift = 7; byte > 0x7f && shift < 28; shift += 7) {
    byte = bytes[at++]!
    low |= (byte & 0x7f) << shift
  }
  if (byte <= 0x7f) {
    cursor.at = at
    return (low >>> 1) ^ -(low & 1)
  }
  const start = at - 4
  let high = 0
  for (let shift = 0; byte > 0x7f && shift < 21; shift += 7) {
    byte = bytes[at++]!
    high |= (byte & 0x7f) << shift
  }
  if (byte > 0x7f) return safeNumber(readBigLong(bytes, start))
  cursor.at = at
  const half = high * TWO_TO_27 + (low >>> 1)
  return (low & 1) === 0 ? half : -half - 1
}

function safeNumber(value: bigint): number {
  const number = Number(value)
  if (!Number.isSafeInteger(number)) throw GIVE_UP
  return number
}

export function readInt(bytes: RawBuffer, at: number): number {
  const value = readLong(bytes, at)
  if (value !== (value | 0)) throw GIVE_UP
  return value
}

/** Up to 10 bytes. */
export function readBigLong(bytes: RawBuffer, at: number): bigint {
  let low = 0
  let factor = 1
  for (let i = 0; i < 7; i++, factor *= 128) {
    const byte = bytes[at++]!
    low += (byte & 0x7f) * factor
    if (byte > 0x7f) continue
    cursor.at = at
    return BigInt(low % 2 === 0 ? low / 2 : -(low + 1) / 2)
  }
  let high = 0
  for (let shift = 0; shift < 21; shift += 7) {
    const byte = bytes[at++]!
    high |= (byte & 0x7f) << shift
    if (byte > 0x7f) continue
    cursor.at = at
    const zigzag = BigInt.asUintN(64, (BigInt(high) << 49n) | BigInt(low))
    return (zigzag >> 1n) ^ -(zigzag & 1n)
  }
  throw GIVE_UP
}

/** A length or an index, never more than `most`. */
export function readLength(bytes: RawBuffer, at: number, most: number): number {
  const length = readLong(bytes, at)
  if (!(length >= 0 && length <= most)) throw GIVE_UP
  return length
}

/** How many items of `minItemBytes` or more the next block has, 0 at the end. Never more than the bytes up to `end` hold. */
export function readBlockCount(bytes: RawBuffer, at: number, end: number, minItemBytes: number): number {
  let count = readLong(bytes, at)
  if (count < 0) {
    count = -count
    readLength(bytes, cursor.at, end - cursor.at)
  }
  if (!(count * minItemBytes <= end - cursor.at)) throw GIVE_UP
  return count
}

/** As `readBlockCount`, for items that are skipped: -1 at the end, 0 for a block that has been skipped by its size. */
export function skipBlock(bytes: RawBuffer, at: number, end: number, minItemBytes: number): number {
  const count = readLong(bytes, at)
  if (count === 0) return -1
  if (count < 0) {
    const size = readLength(bytes, cursor.at, end - cursor.at)
    cursor.at += size
    return 0
  }
  if (!(count * minItemBytes <= end - cursor.at)) throw GIVE_UP
  return count
}

// A Buffer's own readDoubleLE does the same after checks; a DataView for every fetched buffer would cost more than it saves.
const double = new Float64Array(1)
const doubleBytes = new Uint8Array(double.buffer)
const float = new Float32Array(1)
const floatBytes = new Uint8Array(float.buffer)

export function readDouble(bytes: RawBuffer, at: number): number {
  doubleBytes[0] = bytes[at]!
  doubleBytes[1] = bytes[at + 1]!
  doubleBytes[2] = bytes[at + 2]!
  doubleBytes[3] = bytes[at + 3]!
  doubleBytes[4] = bytes[at + 4]!
  doubleBytes[5] = bytes[at + 5]!
  doubleBytes[6] = bytes[at + 6]!
  doubleBytes[7] = bytes[at + 7]!
  return double[0]!
}

export function readFloat(bytes: RawBuffer, at: number): number {
  floatBytes[0] = bytes[at]!
  floatBytes[1] = bytes[at + 1]!
  floatBytes[2] = bytes[at + 2]!
  floatBytes[3] = bytes[at + 3]!
  return float[0]!
}

/** Writes a whole number of less than 53 bits, answers the position after it. */
export function writeLong(bytes: RawBuffer, at: number, value: number): number {
  if (value >= -0x4000_0000 && value < 0x4000_0000)
    return writeUnsigned(bytes, at, (value << 1) ^ (value >> 31))
  if (!(value > -TWO_TO_52 && value < TWO_TO_52)) return writeBigLong(bytes, at, BigInt(value))
  const zigzag = value >= 0 ? value * 2 : -value * 2 - 1
  const high = Math.floor(zigzag / TWO_TO_28)
  const low = zigzag - high * TWO_TO_28
  bytes[at] = low | 0x80
  bytes[at + 1] = (low >> 7) | 0x80
  bytes[at + 2] = (low >> 14) | 0x80
  if (high === 0) {
    bytes[at + 3] = low >> 21
    return at + 4
  }
  bytes[at + 3] = (low >> 21) | 0x80
  return writeUnsigned(bytes, at + 4, high)
}

/** A number below 2^31, seven bits a byte. */
function writeUnsigned(bytes: RawBuffer, at: number, value: number): number {
  let rest = value
  while (rest > 0x7f) {
    bytes[at++] = rest | 0x80
    rest >>>= 7
  }
  bytes[at++] = rest
  return at
}

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

export function isInt64(value: unknown): value is bigint {
  return typeof value === 'bigint' && value >= INT64_MIN && value <= INT64_MAX
}

export function writeBigLong(bytes: RawBuffer, at: number, value: bigint): number {
  if (value > -TWO_TO_52 && value < TWO_TO_52) return writeLong(bytes, at, Number(value))
  let zigzag = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  while (zigzag >= 0x80n) {
    bytes[at++] = Number(zigzag & 0x7fn) | 0x80
    zigzag >>= 7n
  }
  bytes[at++] = Number(zigzag)
  return at
}
