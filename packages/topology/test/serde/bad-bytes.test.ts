import assert from 'node:assert/strict'
import { test } from 'node:test'
import { avro } from '../../src/serde/avro.ts'
import { type AvroSchema, defineAvro } from '../../src/serde/avro-schema.ts'
import { InMemorySchemaRegistry } from '../../src/serde/in-memory-schema-registry.ts'
import type { Codec } from '../../src/serde/serde.ts'
import { decoded, encoded, fails, framed, openSerde } from './support.ts'

const malformed = 'TOPOLOGY_DESERIALIZATION_FAILED'

/** A count of 2^31-1, then bytes: avsc makes an array of that length before it looks at them. */
const HUGE_COUNT = [0xfe, 0xff, 0xff, 0xff, 0x0f, 0x02, 0x02]
/** The same as a negative count, with a byte size that lies as well. */
const HUGE_NEGATIVE_COUNT = [0xff, 0xff, 0xff, 0xff, 0x0f, 0x02, 0x02, 0x02]
/** A count beyond what a double holds. */
const ENDLESS_COUNT = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]
const BOMBS = [HUGE_COUNT, HUGE_NEGATIVE_COUNT, ENDLESS_COUNT]

interface Readers {
  readonly schemaId: number
  readonly readers: readonly Codec<unknown>[]
}

/** The same schema, one that adds a field (so that a resolver reads), and one that skips the field. */
async function readersOf(type: AvroSchema): Promise<Readers> {
  const registry = new InMemorySchemaRegistry()
  const fieldsOf = (fields: readonly unknown[]): AvroSchema =>
    ({ type: 'record', name: 'R', fields }) as unknown as AvroSchema
  const field = { name: 'field', type }
  const added = { name: 'added', type: 'int', default: 1 }
  const same = await openSerde(avro(fieldsOf([field])), { registry })
  const readers = [
    same,
    await openSerde(avro(fieldsOf([field, added])), { registry, write: false }),
    await openSerde(avro(fieldsOf([added])), { registry, write: false }),
  ]
  return { schemaId: 1, readers }
}

const COUNTED: Readonly<Record<string, AvroSchema>> = {
  'an array of integers': { type: 'array', items: 'int' },
  'an array of strings': { type: 'array', items: 'string' },
  'an array of nulls': { type: 'array', items: 'null' },
  'an array of empty records': { type: 'array', items: { type: 'record', name: 'Empty', fields: [] } },
  'an array of empty fixed': { type: 'array', items: { type: 'fixed', name: 'Nothing', size: 0 } },
  'an array of arrays': { type: 'array', items: { type: 'array', items: 'null' } },
  'an array of unions': { type: 'array', items: ['null', 'int'] },
  'a map': { type: 'map', values: 'int' },
  'a map of nulls': { type: 'map', values: 'null' },
}

for (const [name, type] of Object.entries(COUNTED))
  test(`a block count beyond the bytes that remain is malformed: ${name}`, async () => {
    const { schemaId, readers } = await readersOf(type)
    for (const reader of readers)
      for (const bomb of BOMBS) {
        const bytes = framed(schemaId, bomb)
        assert.throws(() => decoded(reader, bytes), fails(malformed))
        // Followed by a batch that would hold that many items.
        const batch = Buffer.concat([bytes, Buffer.alloc(100_000, 2)])
        assert.throws(() => reader.decode(batch, 0, bytes.length), fails(malformed))
      }
  })

test('a block whose byte size points back, or beyond the value, is malformed', async () => {
  for (const type of [COUNTED['an array of integers'], COUNTED['a map']]) {
    const { schemaId, readers } = await readersOf(type ?? 'null')
    // One item in -2 bytes would be skipped to the start of the block again; then one in 1000 bytes.
    for (const body of [
      [0x01, 0x03, 0x00],
      [0x01, 0xd0, 0x0f, 0x00],
    ])
      for (const reader of readers) {
        const bytes = framed(schemaId, body)
        const batch = Buffer.concat([bytes, Buffer.alloc(2_000)])
        assert.throws(() => reader.decode(batch, 0, bytes.length), fails(malformed, /a block of -?\d+ bytes/))
      }
  }
})

test('a long array of items that take no bytes is read, up to a bound over the whole value', async () => {
  const schema = defineAvro({ type: 'array', items: { type: 'array', items: 'null' } })
  const codec = await openSerde(avro(schema))
  const value = [Array.from({ length: 60_000 }, () => null), []]
  assert.deepEqual(decoded(codec, encoded(codec, value)), value)
  // Each inner array alone is within the bound.
  const inner = Array.from({ length: 60_000 }, () => null)
  const bytes = encoded(codec, [inner, inner])
  assert.throws(() => decoded(codec, bytes), fails(malformed, /items that take no bytes/))
})

test('blocks with their byte size read as others do', async () => {
  const codec = await openSerde(avro({ type: 'array', items: 'int' }))
  assert.deepEqual(decoded(codec, framed(1, [0x03, 0x04, 2, 4, 0x02, 6, 0])), [1, 2, 3])
})

