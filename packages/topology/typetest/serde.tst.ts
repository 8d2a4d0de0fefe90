import { expect, test } from 'tstyche'
import { avro, avroFields } from '../src/serde/avro.ts'
import { avroOneOf } from '../src/serde/avro-one-of.ts'
import { type AvroSchema, defineAvro } from '../src/serde/avro-schema.ts'
import type { InferAvro, UnknownAvroName } from '../src/serde/infer-avro.ts'
import { bytes, int32, int64, json, string } from '../src/serde/primitives.ts'
import type { Serde, SerdeValue } from '../src/serde/serde.ts'

const price = defineAvro({
  type: 'record',
  name: 'Price',
  fields: [
    { name: 'amount', type: 'double' },
    { name: 'currency', type: 'string' },
  ],
})

interface Price {
  readonly amount: number
  readonly currency: string
}

test('simple serdes', () => {
  expect(string()).type.toBe<Serde<string>>()
  expect(bytes()).type.toBe<Serde<Buffer>>()
  expect(int32()).type.toBe<Serde<number>>()
  expect(int64()).type.toBe<Serde<bigint>>()
  expect(json<{ a: 1 }>()).type.toBe<Serde<{ a: 1 }>>()
})

test('primitives, enums, fixed, arrays and maps', () => {
  const serde = avro({
    type: 'record',
    name: 'com.example.All',
    fields: [
      { name: 'nothing', type: 'null' },
      { name: 'flag', type: 'boolean' },
      { name: 'int', type: 'int' },
      { name: 'long', type: 'long' },
      { name: 'float', type: 'float' },
      { name: 'raw', type: 'bytes' },
      { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 4 } },
      { name: 'status', type: { type: 'enum', name: 'Status', symbols: ['OPEN', 'DONE'] } },
      { name: 'tags', type: { type: 'array', items: 'string' } },
      { name: 'notes', type: { type: 'map', values: 'int' } },
      { name: 'annotated', type: { type: 'string', doc: 'free text' } },
    ],
  })
  expect<SerdeValue<typeof serde>>().type.toBe<{
    readonly nothing: null
    readonly flag: boolean
    readonly int: number
    readonly long: number
    readonly float: number
    readonly raw: Buffer
    readonly hash: Buffer
    readonly status: 'OPEN' | 'DONE'
    readonly tags: readonly string[]
    readonly notes: { readonly [key: string]: number }
    readonly annotated: string
  }>()
})

test('a schema may be inline, a constant, or made of constants', () => {
  const schema = { type: 'record', name: 'R', fields: [{ name: 'price', type: price }] } as const
  expect(avro(schema)).type.toBe<Serde<{ readonly price: Price }>>()
  expect(avro(defineAvro(schema))).type.toBe<Serde<{ readonly price: Price }>>()
  expect(avro('string')).type.toBe<Serde<string>>()
  expect(avro({ type: 'array', items: 'int' })).type.toBe<Serde<readonly number[]>>()
})

test('names: of the enclosing namespace, full, of another namespace, recursive', () => {
  const schema = defineAvro({
    type: 'record',
    name: 'com.example.Tree',
    fields: [
      { name: 'price', type: price },
      { name: 'again', type: 'Price' },
      { name: 'full', type: 'com.example.Price' },
      {
        name: 'other',
        type: {
          type: 'record',
          name: 'Other',
          namespace: 'org.other',
          fields: [
            { name: 'own', type: { type: 'enum', name: 'E', symbols: ['A'] } },
            { name: 'sameSpace', type: 'E' },
            { name: 'outside', type: 'com.example.Price' },
          ],
        },
      },
      { name: 'e', type: 'org.other.E' },
      { name: 'children', type: { type: 'array', items: 'Tree' } },
    ],
  })
  type Tree = InferAvro<typeof schema>
  expect<Tree['again']>().type.toBe<Price>()
  expect<Tree['full']>().type.toBe<Price>()
  expect<Tree['other']['sameSpace']>().type.toBe<'A'>()
  expect<Tree['other']['outside']>().type.toBe<Price>()
  expect<Tree['e']>().type.toBe<'A'>()
  expect<Tree['children'][number]['children'][number]['price']>().type.toBe<Price>()
})

test('a name that the schema does not define stands in the type', () => {
  const schema = defineAvro({
    type: 'record',
    name: 'com.example.R',
    fields: [{ name: 'price', type: 'Prise' }],
  })
  expect<InferAvro<typeof schema>['price']>().type.toBe<UnknownAvroName<'com.example.Prise'>>()
})

test('unions are plain where their values can be told apart, and wrapped by name where not', () => {
  const schema = defineAvro({
    type: 'record',
    name: 'com.example.U',
    fields: [
      { name: 'maybe', type: ['null', 'string'] },
      { name: 'maybePrice', type: ['null', price] },
      { name: 'plain', type: ['null', 'int', 'string', 'bytes', { type: 'array', items: 'int' }, price] },
      { name: 'numbers', type: ['null', 'int', 'double'] },
      { name: 'texts', type: ['string', { type: 'enum', name: 'E', symbols: ['A'] }] },
      { name: 'objects', type: ['null', 'Price', { type: 'map', values: 'int' }] },
      { name: 'buffers', type: ['bytes', { type: 'fixed', name: 'org.F', size: 2 }] },
    ],
  })
  type U = InferAvro<typeof schema>
  expect<U['maybe']>().type.toBe<string | null>()
  expect<U['maybePrice']>().type.toBe<Price | null>()
  expect<U['plain']>().type.toBe<null | number | string | Buffer | readonly number[] | Price>()
  expect<U['numbers']>().type.toBe<null | { readonly int: number } | { readonly double: number }>()
  expect<U['texts']>().type.toBe<{ readonly string: string } | { readonly 'com.example.E': 'A' }>()
  expect<U['objects']>().type.toBe<
    null | { readonly 'com.example.Price': Price } | { readonly map: { readonly [key: string]: number } }
  >()
  expect<U['buffers']>().type.toBe<{ readonly bytes: Buffer } | { readonly 'org.F': Buffer }>()
})

