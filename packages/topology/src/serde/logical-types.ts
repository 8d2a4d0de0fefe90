import {
  type AvroLogical,
  type AvroType,
  LogicalType,
  type ResolveOptions,
  type Resolver,
  type Tap,
} from './avsc-internals.ts'
import {
  decimalBytes,
  formatDecimal,
  parseDecimal,
  readTwosComplement,
  writeTwosComplement,
} from './decimal.ts'
import { MalformedAvro } from './decode-bounds.ts'
import { LONG } from './long-types.ts'
import type { AvroValueOptions } from './infer-avro.ts'
import type { SchemaObject } from './normalize-schema.ts'
import type { Bucket, WithBucket } from './union-types.ts'

const MS_PER_DAY = 86_400_000

/** A logical type reads another only where both mean the same: milliseconds are not microseconds. */
abstract class Logical extends LogicalType implements WithBucket {
  readonly _logicalTypeName: string
  abstract readonly bucket: Bucket
  /** Two logical types of one name agree when this agrees too. */
  readonly meaning: string

  constructor(schema: SchemaObject, options: object, meaning: string = String(schema['logicalType'])) {
    super(underlyingOf(schema), options)
    this._logicalTypeName = String(schema['logicalType'])
    this.meaning = meaning
  }

  abstract _fromValue(value: unknown): unknown
  /** Undefined for a value that the type does not take. */
  abstract _toValue(value: unknown): unknown

  override _update(resolver: Resolver, writer: AvroType, options: ResolveOptions): void {
    if (writer instanceof Logical) {
      if (writer.meaning === this.meaning) resolver._read = tap => this.#read(writer.underlyingType, tap)
      return
    }
    const underlying = this.underlyingType.createResolver(writer, options) as unknown as Resolver
    resolver._read = tap => this.#read(underlying, tap)
  }

  #read(underlying: { _read(tap: Tap): unknown }, tap: Tap): unknown {
    return this._fromValue(underlying._read(tap))
  }

  override _write(tap: Tap, value: unknown): void {
    const underlying = this._toValue(value)
    if (underlying === undefined) throw new TypeError(`not a ${this._logicalTypeName}`)
    this.underlyingType._write(tap, underlying)
  }
}

export function isLogical(type: AvroType): type is AvroLogical {
  return type instanceof Logical
}

/** Timestamps stay numbers where plain longs are bigints. */
function underlyingOf(schema: SchemaObject): unknown {
  if (schema['type'] === 'long') return LONG
  // Without the attribute, or the hook that makes logical types would be asked again.
  const { logicalType: _, ...underlying } = schema
  return underlying
}

/** Numbers in the schema's own unit. The type is there for resolution alone. */
export class NumericTime extends Logical {
  readonly bucket = 'number'

  override _read(tap: Tap): unknown {
    return this.underlyingType._read(tap)
  }
  _fromValue(value: unknown): unknown {
    return value
  }
  _toValue(value: unknown): unknown {
    return value
  }
  override _write(tap: Tap, value: unknown): void {
    this.underlyingType._write(tap, value)
  }
}

/** Dates, of a unit of `msPerUnit` milliseconds (0.001 for microseconds). */
export class DateTime extends Logical {
  readonly bucket = 'object'
  readonly #fromMs: (ms: number) => number
  readonly #toMs: (units: number) => number

  constructor(schema: SchemaObject, options: object) {
    super(schema, options)
    switch (schema['logicalType']) {
      case 'date':
        this.#fromMs = ms => Math.floor(ms / MS_PER_DAY)
        this.#toMs = days => days * MS_PER_DAY
        break
      case 'timestamp-micros':
        this.#fromMs = ms => ms * 1_000
        this.#toMs = micros => Math.floor(micros / 1_000)
        break
      default:
        this.#fromMs = ms => ms
        this.#toMs = ms => ms
    }
  }

