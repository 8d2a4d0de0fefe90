import { GIVE_UP, NEEDS_ROOM } from './give-up.ts'
import type { RawBuffer } from './raw-buffer.ts'
import { writeLong } from './varints.ts'

const POOL_BYTES = 8_192
const LARGEST_POOLED = 1_024

let pool = Buffer.allocUnsafeSlow(POOL_BYTES)
let used = 0

/** A copy that shares no memory with fetched bytes: they are overwritten, or would be kept as long as the value. */
export function copyBytes(bytes: Buffer, at: number, length: number, end: number): Buffer {
  if (!(length <= end - at)) throw GIVE_UP
  const copy = takeBytes(length)
  bytes.copy(copy, 0, at, at + length)
  return copy
}

function takeBytes(length: number): Buffer {
  if (length > LARGEST_POOLED) return Buffer.allocUnsafeSlow(length)
  if (used + length > POOL_BYTES) {
    pool = Buffer.allocUnsafeSlow(POOL_BYTES)
    used = 0
  }
  used += length
  return pool.subarray(used - length, used)
}

/** Bytes without their length: a fixed, or what a default has been encoded to. */
export function writeFixed(bytes: RawBuffer, at: number, value: Buffer, limit: number): number {
  const { length } = value
  if (at + length > limit) throw NEEDS_ROOM
  value.copy(bytes, at)
  return at + length
}

/** Bytes after their length, for which there is room beyond the limit. */
export function writeBytes(bytes: RawBuffer, at: number, value: Buffer, limit: number): number {
  if (at + value.length > limit) throw NEEDS_ROOM
  return writeFixed(bytes, writeLong(bytes, at, value.length), value, bytes.length)
}
