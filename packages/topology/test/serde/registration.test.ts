import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TopologyError } from '../../src/errors.ts'
import { avro } from '../../src/serde/avro.ts'
import { defineAvro } from '../../src/serde/avro-schema.ts'
import { InMemorySchemaRegistry } from '../../src/serde/in-memory-schema-registry.ts'
import { decoded, encoded, fails, openSerde } from './support.ts'

const incompatible = 'TOPOLOGY_SCHEMA_INCOMPATIBLE'

function recordOf<const F extends readonly { name: string; type: string }[]>(...fields: F) {
  return defineAvro({ type: 'record', name: 'com.example.Booking', fields })
}

const id = { name: 'bookingId', type: 'string' } as const
const quantity = { name: 'quantity', type: 'int', default: 1 } as const
const requiredQuantity = { name: 'quantity', type: 'int' } as const

test('a writer registers its schema under the topic’s subject', async () => {
  const registry = new InMemorySchemaRegistry()
  await openSerde(avro(recordOf(id)), { registry, read: false })
  assert.deepEqual(await registry.latest('bookings-value'), {
    id: 1,
    schema: JSON.stringify({ type: 'record', name: 'com.example.Booking', fields: [id] }),
  })
})

test('subjects are named by the topic, the record or both', async () => {
  const registry = new InMemorySchemaRegistry()
  await openSerde(avro(recordOf(id), { subject: 'record' }), { registry })
  await openSerde(avro(recordOf(id), { subject: 'topic-record' }), { registry })
  assert.ok(await registry.latest('com.example.Booking'))
  assert.ok(await registry.latest('bookings-com.example.Booking'))
  assert.equal(await registry.latest('bookings-value'), undefined)
  await assert.rejects(
    openSerde(avro('string', { subject: 'record' }), { registry }),
    fails('TOPOLOGY_CONFIG_INVALID', /has no name/),
  )
})

test('without a registry an Avro topic does not open', async () => {
  const context = {
    topic: 't',
    part: 'key',
    uses: { read: true, write: false },
    registry: undefined,
  } as const
  await assert.rejects(avro('string').open(context), fails('TOPOLOGY_CONFIG_INVALID', /the key of t/i))
})

/** Another process is first: between the look for the schema and its registration. */
class RacedRegistry extends InMemorySchemaRegistry {
  readonly #first: string
  #isRaced = false

  constructor(first: string) {
    super()
    this.#first = first
  }

