import fc from 'fast-check'
import type { AvroValueOptions } from '../../src/serde/infer-avro.ts'

/** Avro schemas, values that fit them, and the bytes that the specification gives them: all without avsc. */

export type Json = string | Json[] | { readonly [key: string]: unknown }
type Named = ReadonlyMap<string, JsonObject>
export type JsonObject = { readonly [key: string]: unknown }

const FIELD_NAMES = ['a', 'b', 'c', 'd', 'constructor', 'toString', 'length', 'type'] as const
const SYMBOLS = ['A', 'B', 'C', 'D', 'OTHER'] as const

/** A schema whose named types have placeholders for names; `nameTypes` fills them in, so that none comes twice. */
const shapes = fc.letrec<{ node: Json; branch: Json; record: Json }>(tie => {
  const leaf: fc.Arbitrary<Json> = fc.oneof(
    fc.constantFrom<Json[]>('null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'),
    fc.constantFrom<Json[]>(
      { type: 'long', logicalType: 'timestamp-millis' },
      { type: 'long', logicalType: 'timestamp-micros' },
      { type: 'int', logicalType: 'date' },
      { type: 'string', logicalType: 'uuid' },
      { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 },
      { type: 'fixed', name: '?', size: 12, logicalType: 'decimal', precision: 20, scale: 0 },
    ),
    fc.record({ type: fc.constant('fixed'), name: fc.constant('?'), size: fc.integer({ min: 0, max: 5 }) }),
    fc.record({
      type: fc.constant('enum'),
      name: fc.constant('?'),
      symbols: fc.uniqueArray(fc.constantFrom(...SYMBOLS), { minLength: 1 }),
    }),
  )
  const fields = fc.uniqueArray(fc.record({ name: fc.constantFrom(...FIELD_NAMES), type: tie('node') }), {
    selector: field => field.name,
    maxLength: 6,
  })
  return {
    record: fc.record({
      type: fc.constant('record'),
      name: fc.constant('?'),
      fields: fc.tuple(fields, fc.boolean()).map(([own, isRecursive]) =>
        // `^` is the record itself: a list, as deep as its values are.
        isRecursive ? [...own, { name: 'next', type: ['null', '^'] }] : own,
      ),
    }),
    branch: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.record({ type: fc.constant('array'), items: tie('node') }),
      fc.record({ type: fc.constant('map'), values: tie('node') }),
      tie('record'),
    ),
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      tie('branch'),
      fc.uniqueArray(tie('branch'), { minLength: 1, maxLength: 4, selector: branchKey }),
    ),
  }
})

let uniqueKey = 0
/** A union may hold several named types, but one of every other kind. */
function branchKey(schema: Json): string {
  if (typeof schema === 'string') return schema
  const { type, name } = schema as JsonObject
  return name === undefined ? String(type) : `named ${uniqueKey++}`
}

function nameTypes(schema: Json): Json {
  let count = 0
  const visit = (part: unknown, self: string): unknown => {
    if (part === '^') return self
    if (Array.isArray(part)) return part.map(item => visit(item, self))
    if (typeof part !== 'object' || part === null) return part
    const own = 'name' in part && part.name === '?' ? { name: `test.N${count++}` } : {}
    const inside = 'fields' in part && 'name' in own ? own.name : self
    const copy = Object.entries(part).map(([key, value]) => [key, visit(value, inside ?? '')] as const)
    return { ...Object.fromEntries(copy), ...own }
  }
  return visit(schema, '') as Json
}

export const recordSchemas: fc.Arbitrary<JsonObject> = shapes.record.map(
  schema => nameTypes(schema) as JsonObject,
)

export function namedTypes(schema: unknown, found = new Map<string, JsonObject>()): Named {
  if (Array.isArray(schema)) for (const branch of schema) namedTypes(branch, found)
  if (typeof schema !== 'object' || schema === null) return found
  const object = schema as JsonObject
  if (typeof object['type'] === 'string' && typeof object['name'] === 'string')
    found.set(object['name'], object)
  for (const part of [object['items'], object['values']]) namedTypes(part, found)
  for (const field of (object['fields'] as JsonObject[] | undefined) ?? []) namedTypes(field['type'], found)
  return found
}

function kindOf(schema: unknown, named: Named): JsonObject {
  if (typeof schema !== 'string') return schema as JsonObject
  return named.get(schema) ?? { type: schema }
}