  _fromValue(value: unknown): Date {
    const date = new Date(this.#toMs(value as number))
    if (Number.isNaN(date.getTime()))
      throw new MalformedAvro(`a ${this._logicalTypeName} of ${String(value)} is beyond what a Date holds`)
    return date
  }
  _toValue(value: unknown): number | undefined {
    if (!(value instanceof Date)) return undefined
    const units = this.#fromMs(value.getTime())
    return Number.isSafeInteger(units) ? units : undefined
  }
}

export class Decimal extends Logical {
  readonly bucket = 'string'
  readonly precision: number
  readonly scale: number
  readonly #bound: bigint

  constructor(schema: SchemaObject, options: object, precision: number, scale: number) {
    super(schema, options, `decimal(${precision}, ${scale})`)
    this.precision = precision
    this.scale = scale
    this.#bound = 10n ** BigInt(precision)
  }

  _fromValue(value: unknown): string {
    // The bound also keeps megabytes of digits from being turned into text, which takes quadratic time.
    const unscaled = readTwosComplement(value as Buffer, decimalBytes(this.precision))
    if (unscaled === undefined || unscaled >= this.#bound || unscaled <= -this.#bound)
      throw new MalformedAvro(`a decimal has more than ${this.precision} digits`)
    return formatDecimal(unscaled, this.scale)
  }
  _toValue(value: unknown): Buffer | undefined {
    if (typeof value !== 'string') return undefined
    const unscaled = parseDecimal(value, this.precision, this.scale)
    return unscaled === undefined ? undefined : writeTwosComplement(unscaled, this.underlyingType.size)
  }

  // Defaults come as the text of bytes, and decoded defaults are copied: neither is a decimal's text that is to be parsed.
  override _copy(value: unknown, options?: object): unknown {
    const isJson = options !== undefined && 'coerce' in options && options.coerce === 2
    return isJson ? this._fromValue(this.underlyingType._copy(value, options)) : value
  }
}

const LONG_TIMES: ReadonlySet<unknown> = new Set(['timestamp-millis', 'timestamp-micros'])
const NUMERIC_LONG_TIMES: ReadonlySet<unknown> = new Set([
  'local-timestamp-millis',
  'local-timestamp-micros',
  'time-micros',
])

/**
 * The logical type of a schema, or undefined where the schema is read as its plain type: unknown names, and known ones on
 * the wrong type, as the specification demands.
 */
export function logicalTypeOf(
  schema: SchemaObject,
  values: AvroValueOptions,
  options: object,
): AvroLogical | undefined {
  const { type, logicalType } = schema
  const asDate = values.timestamps === 'date'
  if (type === 'long' && LONG_TIMES.has(logicalType))
    return asDate ? new DateTime(schema, options) : new NumericTime(schema, options)
  if (type === 'long' && NUMERIC_LONG_TIMES.has(logicalType)) return new NumericTime(schema, options)
  if (type === 'int' && logicalType === 'date')
    return asDate ? new DateTime(schema, options) : new NumericTime(schema, options)
  if (type === 'int' && logicalType === 'time-millis') return new NumericTime(schema, options)
  if ((type === 'bytes' || type === 'fixed') && logicalType === 'decimal') return decimalOf(schema, options)
  return undefined
}

/** More digits than any amount has, and few enough for arithmetic on them to take no time. */
const MAX_PRECISION = 1_000

function decimalOf(schema: SchemaObject, options: object): AvroLogical | undefined {
  const { precision, scale = 0 } = schema
  if (precision === undefined) return undefined
  if (!isWholeNumber(precision) || precision < 1 || precision > MAX_PRECISION)
    throw new Error(`a decimal's precision is a whole number from 1 to ${MAX_PRECISION}`)
  if (!isWholeNumber(scale) || scale > precision)
    throw new Error(`a decimal's scale is a whole number from 0 to its precision, ${precision}`)
  return new Decimal(schema, options, precision, scale)
}

function isWholeNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