const times = defineAvro({
  type: 'record',
  name: 'Times',
  fields: [
    { name: 'millis', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'micros', type: { type: 'long', logicalType: 'timestamp-micros' } },
    { name: 'day', type: { type: 'int', logicalType: 'date' } },
    { name: 'local', type: { type: 'long', logicalType: 'local-timestamp-millis' } },
    { name: 'timeOfDay', type: { type: 'int', logicalType: 'time-millis' } },
    { name: 'id', type: { type: 'string', logicalType: 'uuid' } },
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'count', type: 'long' },
    { name: 'unknownLogical', type: { type: 'long', logicalType: 'fortnights' } },
    { name: 'onTheWrongType', type: { type: 'string', logicalType: 'timestamp-millis' } },
    { name: 'noPrecision', type: { type: 'bytes', logicalType: 'decimal' } },
  ],
})

test('logical types and longs, by default and by option', () => {
  expect<InferAvro<typeof times>>().type.toBe<{
    readonly millis: number
    readonly micros: number
    readonly day: number
    readonly local: number
    readonly timeOfDay: number
    readonly id: string
    readonly amount: string
    readonly count: number
    readonly unknownLogical: number
    readonly onTheWrongType: string
    readonly noPrecision: Buffer
  }>()
  const dates = avro(times, { timestamps: 'date', longs: 'bigint' })
  expect<SerdeValue<typeof dates>>().type.toBe<{
    readonly millis: Date
    readonly micros: Date
    readonly day: Date
    readonly local: number
    readonly timeOfDay: number
    readonly id: string
    readonly amount: string
    readonly count: bigint
    readonly unknownLogical: bigint
    readonly onTheWrongType: string
    readonly noPrecision: Buffer
  }>()
})

test('what makes a union ambiguous follows the options', () => {
  const record = {
    type: 'record',
    name: 'R',
    fields: [{ name: 'a', type: ['null', 'long', 'int'] }],
  } as const
  expect<InferAvro<typeof record>['a']>().type.toBe<
    null | { readonly long: number } | { readonly int: number }
  >()
  expect<InferAvro<typeof record, { longs: 'bigint' }>['a']>().type.toBe<null | bigint | number>()
})

test('a topic of several record types is a discriminated union', () => {
  const serde = avroOneOf({
    priced: price,
    named: { type: 'record', name: 'Named', fields: [{ name: 'name', type: 'string' }] },
  })
  expect<SerdeValue<typeof serde>>().type.toBe<
    | { readonly type: 'priced'; readonly value: Price }
    | { readonly type: 'named'; readonly value: { readonly name: string } }
  >()
})

test('the values of a record of which some fields are used have only these', () => {
  const schema = defineAvro({
    type: 'record',
    name: 'Booking',
    fields: [
      { name: 'bookingId', type: 'string' },
      { name: 'price', type: price },
      { name: 'fee', type: ['null', 'Price'] },
    ],
  })
  expect(avroFields(schema, ['bookingId'])).type.toBe<Serde<{ readonly bookingId: string }>>()
  // The definition stands in a field that is left out.
  expect(avroFields(schema, ['fee'])).type.toBe<Serde<{ readonly fee: Price | null }>>()
  expect(avroFields).type.not.toBeCallableWith(schema, ['bookingID'])
  expect(avroFields).type.not.toBeCallableWith('string', ['length'])
})

test('a schema that is only known at run time has unknown values', () => {
  expect(avro('string' as unknown as AvroSchema)).type.toBe<Serde<unknown>>()
})

test('what is no schema does not compile', () => {
  expect(avro).type.not.toBeCallableWith({ type: 'recrod', name: 'R', fields: [] })
  expect(avro).type.not.toBeCallableWith({ type: 'record', fields: [] })
  expect(avro).type.not.toBeCallableWith({ type: 'record', name: 'R', fields: [{ name: 'a' }] })
  expect(avro).type.not.toBeCallableWith({ type: 'enum', name: 'E' })
  expect(avro).type.not.toBeCallableWith({ type: 'array' })
  expect(avro).type.not.toBeCallableWith(5)
})

test('a schema whose literals were widened does not compile: it lacks as const', () => {
  const widened = { type: 'record', name: 'R', fields: [{ name: 'a', type: 'int' }] }
  expect(avro).type.not.toBeCallableWith(widened)
})

test('options are known by name', () => {
  expect(avro).type.toBeCallableWith(price, { subject: 'record', longs: 'bigint' })
  expect(avro).type.not.toBeCallableWith(price, { subject: 'topicName' })
  expect(avro).type.not.toBeCallableWith(price, { longs: 'string' })
})

test('a value needs every field, with its own type', () => {
  type Value = SerdeValue<Serde<InferAvro<typeof price>>>
  expect<{ amount: number; currency: string }>().type.toBeAssignableTo<Value>()
  expect<{ amount: number }>().type.not.toBeAssignableTo<Value>()
  expect<{ amount: string; currency: string }>().type.not.toBeAssignableTo<Value>()
  expect<{ amount: number; currency: string | undefined }>().type.not.toBeAssignableTo<Value>()
})