function looksOf(schema: unknown, named: Named, options: AvroValueOptions): string {
  const { type, logicalType } = kindOf(schema, named)
  const isDate = options.timestamps === 'date'
  if (isDate && (logicalType === 'date' || String(logicalType).startsWith('timestamp-'))) return 'object'
  if (logicalType === 'decimal' || type === 'enum' || type === 'string') return 'text'
  if (type === 'long' && logicalType === undefined && options.longs === 'bigint') return 'bigint'
  if (['int', 'long', 'float', 'double'].includes(String(type))) return 'number'
  if (type === 'bytes' || type === 'fixed') return 'bytes'
  return type === 'record' || type === 'map' ? 'object' : String(type)
}

export function isWrapped(union: readonly unknown[], named: Named, options: AvroValueOptions): boolean {
  return new Set(union.map(branch => looksOf(branch, named, options))).size < union.length
}

export function branchNameOf(schema: unknown, named: Named): string {
  const { type, name } = kindOf(schema, named)
  return String(name ?? type)
}

const DAY = 86_400_000
const MAX_LONG = Number.MAX_SAFE_INTEGER

function decimals(precision: number, scale: number): fc.Arbitrary<string> {
  const bound = 10n ** BigInt(precision) - 1n
  return fc.bigInt({ min: -bound, max: bound }).map(unscaled => {
    const digits = `${unscaled < 0n ? -unscaled : unscaled}`.padStart(scale + 1, '0')
    const text = scale === 0 ? digits : `${digits.slice(0, -scale)}.${digits.slice(-scale)}`
    return unscaled < 0n ? `-${text}` : text
  })
}

function leafValues(schema: JsonObject, options: AvroValueOptions): fc.Arbitrary<unknown> {
  const { type, logicalType } = schema
  if (logicalType === 'decimal') return decimals(Number(schema['precision']), Number(schema['scale']))
  if (options.timestamps === 'date') {
    if (logicalType === 'date')
      return fc.integer({ min: -99_999, max: 99_999 }).map(day => new Date(day * DAY))
    if (String(logicalType).startsWith('timestamp-'))
      return fc.integer({ min: -4e12, max: 4e12 }).map(ms => new Date(ms))
  }
  switch (type) {
    case 'null':
      return fc.constant(null)
    case 'boolean':
      return fc.boolean()
    case 'int':
      return fc.integer()
    case 'long':
      return options.longs === 'bigint' && logicalType === undefined
        ? fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
        : fc.integer({ min: -MAX_LONG, max: MAX_LONG })
    case 'float':
      return fc.float()
    case 'double':
      return fc.double()
    case 'string':
      return fc.string({ unit: 'binary' })
    case 'bytes':
      return fc.uint8Array().map(bytes => Buffer.from(bytes))
    case 'fixed': {
      const size = Number(schema['size'])
      return fc.uint8Array({ minLength: size, maxLength: size }).map(bytes => Buffer.from(bytes))
    }
    default:
      return fc.constantFrom(...(schema['symbols'] as string[]))
  }
}

/** Values that fit a schema. Lists end after a few records. */
export function valuesOf(
  schema: unknown,
  named: Named,
  options: AvroValueOptions,
  depth = 3,
): fc.Arbitrary<unknown> {
  if (Array.isArray(schema)) {
    const wraps = isWrapped(schema, named, options)
    const branches = depth <= 0 && schema.includes('null') ? ['null'] : schema
    return fc.oneof(
      ...branches.map(branch => {
        const values = valuesOf(branch, named, options, depth - 1)
        return wraps && branch !== 'null'
          ? values.map(value => ({ [branchNameOf(branch, named)]: value }))
          : values
      }),
    )
  }
  const kind = kindOf(schema, named)
  const next = depth - 1
  if (kind['type'] === 'array')
    return fc.array(valuesOf(kind['items'], named, options, next), { maxLength: depth > 0 ? 4 : 0 })
  if (kind['type'] === 'map')
    return fc.dictionary(fc.string(), valuesOf(kind['values'], named, options, next), {
      maxKeys: depth > 0 ? 3 : 0,
      noNullPrototype: true,
    })
  if (kind['type'] !== 'record') return leafValues(kind, options)
  const fields = kind['fields'] as JsonObject[]
  const model = fields.map(field => [field['name'], valuesOf(field['type'], named, options, next)] as const)
  return fc.record(Object.fromEntries(model) as Record<string, fc.Arbitrary<unknown>>, {
    noNullPrototype: true,
  })
}

