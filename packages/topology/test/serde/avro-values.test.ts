import assert from 'node:assert/strict'
import { test } from 'node:test'
import { avro } from '../../src/serde/avro.ts'
import { defineAvro } from '../../src/serde/avro-schema.ts'
import { decoded, encoded, fails, openSerde } from './support.ts'

const refused = 'TOPOLOGY_SERIALIZATION_FAILED'

const price = defineAvro({
  type: 'record',
  name: 'com.example.Price',
  fields: [
    { name: 'amount', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'currency', type: 'string' },
  ],
})

const booking = defineAvro({
  type: 'record',
  name: 'com.example.Booking',
  fields: [
    { name: 'bookingId', type: { type: 'string', logicalType: 'uuid' } },
    { name: 'price', type: price },
    { name: 'fee', type: ['null', price], default: null },
    { name: 'bookedAt', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'tags', type: { type: 'array', items: 'string' }, default: [] },
    { name: 'status', type: { type: 'enum', name: 'Status', symbols: ['OPEN', 'DONE'] } },
    { name: 'notes', type: { type: 'map', values: 'string' } },
  ],
})

const ada = {
  bookingId: '0b0e7a0e-1f6e-4d0c-9a53-0f8a4a2f2b1c',
  price: { amount: '12.50', currency: 'EUR' },
  fee: null,
  bookedAt: 1_700_000_000_000,
  tags: ['new'],
  status: 'OPEN',
  notes: { de: 'Hallo' },
} as const

test('a constant may be used twice in a schema: it is registered once and referred to by name', async () => {
  const codec = await openSerde(avro(booking))
  assert.deepEqual(decoded(codec, encoded(codec, { ...ada, fee: ada.price })), { ...ada, fee: ada.price })
})

test('decoded records, maps and wrapped values are plain objects', async () => {
  const codec = await openSerde(avro(booking))
  const value = decoded(codec, encoded(codec, ada))
  assert.equal(Object.getPrototypeOf(value), Object.prototype)
  assert.equal(Object.getPrototypeOf(value.price), Object.prototype)
  assert.deepEqual(Object.keys(value), Object.keys(ada))
})

test('a field that is undefined at run time is written as its default', async () => {
  const codec = await openSerde(avro(booking))
  const { fee: _fee, tags: _tags, ...partial } = ada
  assert.deepEqual(decoded(codec, encoded(codec, partial as never)), { ...ada, tags: [] })
})

test('a decimal is exact text of the schema’s scale; fewer digits are filled up, more are refused', async () => {
  const codec = await openSerde(avro(price))
  const amountOf = (amount: string): string =>
    decoded(codec, encoded(codec, { amount, currency: 'EUR' })).amount
  assert.equal(amountOf('5'), '5.00')
  assert.equal(amountOf('-0.5'), '-0.50')
  assert.equal(amountOf('9999999.99'), '9999999.99')
  for (const amount of ['1.234', '10000000.00', '1e3', '', 'NaN', '1,5', ' 1'])
    assert.throws(() => amountOf(amount), fails(refused, /amount is /, /decimal\(9, 2\)/), amount)
  assert.throws(() => amountOf(12.5 as never), fails(refused, /amount is the number 12.5/))
})

test('timestamps are numbers of the schema’s unit, or Dates by option', async () => {
  const schema = defineAvro({
    type: 'record',
    name: 'Times',
    fields: [
      { name: 'millis', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'micros', type: { type: 'long', logicalType: 'timestamp-micros' } },
      { name: 'day', type: { type: 'int', logicalType: 'date' } },
      { name: 'local', type: { type: 'long', logicalType: 'local-timestamp-millis' } },
    ],
  })
  const numbers = await openSerde(avro(schema))
  const asNumbers = { millis: -1, micros: 1_700_000_000_123_456, day: 19_000, local: 5 }
  const bytes = encoded(numbers, asNumbers)
  assert.deepEqual(decoded(numbers, bytes), asNumbers)
  const dates = await openSerde(avro(schema, { timestamps: 'date' }))
  const asDates = {
    millis: new Date(-1),
    micros: new Date('2023-11-14T22:13:20.123Z'),
    day: new Date('2022-01-08'),
    local: 5,
  }
  assert.deepEqual(decoded(dates, bytes), asDates)
  assert.deepEqual(decoded(dates, encoded(dates, asDates)), asDates)
  const invalid = { ...asDates, millis: new Date(Number.NaN) }
  assert.throws(() => dates.encode(invalid), fails(refused, /millis is an invalid Date/))
})

