import type { AvroType, Tap } from './avsc-internals.ts'

/*
 * The bounds of one decode. Decoding is synchronous, so one set of counters serves the process; avsc's taps have no room
 * for them.
 */

/** Records nested in one another within a recursive schema. Java's reader has no such bound and dies of its stack. */
export const MAX_NESTING = 1_000

/** Items that take no bytes (nulls, empty records), summed over one value: the bytes that remain do not bound them. */
export const MAX_BYTELESS_ITEMS = 65_536

/** Why bytes cannot be a value of their schema. The codec wraps it, with the place and an excerpt of the bytes. */
export class MalformedAvro extends Error {
  override readonly name = 'MalformedAvro'
}

let end = 0
let nesting = 0
let bytelessItems = 0

/** Must be called before every decode, with the position after the value's last byte. */
export function beginDecode(endPosition: number): void {
  end = endPosition
  nesting = 0
  bytelessItems = 0
}

export function enterRecord(): void {
  if (++nesting > MAX_NESTING) throw new MalformedAvro(`records are nested deeper than ${MAX_NESTING}`)
}

export function leaveRecord(): void {
  nesting--
}

/**
 * The number of items in the block that starts at the tap, 0 at the end. A count that the bytes up to the value's end
 * cannot hold is refused before anything is allocated for it.
 */
export function readBlockCount(tap: Tap, minItemBytes: number): number {
  let count = tap.readLong()
  if (count === 0) return 0
  if (count < 0) {
    count = -count
    checkBlockBytes(tap, tap.readLong())
  }
  checkCount(tap, count, minItemBytes)
  return count
}

/** Skips a block whose byte size stands before it (then the answer is 0 items to skip) or answers its item count. */
export function skipBlockCount(tap: Tap, minItemBytes: number): number | undefined {
  const count = tap.readLong()
  if (count === 0) return undefined
  if (count < 0) {
    const bytes = tap.readLong()
    checkBlockBytes(tap, bytes)
    tap.pos += bytes
    return 0
  }
  checkCount(tap, count, minItemBytes)
  return count
}

function checkBlockBytes(tap: Tap, bytes: number): void {
  // Negated, so that a NaN is refused as well.
  if (!(bytes >= 0 && bytes <= end - tap.pos))
    throw new MalformedAvro(`a block of ${bytes} bytes is announced where ${remaining(tap)} remain`)
}

function checkCount(tap: Tap, count: number, minItemBytes: number): void {
  if (tap.pos > end) throw new MalformedAvro('the bytes end within a block')
  if (minItemBytes > 0) {
    if (!(count * minItemBytes <= end - tap.pos))
      throw new MalformedAvro(`a block of ${count} items is announced where ${remaining(tap)} bytes remain`)
    return
  }
  bytelessItems += count
  if (!(bytelessItems <= MAX_BYTELESS_ITEMS))
    throw new MalformedAvro(
      `${bytelessItems} items that take no bytes are announced, at most ${MAX_BYTELESS_ITEMS} are read`,
    )
}

function remaining(tap: Tap): number {
  return Math.max(0, end - tap.pos)
}

const minBytes = new WeakMap<AvroType, number>()

/** The fewest bytes that a value of a type takes. Sizes up to 1 KiB are told apart, larger ones are cut to it. */
export function minBytesOf(type: AvroType): number {
  const known = minBytes.get(type)
  if (known !== undefined) return known
  // A type that is met again inside itself adds nothing to a minimum.
  minBytes.set(type, 0)
  const size = Math.min(1_024, computeMinBytes(type))
  minBytes.set(type, size)
  return size
}

function computeMinBytes(type: AvroType): number {
  if (type.underlyingType !== undefined) return minBytesOf(type.underlyingType)
  if (type.types !== undefined) return 1 + Math.min(...type.types.map(minBytesOf))
  if (type.fields !== undefined) return type.fields.reduce((sum, field) => sum + minBytesOf(field.type), 0)
  switch (type.typeName) {
    case 'null':
      return 0
    case 'float':
      return 4
    case 'double':
      return 8
    case 'fixed':
      return type.size ?? 0
    default:
      return 1
  }
}