function zigzag(value: bigint): number[] {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  const bytes: number[] = []
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return [...bytes, Number(rest)]
}

function withLength(bytes: Uint8Array): number[] {
  return [...zigzag(BigInt(bytes.length)), ...bytes]
}

function unscaledBytes(text: string, size: number | undefined): Buffer {
  const unscaled = BigInt(text.replace('.', ''))
  let length = size ?? 1
  while (size === undefined && BigInt.asIntN(length * 8, unscaled) !== unscaled) length++
  return Buffer.from(
    BigInt.asUintN(length * 8, unscaled)
      .toString(16)
      .padStart(length * 2, '0'),
    'hex',
  )
}

function leafBytes(schema: JsonObject, value: unknown): number[] {
  const { type, logicalType } = schema
  if (logicalType === 'decimal') {
    const size = type === 'fixed' ? Number(schema['size']) : undefined
    const bytes = unscaledBytes(String(value), size)
    return size === undefined ? withLength(bytes) : [...bytes]
  }
  const number = value instanceof Date ? value.getTime() : value
  switch (type) {
    case 'null':
      return []
    case 'boolean':
      return [value === true ? 1 : 0]
    case 'int':
    case 'long':
      if (!(value instanceof Date)) return zigzag(BigInt(number as number | bigint))
      if (logicalType === 'date') return zigzag(BigInt(Number(number) / DAY))
      return zigzag(BigInt(Number(number)) * (logicalType === 'timestamp-micros' ? 1000n : 1n))
    case 'float':
      return [...new Uint8Array(new Float32Array([number as number]).buffer)]
    case 'double':
      return [...new Uint8Array(new Float64Array([number as number]).buffer)]
    case 'string':
      return withLength(new TextEncoder().encode(String(value)))
    case 'bytes':
      return withLength(value as Buffer)
    case 'fixed':
      return [...(value as Buffer)]
    default:
      return zigzag(BigInt((schema['symbols'] as string[]).indexOf(String(value))))
  }
}

function branchOf(
  union: readonly unknown[],
  value: unknown,
  named: Named,
  options: AvroValueOptions,
): [number, unknown] {
  if (value === null) return [union.indexOf('null'), null]
  if (isWrapped(union, named, options)) {
    const [name, inner] = Object.entries(value as object)[0] as [string, unknown]
    return [union.findIndex(branch => branchNameOf(branch, named) === name), inner]
  }
  const looks = (candidate: unknown): string => {
    if (Array.isArray(candidate)) return 'array'
    if (Buffer.isBuffer(candidate)) return 'bytes'
    return typeof candidate === 'string' ? 'text' : typeof candidate
  }
  return [union.findIndex(branch => looksOf(branch, named, options) === looks(value)), value]
}

/** The bytes of a value, straight from the specification. */
export function bytesOf(schema: unknown, value: unknown, named: Named, options: AvroValueOptions): number[] {
  if (Array.isArray(schema)) {
    const [index, inner] = branchOf(schema, value, named, options)
    return [...zigzag(BigInt(index)), ...bytesOf(schema[index], inner, named, options)]
  }
  const kind = kindOf(schema, named)
  if (kind['type'] === 'record')
    return (kind['fields'] as JsonObject[]).flatMap(field =>
      bytesOf(field['type'], (value as JsonObject)[String(field['name'])], named, options),
    )
  if (kind['type'] !== 'array' && kind['type'] !== 'map') return leafBytes(kind, value)
  const items = Array.isArray(value)
    ? value.map(item => bytesOf(kind['items'], item, named, options))
    : Object.entries(value as object).map(([key, item]) => [
        ...withLength(new TextEncoder().encode(key)),
        ...bytesOf(kind['values'], item, named, options),
      ])
  return items.length === 0 ? [0] : [...zigzag(BigInt(items.length)), ...items.flat(), 0]
}

export const valueOptions: fc.Arbitrary<AvroValueOptions> = fc.record({
  longs: fc.constantFrom('number' as const, 'bigint' as const),
  timestamps: fc.constantFrom('number' as const, 'date' as const),
})

export interface Sample {
  readonly schema: JsonObject
  readonly options: AvroValueOptions
  readonly value: unknown
}

/** A schema, how its values look, and one of them. */
export const samples: fc.Arbitrary<Sample> = fc
  .tuple(recordSchemas, valueOptions)
  .chain(([schema, options]) =>
    valuesOf(schema, namedTypes(schema), options).map(value => ({ schema, options, value })),
  )
