import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { avro } from '../../src/serde/avro.ts'
import { type AvroSchema, defineAvro } from '../../src/serde/avro-schema.ts'
import { checkFramed, decodeFramed } from '../../src/serde/avro-reader.ts'
import { buildType } from '../../src/serde/avro-type.ts'
import { AvroWriter } from '../../src/serde/avro-writer.ts'
import { compileCheck, compileReader } from '../../src/serde/compiled/compile-reader.ts'
import { compileWriter } from '../../src/serde/compiled/compile-writer.ts'
import { InMemorySchemaRegistry } from '../../src/serde/in-memory-schema-registry.ts'
import { decoded, encoded, openSerde } from './support.ts'

const person = defineAvro({
  type: 'record',
  name: 'Person',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'note', type: 'string' },
    { name: 'age', type: 'int' },
  ],
})

/** As `--disallow-code-generation-from-strings` would have it. With that flag itself avsc does not even load. */
function forbidCode(t: TestContext): void {
  const { Function: original } = globalThis
  t.after(() => {
    globalThis.Function = original
  })
  globalThis.Function = function refuse() {
    throw new EvalError('Code generation from strings disallowed for this context')
  } as unknown as FunctionConstructor
}

test('where no code may be made, values are read and written without it', t => {
  const place = { topic: 't', part: 'value', serde: 's' } as const
  const type = buildType(person, {})
  assert.ok(compileWriter(type))
  forbidCode(t)
  assert.equal(compileWriter(type), undefined)
  assert.equal(compileReader(type, type, {}), undefined)
  const value = { id: 'p1', note: 'é', age: 40 }
  const bytes = new AvroWriter(place, type, 1, compileWriter(type)).encode(value)
  assert.deepEqual([...bytes.subarray(5)], [4, 0x70, 0x31, 4, 0xc3, 0xa9, 80])
  const code = { compiled: compileReader(type, type, {}), check: compileCheck(type, type, {}) }
  assert.equal(code.check, undefined)
  const reading = { type, resolver: undefined, tag: undefined, ...code }
  assert.deepEqual(decodeFramed(place, reading, { bytes, start: 0, end: bytes.length }), value)
  checkFramed(place, reading, { bytes, start: 0, end: bytes.length })
  assert.throws(() => checkFramed(place, reading, { bytes, start: 0, end: bytes.length - 1 }), {
    code: 'TOPOLOGY_DESERIALIZATION_FAILED',
  })
})

test('texts of every kind read back as they were, one by one and side by side', async () => {
  const codec = await openSerde(avro(person))
  const letters = 'abcdefghijklmnopqrstuvwxyz'
  for (const length of [
    0, 1, 2, 12, 13, 16, 17, 31, 32, 63, 64, 65, 127, 128, 129, 511, 512, 513, 8_191, 8_192, 70_000,
  ])
    for (const odd of ['', 'é', '€', '😀', '\u0000', '\u007f', '\u0080', 'ÿ']) {
      const text = letters.repeat(Math.ceil(length / 26)).slice(0, length)
      const value = { id: text + odd, note: odd + text, age: length }
      assert.deepEqual(decoded(codec, encoded(codec, value)), value)
    }
})

test('a short text without others beside it reads back as it was, whatever its letters', async () => {
  const locale = defineAvro({ type: 'record', name: 'Locale', fields: [{ name: 'tag', type: 'string' }] })
  const codec = await openSerde(avro(locale))
  const odd = ['a', 'é', '€', '😀', '\u0000', '\u007f', '\u0080']
  for (let length = 0; length < 8; length += 1)
    for (const letter of odd)
      for (let at = 0; at < Math.max(1, length); at += 1) {
        const value = {
          tag: 'z'.repeat(at) + letter.slice(0, length * 2) + 'y'.repeat(Math.max(0, length - at - 1)),
        }
        assert.deepEqual(decoded(codec, encoded(codec, value)), value)
      }
})

test('a text with half a surrogate pair is written as well-formed UTF-8, whatever its length', async () => {
  const codec = await openSerde(avro(person))
  for (const length of [0, 10, 20, 61, 62, 63, 64, 200]) {
    const value = { id: `${'x'.repeat(length)}\ud83d`, note: `\ude00${'x'.repeat(length)}`, age: 1 }
    const { id, note } = decoded(codec, encoded(codec, value))
    assert.equal(id, value.id.toWellFormed())
    assert.equal(note, value.note.toWellFormed())
  }
})

test('values of a schema have one hidden class, and their fields the order of the reader’s schema', async () => {
  const registry = new InMemorySchemaRegistry()
  const writer = await openSerde(avro(person), { registry })
  const reordered = { ...person, fields: person.fields.toReversed() } as unknown as AvroSchema
  const reader = await openSerde(avro(reordered), { registry, write: false })
  const bytes = encoded(writer, { id: 'p1', note: '', age: 40 })
  const [one, other] = [
    decoded(reader, bytes),
    decoded(reader, encoded(writer, { id: '', note: 'x', age: -1 })),
  ]
  assert.deepEqual(Object.keys(one as object), ['age', 'note', 'id'])
  setFlagsFromString('--allow-natives-syntax')
  assert.equal(runInNewContext('(a, b) => %HaveSameMap(a, b)')(one, other), true)
})

test('a text that is kept keeps little of its record', async () => {
  const codec = await openSerde(avro(person))
  const bytes = encoded(codec, { id: 'customer-00000000001', note: 'x'.repeat(100_000), age: 40 })
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  const before = process.memoryUsage().heapUsed
  const kept = Array.from({ length: 1_000 }, () => decoded(codec, bytes).id)
  collect()
  const bytesEach = (process.memoryUsage().heapUsed - before) / kept.length
  assert.ok(bytesEach < 1_024, `${bytesEach} bytes are kept for a text of 20`)
})
