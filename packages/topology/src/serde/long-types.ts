import {
  type AvroType,
  type CheckHook,
  DoubleType,
  FloatType,
  LongType,
  type ResolveOptions,
  type Resolver,
  type Tap,
} from './avsc-internals.ts'
import { MalformedAvro } from './decode-bounds.ts'

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** From here on avsc's taps are wrong: zigzag doubles a long, and an odd number above 2^53 is none. -2^52-1 reads as 2^52. */
const TAP_LIMIT = 2 ** 52

/** A long that a number holds exactly. Others are refused, never rounded. */
class NumberLong extends LongType {
  override _check(value: unknown, _flags: number, hook?: CheckHook): boolean {
    if (Number.isSafeInteger(value)) return true
    hook?.(value, this)
    return false
  }

  override _read(tap: Tap): number {
    const start = tap.pos
    const value = tap.readLong()
    return value < TAP_LIMIT && value > -TAP_LIMIT ? value : rereadLong(tap, start)
  }

  override _write(tap: Tap, value: unknown): void {
    if (!Number.isSafeInteger(value)) throw new TypeError('not a whole number within 53 bits')
    const long = value as number
    if (long < TAP_LIMIT && long > -TAP_LIMIT) tap.writeLong(long)
    else writeVarLong(tap, BigInt(long))
  }
}

function rereadLong(tap: Tap, start: number): number {
  tap.pos = start
  const exact = readVarLong(tap)
  const value = Number(exact)
  if (Number.isSafeInteger(value)) return value
  throw new MalformedAvro(`the long ${exact} is beyond 2^53 (the option longs: 'bigint' reads it)`)
}

class GuardedFloat extends FloatType {
  override _update(resolver: Resolver, writer: AvroType, options: ResolveOptions): void {
    if (isLong(writer)) resolver._read = tap => Number(readVarLong(tap))
    else super._update(resolver, writer, options)
  }
}

class GuardedDouble extends DoubleType {
  override _update(resolver: Resolver, writer: AvroType, options: ResolveOptions): void {
    if (isLong(writer)) resolver._read = tap => Number(readVarLong(tap))
    else super._update(resolver, writer, options)
  }
}

function isLong(type: AvroType): boolean {
  return type.typeName === 'long' || type.typeName === 'abstract:long'
}

/** A long of the full 64 bits. */
class BigIntLong extends LongType {
  override _check(value: unknown, _flags: number, hook?: CheckHook): boolean {
    if (isInt64(value)) return true
    hook?.(value, this)
    return false
  }

  override _read(tap: Tap): bigint {
    return readVarLong(tap)
  }

  override _write(tap: Tap, value: unknown): void {
    if (!isInt64(value)) throw new TypeError('not a bigint of 64 bits')
    writeVarLong(tap, value)
  }

  /** Defaults stand in the schema as JSON numbers. */
  override _copy(value: unknown): unknown {
    if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value)
    if (!isInt64(value)) throw new TypeError('not a long')
    return value
  }

  override _update(resolver: Resolver, writer: AvroType): void {
    if (writer.typeName === 'int') resolver._read = tap => BigInt(writer._read(tap) as number)
    else if (isLong(writer)) resolver._read = readVarLong
  }
}

// The name that avsc gives to its own custom longs, by which its other types know not to use `_read` as a number's.
Object.defineProperties(BigIntLong.prototype, {
  typeName: { value: 'abstract:long' },
  _concreteTypeName: { value: 'long' },
  bucket: { value: 'bigint' },
})

function isInt64(value: unknown): value is bigint {
  return typeof value === 'bigint' && value >= INT64_MIN && value <= INT64_MAX
}

function readVarLong(tap: Tap): bigint {
  const { buf } = tap
  // Seven bytes of seven bits are exact in a number, and most longs are no longer.
  let low = 0
  let factor = 1
  for (let i = 0; i < 7; i++) {
    const byte = buf[tap.pos++] ?? 0
    low += (byte & 0x7f) * factor
    if (byte < 0x80) return BigInt(low % 2 === 0 ? low / 2 : -(low + 1) / 2)
    factor *= 128
  }
  let high = 0
  for (let shift = 0; shift < 21; shift += 7) {
    const byte = buf[tap.pos++] ?? 0
    high |= (byte & 0x7f) << shift
    if (byte < 0x80) {
      const zigzag = BigInt.asUintN(64, (BigInt(high) << 49n) | BigInt(low))
      return (zigzag >> 1n) ^ -(zigzag & 1n)
    }
  }
  throw new MalformedAvro('a long takes more than 10 bytes')
}

function writeVarLong(tap: Tap, value: bigint): void {
  if (value < TAP_LIMIT && value > -TAP_LIMIT) {
    tap.writeLong(Number(value))
    return
  }
  let zigzag = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  const { buf } = tap
  while (zigzag >= 0x80n) {
    buf[tap.pos++] = Number(zigzag & 0x7fn) | 0x80
    zigzag >>= 7n
  }
  buf[tap.pos++] = Number(zigzag)
}

export const LONG: AvroType = new NumberLong()
export const FLOAT: AvroType = new GuardedFloat()
export const DOUBLE: AvroType = new GuardedDouble()
export const BIGINT_LONG: AvroType = new BigIntLong()
