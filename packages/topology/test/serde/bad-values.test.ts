import assert from 'node:assert/strict'
import { test } from 'node:test'
import { avro } from '../../src/serde/avro.ts'
import { defineAvro } from '../../src/serde/avro-schema.ts'
import { fails, openSerde } from './support.ts'

const refused = 'TOPOLOGY_SERIALIZATION_FAILED'

const schema = defineAvro({
  type: 'record',
  name: 'com.example.Everything',
  fields: [
    { name: 'int', type: 'int' },
    { name: 'long', type: 'long' },
    { name: 'double', type: 'double' },
    { name: 'flag', type: 'boolean' },
    { name: 'text', type: 'string' },
    { name: 'raw', type: 'bytes' },
    { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 2 } },
    { name: 'status', type: { type: 'enum', name: 'Status', symbols: ['OPEN', 'DONE'] } },
    { name: 'tags', type: { type: 'array', items: 'string' } },
    { name: 'notes', type: { type: 'map', values: 'int' } },
    { name: 'maybe', type: ['null', 'string'] },
    {
      name: 'all',
      type: { type: 'record', name: 'AllDefaults', fields: [{ name: 'x', type: 'int', default: 1 }] },
    },
    {
      name: 'items',
      type: { type: 'array', items: { type: 'record', name: 'Item', fields: [{ name: 'n', type: 'int' }] } },
    },
  ],
})

const valid = {
  int: 1,
  long: 1,
  double: 1.5,
  flag: true,
  text: 'x',
  raw: Buffer.from('x'),
  hash: Buffer.from('xx'),
  status: 'OPEN',
  tags: ['x'],
  notes: { x: 1 },
  maybe: null,
  all: { x: 1 },
  items: [{ n: 1 }],
} as const

/** For each field: values that are refused, and what the message says of them. */
const wrong: readonly (readonly [keyof typeof valid, unknown, RegExp])[] = [
  ['int', 1.5, /int is the number 1.5, an int/],
  ['int', 2 ** 31, /int is the number 2147483648/],
  ['int', '1', /int is a string of 1/],
  ['int', Number.NaN, /int is the number NaN/],
  ['int', 1n, /int is the bigint 1n, an int/],
  ['int', null, /int is null/],
  ['int', undefined, /int is undefined/],
  ['long', Number.NaN, /long is the number NaN, a long/],
  ['long', 2 ** 53, /long is the number 9007199254740992/],
  ['long', 1n, /long is the bigint 1n/],
  ['double', '1.5', /double is a string of 3, a double/],
  ['flag', 1, /flag is the number 1, boolean/],
  ['text', 5, /text is the number 5, a string/],
  ['text', null, /text is null/],
  ['raw', 'x', /raw is a string of 1, bytes/],
  ['raw', new Uint8Array(2), /raw is a Uint8Array of 2 bytes/],
  ['hash', Buffer.from('x'), /hash is a Buffer of 1 bytes, .* of 2 bytes/],
  ['status', 'CLOSED', /status is "CLOSED", one of OPEN, DONE/],
  ['status', 'constructor', /status is "constructor"/],
  ['status', ['OPEN'], /status is an array of 1/],
  ['tags', 'x', /tags is a string of 1, array of string/],
  ['tags', ['x', null], /tags\[1\] is null/],
  ['tags', Object.assign([], { length: 1 }), /tags\[0\] is undefined/],
  ['notes', { 'a b': '1' }, /notes\["a b"\] is a string of 1/],
  ['notes', new Map([['x', 1]]), /notes is a Map/],
  ['notes', new Date(), /notes is the Date/],
  ['notes', [], /notes is an array/],
  ['maybe', undefined, /maybe is undefined, one of null, string/],
  ['maybe', 5, /maybe is the number 5/],
  ['all', 5, /all is the number 5, record com.example.AllDefaults/],
  ['all', 'x', /all is a string of 1/],
  ['all', [], /all is an array of 0/],
  ['all', null, /all is null/],
  ['all', { x: '1' }, /all.x is a string of 1/],
  ['items', [{ n: 1 }, {}], /items\[1\].n is undefined, an int/],
]

for (const [field, value, message] of wrong)
  test(`a value that the schema does not take is refused by its path: ${String(message)}`, async () => {
    const codec = await openSerde(avro(schema))
    assert.throws(
      () => codec.encode({ ...valid, [field]: value } as never),
      fails(refused, /Cannot write the value of bookings \(avro:com.example.Everything\): /, message),
    )
    // The codec is as good as new afterwards.
    const bytes = Buffer.from(codec.encode(valid))
    assert.deepEqual(codec.decode(bytes, 0, bytes.length), valid)
  })

test('several wrong fields are named together, many are counted', async () => {
  const codec = await openSerde(avro(schema))
  const value = { ...valid, int: 'x', text: 1, flag: 'y', tags: [1, 2] }
  assert.throws(
    () => codec.encode(value as never),
    fails(refused, /int is .*; flag is .*; text is .*; and 2 more/),
  )
})

test('a value that contains itself is refused', async () => {
  const list = defineAvro({
    type: 'record',
    name: 'List',
    fields: [{ name: 'next', type: ['null', 'List'] }],
  })
  const codec = await openSerde(avro(list))
  const value: { next: unknown } = { next: null }
  value.next = value
  assert.throws(() => codec.encode(value as never), fails(refused, /contains itself/))
})

test('messages never hold a customer’s text', async () => {
  const codec = await openSerde(avro(schema))
  assert.throws(
    () => codec.encode({ ...valid, int: 'ada@example.com' } as never),
    error => error instanceof Error && !error.message.includes('ada'),
  )
})
