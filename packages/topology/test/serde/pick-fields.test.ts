import assert from 'node:assert/strict'
import { test } from 'node:test'
import { avro, avroFields } from '../../src/serde/avro.ts'
import { defineAvro } from '../../src/serde/avro-schema.ts'
import { InMemorySchemaRegistry } from '../../src/serde/in-memory-schema-registry.ts'
import { decoded, encoded, fails, openSerde, read } from './support.ts'

const booking = defineAvro({
  type: 'record',
  name: 'com.example.Booking',
  fields: [
    { name: 'bookingId', type: 'string' },
    {
      name: 'price',
      type: {
        type: 'record',
        name: 'Price',
        fields: [
          { name: 'amount', type: 'double' },
          { name: 'currency', type: 'string' },
        ],
      },
    },
    { name: 'fee', type: ['null', 'Price'] },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'quantity', type: 'int' },
  ],
})

const ada = {
  bookingId: 'b1',
  price: { amount: 12.5, currency: 'EUR' },
  fee: { amount: 1, currency: 'EUR' },
  tags: ['new', 'kids'],
  quantity: 2,
} as const

test('of a record that was written whole, the fields that are used are read', async () => {
  const registry = new InMemorySchemaRegistry()
  const writer = await openSerde(avro(booking), { registry })
  const reader = await openSerde(avroFields(booking, ['quantity', 'bookingId']), {
    registry,
    write: false,
  })
  assert.deepEqual(await read(reader, encoded(writer, ada)), { bookingId: 'b1', quantity: 2 })
})

test('a type that a field left out has defined is defined where it is used', async () => {
  const registry = new InMemorySchemaRegistry()
  const writer = await openSerde(avro(booking), { registry })
  const reader = await openSerde(avroFields(booking, ['fee']), { registry, write: false })
  assert.deepEqual(await read(reader, encoded(writer, ada)), { fee: { amount: 1, currency: 'EUR' } })
})

test('what is written has only the fields that are used', async () => {
  const registry = new InMemorySchemaRegistry()
  const codec = await openSerde(avroFields(booking, ['tags']), { registry })
  assert.deepEqual(decoded(codec, encoded(codec, { tags: ['new'] })), { tags: ['new'] })
  const latest = await registry.latest('bookings-value')
  assert.deepEqual(JSON.parse(latest!.schema), {
    type: 'record',
    name: 'com.example.Booking',
    fields: [{ name: 'tags', type: { type: 'array', items: 'string' } }],
  })
})

test('bytes that end within a field that is not used are refused', async () => {
  const registry = new InMemorySchemaRegistry()
  const writer = await openSerde(avro(booking), { registry })
  const reader = await openSerde(avroFields(booking, ['bookingId']), { registry, write: false })
  const bytes = encoded(writer, ada)
  await assert.rejects(
    () => read(reader, bytes.subarray(0, bytes.length - 4)),
    fails('TOPOLOGY_DESERIALIZATION_FAILED'),
  )
})

test('a name that the record has no field of is refused, and so are none and what is no record', () => {
  assert.throws(
    () => avroFields(booking, ['bookingID' as 'bookingId']),
    fails('TOPOLOGY_SCHEMA_INVALID', /bookingID/, /bookingId, price, fee, tags, quantity/),
  )
  assert.throws(() => avroFields(booking, []), fails('TOPOLOGY_SCHEMA_INVALID', /none/))
  assert.throws(
    () => avroFields('string' as never, ['a' as never]),
    fails('TOPOLOGY_SCHEMA_INVALID', /only a record/),
  )
})
