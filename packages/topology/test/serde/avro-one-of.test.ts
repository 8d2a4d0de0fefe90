import assert from 'node:assert/strict'
import { test } from 'node:test'
import { avro } from '../../src/serde/avro.ts'
import { avroOneOf } from '../../src/serde/avro-one-of.ts'
import { defineAvro } from '../../src/serde/avro-schema.ts'
import { InMemorySchemaRegistry } from '../../src/serde/in-memory-schema-registry.ts'
import { SchemaNotLoaded } from '../../src/serde/serde.ts'
import { decoded, encoded, fails, openSerde, read } from './support.ts'

const bookingCompleted = defineAvro({
  type: 'record',
  name: 'com.example.BookingCompleted',
  fields: [{ name: 'bookingId', type: 'string' }],
})
const accountCreated = defineAvro({
  type: 'record',
  name: 'com.example.AccountCreated',
  fields: [{ name: 'email', type: 'string' }],
})
const events = avroOneOf({ bookingCompleted, accountCreated })

test('each record type is written under its own subject and read as its own branch', async () => {
  const registry = new InMemorySchemaRegistry()
  const codec = await openSerde(events, { registry, topic: 'events' })
  const values = [
    { type: 'accountCreated', value: { email: 'ada@example.com' } },
    { type: 'bookingCompleted', value: { bookingId: 'b1' } },
  ] as const
  for (const value of values) assert.deepEqual(decoded(codec, encoded(codec, value)), value)
  assert.equal((await registry.latest('events-com.example.BookingCompleted'))?.id, 1)
  assert.equal((await registry.latest('events-com.example.AccountCreated'))?.id, 2)
})

test('a newer version of one record type is read by that branch’s schema', async () => {
  const registry = new InMemorySchemaRegistry()
  const codec = await openSerde(events, { registry, topic: 'events' })
  const newer = defineAvro({
    ...bookingCompleted,
    fields: [...bookingCompleted.fields, { name: 'quantity', type: 'int', default: 1 }],
  })
  const writer = await openSerde(avro(newer, { subject: 'topic-record' }), { registry, topic: 'events' })
  const bytes = encoded(writer, { bookingId: 'b1', quantity: 2 })
  assert.throws(() => decoded(codec, bytes), SchemaNotLoaded)
  const reader = await openSerde(events, { registry, topic: 'events', write: false })
  assert.deepEqual(decoded(reader, bytes), { type: 'bookingCompleted', value: { bookingId: 'b1' } })
})

test('a record type that no branch has is malformed, and the message names it and what is taken', async () => {
  const registry = new InMemorySchemaRegistry()
  const other = defineAvro({ type: 'record', name: 'com.example.Other', fields: [] })
  const writer = await openSerde(avro(other, { subject: 'topic-record' }), { registry, topic: 'events' })
  const codec = await openSerde(events, { registry, topic: 'events' })
  const bytes = encoded(writer, {})
  await assert.rejects(
    read(codec, bytes),
    fails(
      'TOPOLOGY_DESERIALIZATION_FAILED',
      /com.example.Other/,
      /com.example.BookingCompleted, com.example.AccountCreated/,
    ),
  )
})

test('a value of no branch, or that its branch does not take, is refused', async () => {
  const codec = await openSerde(events)
  const refused = 'TOPOLOGY_SERIALIZATION_FAILED'
  const wrong = { type: 'bookingCompleted', value: { email: 'x' } }
  assert.throws(() => codec.encode(wrong as never), fails(refused, /bookingId is undefined/))
  for (const value of [{ type: 'other', value: {} }, { bookingId: 'b' }, null, 5])
    assert.throws(
      () => codec.encode(value as never),
      fails(refused, /bookingCompleted, accountCreated is needed/),
    )
})

test('a branch that the registry’s latest version cannot be read with stops the start', async () => {
  const registry = new InMemorySchemaRegistry()
  const other = defineAvro({ ...bookingCompleted, fields: [{ name: 'bookingId', type: 'int' }] })
  await openSerde(avro(other, { subject: 'topic-record' }), { registry, topic: 'events' })
  await assert.rejects(
    openSerde(events, { registry, topic: 'events', write: false }),
    fails('TOPOLOGY_SCHEMA_INCOMPATIBLE', /bookingId is written as int and read as string/),
  )
})

test('branches must be records with names of their own', () => {
  assert.throws(() => avroOneOf({ text: 'string' }), fails('TOPOLOGY_SCHEMA_INVALID', /text/))
  assert.throws(
    () => avroOneOf({ a: accountCreated, b: accountCreated }),
    fails('TOPOLOGY_SCHEMA_INVALID', /named com.example.AccountCreated/),
  )
})
