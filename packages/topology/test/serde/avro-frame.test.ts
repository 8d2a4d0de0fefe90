import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TopologyError } from '../../src/errors.ts'
import { avro } from '../../src/serde/avro.ts'
import { defineAvro } from '../../src/serde/avro-schema.ts'
import { InMemorySchemaRegistry } from '../../src/serde/in-memory-schema-registry.ts'
import { SchemaNotLoaded } from '../../src/serde/serde.ts'
import { decoded, encoded, fails, framed, openSerde } from './support.ts'

const malformed = 'TOPOLOGY_DESERIALIZATION_FAILED'

const booking = defineAvro({
  type: 'record',
  name: 'com.example.Booking',
  fields: [{ name: 'bookingId', type: 'string' }],
})
const newerBooking = defineAvro({
  type: 'record',
  name: 'com.example.Booking',
  fields: [
    { name: 'bookingId', type: 'string' },
    { name: 'quantity', type: 'int', default: 1 },
  ],
})

/** A registry that counts how often a schema is asked for, and waits before it answers. */
class SlowRegistry extends InMemorySchemaRegistry {
  requests = 0
  answer: Promise<unknown> = Promise.resolve()

  override async schemaById(id: number): Promise<string> {
    this.requests++
    await this.answer
    return super.schemaById(id)
  }
}

function thrownBy(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return assert.fail('nothing was thrown')
}

test('a value is framed with magic byte 0 and the big-endian id of its schema', async () => {
  const registry = new InMemorySchemaRegistry()
  await registry.register('other', '"int"')
  const codec = await openSerde(avro(booking), { registry })
  assert.equal(encoded(codec, { bookingId: 'b1' }).toString('hex'), '0000000002046231')
})

test('bytes that are no frame are malformed, and the message shows them', async () => {
  const codec = await openSerde(avro(booking))
  const cases: readonly (readonly [string, RegExp])[] = [
    ['', /0 bytes/],
    ['00000001', /at least 5 bytes; seen 4 bytes: 00 00 00 01/],
    ['0100000001046231', /magic byte 0 .*; seen 8 bytes: 01 00/],
    [Buffer.from('{"bookingId":"b1"}').toString('hex'), /magic byte 0 .*; seen 18 bytes: 7b 22/],
    ['0000000001', /end before the value does/],
    ['00000000010462', /end before the value does; seen 7 bytes/],
    ['000000000104623100ff', /2 bytes are left over/],
    ['00000000010363', /end before the value does/],
  ]
  for (const [hex, message] of cases)
    assert.throws(
      () => decoded(codec, Buffer.from(hex, 'hex')),
      fails(malformed, /Cannot read the value of bookings \(avro:com.example.Booking\)/, message),
      hex,
    )
})

test('a value that ends early is malformed even where the batch goes on', async () => {
  const codec = await openSerde(avro(booking))
  const bytes = encoded(codec, { bookingId: 'booking-1' })
  const batch = Buffer.concat([bytes, bytes, bytes])
  assert.throws(() => codec.decode(batch, 0, bytes.length - 1), fails(malformed, /end before/))
  assert.throws(() => codec.decode(batch, 0, bytes.length + 1), fails(malformed, /1 byte is left over/))
})

test('a long record shows its first bytes only', async () => {
  const codec = await openSerde(avro(booking))
  const error = thrownBy(() => decoded(codec, Buffer.alloc(5_000, 7))) as TopologyError
  assert.match(error.message, /seen 5000 bytes: (07 ){24}…$/)
})

test('an unknown schema is asked for once, however many records name it', async () => {
  const registry = new SlowRegistry()
  const writer = await openSerde(avro(newerBooking), { registry, topic: 'elsewhere' })
  const codec = await openSerde(avro(booking), { registry, read: true, write: false })
  const bytes = encoded(writer, { bookingId: 'b1', quantity: 2 })
  const missing = [1, 2, 3].map(() => thrownBy(() => decoded(codec, bytes)))
  for (const error of missing) assert.ok(error instanceof SchemaNotLoaded && error.schemaId === 1)
  await Promise.all(missing.map(error => (error as SchemaNotLoaded).load()))
  assert.equal(registry.requests, 1)
  assert.deepEqual(decoded(codec, bytes), { bookingId: 'b1' })
})

test('a schema that the registry does not have is asked for again', async () => {
  const registry = new SlowRegistry()
  const codec = await openSerde(avro(booking), { registry })
  const unknown = framed(77, [0])
  for (const attempt of [1, 2]) {
    const error = thrownBy(() => decoded(codec, unknown)) as SchemaNotLoaded
    await assert.rejects(error.load(), fails('TOPOLOGY_SCHEMA_UNKNOWN', /schema 77/))
    assert.equal(registry.requests, attempt)
  }
})

test('records of a schema that cannot be read are malformed, and the message says what differs', async () => {
  const registry = new InMemorySchemaRegistry()
  const codec = await openSerde(avro(newerBooking), { registry })
  const id = await registry.register(
    'other',
    JSON.stringify({
      type: 'record',
      name: 'com.example.Booking',
      fields: [{ name: 'quantity', type: 'string' }],
    }),
  )
  const bytes = framed(id, [2, 0x31])
  await (thrownBy(() => decoded(codec, bytes)) as SchemaNotLoaded).load()
  assert.throws(
    () => decoded(codec, bytes),
    fails(
      malformed,
      /bookingId is not in the writer's schema and has no default/,
      /quantity is written as string and read as int/,
    ),
  )
})

test('records of a schema that is no Avro are malformed, not a reason to stop', async () => {
  class JsonRegistry extends InMemorySchemaRegistry {
    override schemaById(id: number): Promise<string> {
      return id === 5
        ? Promise.reject(new TopologyError('TOPOLOGY_SCHEMA_INVALID', 'Schema 5 is of type JSON'))
        : Promise.resolve('{"type":"nonsense"}')
    }
  }
  const codec = await openSerde(avro(booking), { registry: new JsonRegistry() })
  for (const [id, message] of [
    [5, /type JSON/],
    [6, /nonsense/],
  ] as const) {
    const bytes = framed(id, [0])
    await (thrownBy(() => decoded(codec, bytes)) as SchemaNotLoaded).load()
    assert.throws(() => decoded(codec, bytes), fails(malformed, message))
  }
})

test('decoded values keep nothing of the batch', async () => {
  const schema = defineAvro({
    type: 'record',
    name: 'R',
    fields: [
      { name: 'raw', type: 'bytes' },
      { name: 'hash', type: { type: 'fixed', name: 'H', size: 3 } },
      { name: 'text', type: 'string' },
    ],
  })
  const codec = await openSerde(avro(schema))
  const value = { raw: Buffer.from('raw'), hash: Buffer.from('abc'), text: 'text' }
  const batch = encoded(codec, value)
  const read = decoded(codec, batch)
  assert.notEqual(read.raw.buffer, batch.buffer)
  batch.fill(0)
  assert.deepEqual(read, value)
})

test('a codec for reading alone encodes the same bytes for the same value, for use within the process', async () => {
  const registry = new InMemorySchemaRegistry()
  const codec = await openSerde(avro(booking), { registry, write: false })
  assert.equal(encoded(codec, { bookingId: 'b1' }).toString('hex'), '0000000000046231')
  assert.equal(await registry.latest('bookings-value'), undefined)
})