  override async register(subject: string, schema: string): Promise<number> {
    if (this.#isRaced) return super.register(subject, schema)
    this.#isRaced = true
    await super.register(subject, this.#first)
    // What Apicurio's 409 comes to: "An artifact with ID … already exists".
    throw new TopologyError(incompatible, 'already exists')
  }
}

test('a writer starts when another process registers the same schema at the same moment, or an older one', async () => {
  const own = JSON.stringify(recordOf(id, quantity))
  for (const [first, expectedId] of [
    [own, 1],
    [JSON.stringify(recordOf(id)), 2],
  ] as const) {
    const registry = new RacedRegistry(first)
    await openSerde(avro(recordOf(id, quantity)), { registry, read: false })
    assert.equal(await registry.idOf('bookings-value', own), expectedId)
  }
  await assert.rejects(
    openSerde(avro(recordOf(id, requiredQuantity)), {
      registry: new RacedRegistry(JSON.stringify(recordOf(id))),
      read: false,
    }),
    fails(incompatible),
  )
})

test('a writer whose schema the subject does not take stops the start, and the message says what differs', async () => {
  const registry = new InMemorySchemaRegistry()
  await openSerde(avro(recordOf(id)), { registry })
  await assert.rejects(
    openSerde(avro(recordOf(id, requiredQuantity)), { registry }),
    fails(incompatible, /bookings-value/, /quantity is not in the writer's schema and has no default/),
  )
  assert.equal((await registry.latest('bookings-value'))?.id, 1)
})

test('a writer of an older version still starts after a newer one was registered', async () => {
  const registry = new InMemorySchemaRegistry()
  await openSerde(avro(recordOf(id, requiredQuantity)), { registry, read: false })
  await openSerde(avro(recordOf(id)), { registry, read: false })
  const old = await openSerde(avro(recordOf(id, requiredQuantity)), { registry, read: false })
  assert.equal(encoded(old, { bookingId: 'b', quantity: 1 }).readInt32BE(1), 1)
})

test('with autoRegister false only a schema that is registered already is written', async () => {
  const registry = new InMemorySchemaRegistry()
  const strict = avro(recordOf(id, quantity), { autoRegister: false })
  await assert.rejects(
    openSerde(strict, { registry }),
    fails(incompatible, /autoRegister is false/, /does not exist/),
  )
  await openSerde(avro(recordOf(id)), { registry })
  await assert.rejects(openSerde(strict, { registry }), fails(incompatible, /does not hold the schema/))
  await openSerde(avro(recordOf(id, quantity)), { registry })
  const codec = await openSerde(strict, { registry })
  const value = { bookingId: 'b', quantity: 2 }
  assert.deepEqual(decoded(codec, encoded(codec, value)), value)
})

test('a reader that cannot read the latest version stops the start, and the message says what differs', async () => {
  const registry = new InMemorySchemaRegistry()
  await openSerde(avro(recordOf(id)), { registry })
  await assert.rejects(
    openSerde(avro(recordOf(requiredQuantity)), { registry, write: false }),
    fails(incompatible, /Cannot read the value of bookings/, /quantity is not in the writer's schema/),
  )
})

test('a reader starts where its topic’s subject does not exist yet', async () => {
  const codec = await openSerde(avro(recordOf(id)), { write: false })
  assert.ok(codec)
})

test('what differs is said with its path', async () => {
  const registry = new InMemorySchemaRegistry()
  await registry.setCompatibility('bookings-value', 'NONE')
  const written = defineAvro({
    type: 'record',
    name: 'com.example.Booking',
    fields: [
      {
        name: 'items',
        type: {
          type: 'array',
          items: { type: 'record', name: 'Item', fields: [{ name: 'n', type: 'string' }] },
        },
      },
      { name: 'status', type: { type: 'enum', name: 'Status', symbols: ['OPEN', 'DONE', 'LOST'] } },
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-micros' } },
      { name: 'maybe', type: ['null', 'string'] },
      { name: 'notes', type: { type: 'map', values: 'double' } },
      { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 4 } },
    ],
  })
  const read = defineAvro({
    type: 'record',
    name: 'com.example.Booking',
    fields: [
      {
        name: 'items',
        type: {
          type: 'array',
          items: { type: 'record', name: 'Item', fields: [{ name: 'n', type: 'int' }] },
        },
      },
      { name: 'status', type: { type: 'enum', name: 'Status', symbols: ['OPEN', 'DONE'] } },
      { name: 'at', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'maybe', type: 'string' },
      { name: 'notes', type: { type: 'map', values: 'int' } },
      { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 8 } },
    ],
  })
  await openSerde(avro(written), { registry })
  await assert.rejects(
    openSerde(avro(read), { registry, write: false }),
    fails(
      incompatible,
      /items\[\]\.n is written as string and read as int/,
      /status may be written as LOST/,
      /at is written as timestamp-micros and read as timestamp-millis/,
      /maybe is written as null and read as string/,
      /notes\[\*\] is written as double and read as int/,
      /hash is written as fixed com.example.Hash and read as fixed com.example.Hash/,
    ),
  )
})

test('a record is read under another namespace, and under a former name that is an alias', async () => {
  const registry = new InMemorySchemaRegistry()
  const writer = await openSerde(avro(recordOf(id)), { registry })
  const bytes = encoded(writer, { bookingId: 'b1' })
  const moved = defineAvro({ type: 'record', name: 'org.other.Booking', fields: [id] })
  const renamed = defineAvro({
    type: 'record',
    name: 'com.example.Reservation',
    aliases: ['com.example.Booking'],
    fields: [{ name: 'reservationId', aliases: ['bookingId'], type: 'string' }],
  })
  const movedReader = await openSerde(avro(moved), { registry, write: false })
  assert.deepEqual(decoded(movedReader, bytes), { bookingId: 'b1' })
  const renamedReader = await openSerde(avro(renamed), { registry, write: false })
  assert.deepEqual(decoded(renamedReader, bytes), { reservationId: 'b1' })
})

test('a schema that is none is refused where it is written', () => {
  const schemas: readonly (readonly [unknown, RegExp])[] = [
    [{ type: 'record', name: 'R', fields: [{ name: 'a', type: 'Missing' }] }, /refers to Missing/],
    [{ type: 'record', name: 'R', fields: [{ name: 'a', type: 'int', default: 'x' }] }, /default/],
    [{ type: 'record', fields: [] }, /has no name/],
    [{ type: 'enum', name: 'E', symbols: [] }, /symbols/],
    [['int', ['null', 'string']], /nested/],
    [{ type: 'record', name: 'R', fields: [{ name: '__proto__', type: 'int' }] }, /__proto__/],
    [{ type: 'bytes', logicalType: 'decimal', precision: 2_000, scale: 0 }, /precision/],
    [
      [
        { type: 'fixed', name: 'F', size: 1 },
        { type: 'fixed', name: 'F', size: 2 },
      ],
      /F is defined twice/,
    ],
    [null, /null is no schema/],
  ]
  for (const [schema, message] of schemas)
    assert.throws(
      () => avro(schema as never),
      fails('TOPOLOGY_SCHEMA_INVALID', message),
      JSON.stringify(schema),
    )
})