test('longs are numbers that refuse what they cannot hold, or bigints by option', async () => {
  const schema = defineAvro({ type: 'record', name: 'L', fields: [{ name: 'n', type: 'long' }] })
  const bigints = await openSerde(avro(schema, { longs: 'bigint' }))
  const numbers = await openSerde(avro(schema))
  for (const n of [0n, -1n, 2n ** 31n, -(2n ** 52n) - 1n, 2n ** 53n - 1n]) {
    const bytes = encoded(bigints, { n })
    assert.deepEqual(decoded(bigints, bytes), { n })
    assert.deepEqual(decoded(numbers, bytes), { n: Number(n) })
    assert.deepEqual(encoded(numbers, { n: Number(n) }), bytes)
  }
  for (const n of [2n ** 53n, -(2n ** 63n), 2n ** 63n - 1n]) {
    const bytes = encoded(bigints, { n })
    assert.deepEqual(decoded(bigints, bytes), { n })
    assert.throws(() => decoded(numbers, bytes), fails('TOPOLOGY_DESERIALIZATION_FAILED', /longs: 'bigint'/))
  }
  for (const n of [Number.NaN, 1.5, 2 ** 53, Infinity, '1', 1n])
    assert.throws(() => numbers.encode({ n } as never), fails(refused, /n is /), String(n))
  for (const n of [1, 2n ** 63n]) assert.throws(() => bigints.encode({ n } as never), fails(refused, /n is /))
})

test('timestamps stay numbers beside longs that are bigints', async () => {
  const schema = defineAvro({
    type: 'record',
    name: 'Mixed',
    fields: [
      { name: 'id', type: 'long' },
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
    ],
  })
  const codec = await openSerde(avro(schema, { longs: 'bigint' }))
  assert.deepEqual(decoded(codec, encoded(codec, { id: 5n, at: 5 })), { id: 5n, at: 5 })
})

test('branches of a union that look alike are wrapped by name, others are not', async () => {
  const schema = defineAvro({
    type: 'record',
    name: 'com.example.U',
    fields: [
      { name: 'plain', type: ['null', 'string', 'long', { type: 'array', items: 'int' }] },
      { name: 'numbers', type: ['null', 'int', 'double'] },
      {
        name: 'records',
        type: [price, { type: 'record', name: 'Refund', fields: [{ name: 'why', type: 'string' }] }],
      },
      { name: 'later', type: ['null', 'com.example.Price', 'Refund'], default: null },
    ],
  })
  const codec = await openSerde(avro(schema))
  for (const plain of [null, 'x', 5, [1, 2]]) {
    const value = {
      plain,
      numbers: { int: 1 },
      records: { 'com.example.Refund': { why: 'late' } },
      later: null,
    }
    assert.deepEqual(decoded(codec, encoded(codec, value)), value)
  }
  const value = {
    plain: null,
    numbers: { double: 1 },
    records: { 'com.example.Price': ada.price },
    later: { 'com.example.Refund': { why: 'x' } },
  }
  assert.deepEqual(decoded(codec, encoded(codec, value)), value)
  assert.throws(
    () => codec.encode({ ...value, numbers: 1 } as never),
    fails(refused, /numbers is the number 1, one of null, { "int": … }, { "double": … } is needed/),
  )
})

test('a Date beside a record in a union is wrapped, as the type says', async () => {
  const schema = defineAvro({
    type: 'record',
    name: 'W',
    fields: [{ name: 'when', type: ['null', { type: 'long', logicalType: 'timestamp-millis' }, price] }],
  })
  const dates = await openSerde(avro(schema, { timestamps: 'date' }))
  const asDate = { when: { long: new Date(5) } }
  assert.deepEqual(decoded(dates, encoded(dates, asDate)), asDate)
  const numbers = await openSerde(avro(schema))
  assert.deepEqual(decoded(numbers, encoded(dates, asDate)), { when: 5 })
})

test('an entry of a map named __proto__ is an entry', async () => {
  const codec = await openSerde(avro({ type: 'map', values: 'int' }))
  const value = JSON.parse('{ "__proto__": 1, "constructor": 2 }') as Record<string, number>
  assert.deepEqual(decoded(codec, encoded(codec, value)), value)
})

test('text that was cut within an emoji is written as well-formed UTF-8', async () => {
  const codec = await openSerde(avro('string'))
  for (const length of [1, 100]) {
    const cut = `${'a'.repeat(length)}\ud83d`
    assert.equal(decoded(codec, encoded(codec, cut)), `${'a'.repeat(length)}\ufffd`)
  }
})

test('values of all sizes are encoded whole, whatever came before', async () => {
  const codec = await openSerde(avro({ type: 'array', items: 'string' }))
  for (const size of [1, 50_000, 2, 300, 511, 512, 513, 1_000_000, 3]) {
    const value = ['a'.repeat(size), 'b']
    assert.deepEqual(decoded(codec, encoded(codec, value)), value)
  }
})
