import fc from 'fast-check'
import type { AvroValueOptions } from '../../src/serde/infer-avro.ts'
import {
  isWrapped,
  type JsonObject,
  namedTypes,
  recordSchemas,
  valueOptions,
  valuesOf,
} from './arbitrary-avro.ts'

/** A reader's schema made of a writer's by changes that Avro allows, and what they make of a value. */
interface Change {
  readonly schema: unknown
  readonly convert: (value: unknown) => unknown
}

const same = (schema: unknown): Change => ({ schema, convert: value => value })

const PROMOTIONS: Readonly<Record<string, readonly string[]>> = {
  int: ['int', 'long', 'float', 'double'],
  long: ['long', 'float', 'double'],
  float: ['float', 'double'],
  string: ['string', 'bytes'],
  bytes: ['bytes'],
}

function promote(from: string, to: string, options: AvroValueOptions): Change {
  if (from === 'string' && to === 'bytes') return { schema: to, convert: text => Buffer.from(String(text)) }
  if (to === 'long' && options.longs === 'bigint')
    return { schema: to, convert: value => BigInt(value as number) }
  if (from === 'long' && to !== 'long') return { schema: to, convert: Number }
  return same(to)
}

function changeEnum(schema: JsonObject): fc.Arbitrary<Change> {
  const written = schema['symbols'] as string[]
  return fc.tuple(fc.shuffledSubarray(written), fc.boolean()).map(([kept, isComplete]) => {
    const symbols = [...(isComplete ? written.toReversed() : kept), 'FALLBACK', 'NEW']
    return {
      schema: { ...schema, symbols, default: 'FALLBACK' },
      convert: symbol => (symbols.includes(String(symbol)) ? symbol : 'FALLBACK'),
    }
  })
}

interface AddedField {
  readonly field: JsonObject
  readonly value: unknown
}

const ADDED: readonly AddedField[] = [
  { field: { name: 'added1', type: 'string', default: 'x' }, value: 'x' },
  { field: { name: 'added2', type: ['null', 'int'], default: null }, value: null },
  { field: { name: 'added3', type: { type: 'array', items: 'int' }, default: [1, 2] }, value: [1, 2] },
  {
    field: { name: 'added4', type: { type: 'map', values: 'double' }, default: { a: 0.5 } },
    value: { a: 0.5 },
  },
  { field: { name: 'added5', type: ['int', 'float'], default: 7 }, value: { int: 7 } },
  {
    field: {
      name: 'added6',
      type: { type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 },
      default: '\u0001\u0000',
    },
    value: '2.56',
  },
]

function changeRecord(schema: JsonObject, options: AvroValueOptions, isRoot: boolean): fc.Arbitrary<Change> {
  const fields = schema['fields'] as JsonObject[]
  const isRecursive = fields.some(({ name }) => name === 'next')
  // A recursive record appears in many places, and all are of the one definition: it is left as it is.
  if (isRecursive && !isRoot) return fc.constant(same(schema))
  const changes = fields.map(field =>
    field['name'] === 'next' ? fc.constant(same(field['type'])) : changesOf(field['type'], options),
  )
  return fc
    .tuple(
      fc.tuple(...changes),
      fc.shuffledSubarray([...fields.keys()]),
      isRoot && !isRecursive ? fc.subarray([...ADDED]) : fc.constant<AddedField[]>([]),
    )
    .map(([changed, kept, added]) => {
      const order = isRecursive ? [...fields.keys()] : kept
      const readerFields = order.map(i => ({ ...fields[i], type: changed[i]?.schema }))
      const convert = (value: unknown): unknown => {
        const record = value as JsonObject
        const read = order.map(i => {
          const name = String(fields[i]?.['name'])
          // What follows in a list is of the same change as the record itself.
          const follow =
            name === 'next' ? (next: unknown) => (next === null ? null : convert(next)) : undefined
          return [name, (follow ?? changed[i]?.convert)?.(record[name])] as const
        })
        return Object.fromEntries([
          ...read,
          ...added.map(({ field, value: filled }) => [field['name'], filled]),
        ])
      }
      return { schema: { ...schema, fields: [...readerFields, ...added.map(({ field }) => field)] }, convert }
    })
}

function changesOf(schema: unknown, options: AvroValueOptions, isRoot = false): fc.Arbitrary<Change> {
  if (Array.isArray(schema)) {
    const other = schema.find(branch => branch !== 'null')
    // Of a union only the optional one changes, and only in what is not null.
    if (schema.length !== 2 || !schema.includes('null')) return fc.constant(same(schema))
    return changePlain(other, options, false).map(change => ({
      schema: schema.map(branch => (branch === 'null' ? 'null' : change.schema)),
      convert: value => (value === null ? null : change.convert(value)),
    }))
  }
  const changed = changePlain(schema, options, isRoot)
  if (isRoot || schema === 'null') return changed
  // Readers often make a field optional that writers always fill.
  return fc
    .tuple(changed, fc.boolean())
    .map(([change, isOptional]) =>
      isOptional && !Array.isArray(change.schema) && !isWrapped(['null', change.schema], new Map(), options)
        ? { ...change, schema: ['null', change.schema] }
        : change,
    )
}

function changePlain(schema: unknown, options: AvroValueOptions, isRoot: boolean): fc.Arbitrary<Change> {
  if (typeof schema === 'string') {
    const targets = PROMOTIONS[schema] ?? [schema]
    return fc.constantFrom(...targets).map(to => promote(schema, to, options))
  }
  const object = schema as JsonObject
  switch (object['type']) {
    case 'record':
      return changeRecord(object, options, isRoot)
    case 'enum':
      return changeEnum(object)
    case 'array':
      return changesOf(object['items'], options).map(({ schema: items, convert }) => ({
        schema: { ...object, items },
        convert: value => (value as unknown[]).map(convert),
      }))
    case 'map':
      return changesOf(object['values'], options).map(({ schema: values, convert }) => ({
        schema: { ...object, values },
        convert: value =>
          Object.fromEntries(Object.entries(value as object).map(([key, item]) => [key, convert(item)])),
      }))
    default:
      return fc.constant(same(schema))
  }
}

export interface Evolution {
  readonly writer: JsonObject
  readonly reader: JsonObject
  readonly options: AvroValueOptions
  readonly written: unknown
  readonly read: unknown
}

/** A value as an old writer wrote it, and as a newer reader must see it. */
export const evolutions: fc.Arbitrary<Evolution> = fc
  .tuple(recordSchemas, valueOptions)
  .chain(([writer, options]) =>
    fc
      .tuple(valuesOf(writer, namedTypes(writer), options), changesOf(writer, options, true))
      .map(([written, { schema, convert }]) => ({
        writer,
        reader: schema as JsonObject,
        options,
        written,
        read: convert(written),
      })),
  )