test('claims that are nested in one another take no memory before their bytes are seen', async () => {
  const tree = defineAvro({
    type: 'record',
    name: 'Tree',
    fields: [{ name: 'children', type: { type: 'array', items: 'Tree' } }],
  })
  const codec = await openSerde(avro(tree))
  // Each level claims a million children, and there are a million bytes.
  const level = [0x80, 0x89, 0x7a]
  const body = Buffer.alloc(2_000_000, Buffer.from(level))
  const before = process.memoryUsage().rss
  assert.throws(() => decoded(codec, framed(1, body)), fails(malformed, /nested deeper than 1000/))
  assert.ok(process.memoryUsage().rss - before < 200 * 2 ** 20)
})

const list = defineAvro({
  type: 'record',
  name: 'List',
  fields: [
    { name: 'value', type: 'int', default: 0 },
    { name: 'next', type: ['null', 'List'], default: null },
  ],
})

test('recursion has a depth, for the same schema, for an older one and for what is skipped', async () => {
  const registry = new InMemorySchemaRegistry()
  const writer = await openSerde(
    avro({ type: 'record', name: 'Outer', fields: [{ name: 'list', type: list }] }),
    {
      registry,
    },
  )
  const added = { name: 'added', type: 'int', default: 1 } as const
  const newList = { ...list, fields: [...list.fields, added] } as const
  const readers = [
    writer,
    await openSerde(avro({ type: 'record', name: 'Outer', fields: [{ name: 'list', type: newList }] }), {
      registry,
      write: false,
    }),
    await openSerde(avro({ type: 'record', name: 'Outer', fields: [added] }), { registry, write: false }),
  ]
  const nested = (depth: number): Buffer => {
    const body = Buffer.alloc(depth * 2 + 2, 2)
    body[body.length - 1] = 0
    return framed(1, body)
  }
  for (const reader of readers) {
    assert.ok(decoded(reader as Codec<unknown>, nested(900)))
    assert.throws(() => decoded(reader as Codec<unknown>, nested(1_200)), fails(malformed, /nested deeper/))
    assert.throws(() => decoded(reader as Codec<unknown>, nested(500_000)), fails(malformed, /nested deeper/))
    // The depth does not add up over values, nor over those that failed.
    assert.ok(decoded(reader as Codec<unknown>, nested(900)))
  }
})

test('what a type can go wrong with is malformed', async () => {
  const cases: readonly (readonly [AvroSchema, readonly number[], RegExp?])[] = [
    ['int', [0xfe, 0xff, 0xff, 0xff, 0xff, 0x0f], /beyond 32 bits/],
    ['long', [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], /-9223372036854775808/],
    ['long', Array.from({ length: 12 }, () => 0xff), /more than 10 bytes/],
    ['string', [0x01]],
    ['string', [0xfe, 0xff, 0xff, 0xff, 0x0f, 0x61]],
    ['bytes', [0x01]],
    ['bytes', [0xfe, 0xff, 0xff, 0xff, 0x0f, 0x61]],
    ['float', [0, 0, 0]],
    ['double', [0, 0, 0, 0]],
    [['null', 'string'], [0x04]],
    [['null', 'string'], [0x01]],
    [
      ['int', 'long'],
      [0x04, 0x02],
    ],
    [{ type: 'enum', name: 'E', symbols: ['A'] }, [0x02]],
    [{ type: 'enum', name: 'E', symbols: ['A'] }, [0x01]],
    [{ type: 'fixed', name: 'F', size: 4 }, [1, 2, 3]],
    [
      { type: 'bytes', logicalType: 'decimal', precision: 4, scale: 2 },
      [0x04, 0x7f, 0xff],
      /more than 4 digits/,
    ],
  ]
  for (const [schema, body, message = /./] of cases) {
    const codec = await openSerde(avro(schema))
    assert.throws(() => decoded(codec, framed(1, body)), fails(malformed, message), JSON.stringify(schema))
  }
})

test('a decimal of a megabyte is refused at once', async () => {
  const codec = await openSerde(avro({ type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 }))
  const body = Buffer.concat([Buffer.from([0x80, 0x80, 0x80, 0x01]), Buffer.alloc(1_048_576, 0x7f)])
  const began = performance.now()
  assert.throws(() => decoded(codec, framed(1, body)), fails(malformed, /more than 9 digits/))
  assert.ok(performance.now() - began < 500)
})

test('a Date beyond what JavaScript holds is malformed', async () => {
  const schema = { type: 'long', logicalType: 'timestamp-millis' } as const
  const codec = await openSerde(avro(schema, { timestamps: 'date' }))
  assert.throws(
    () => decoded(codec, framed(1, [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x1f])),
    fails(malformed, /beyond what a Date holds/),
  )
})

test('text that is no UTF-8 is read with replacement characters', async () => {
  const codec = await openSerde(avro('string'))
  assert.equal(decoded(codec, framed(1, [0x04, 0xff, 0x61])), '\ufffda')
})
