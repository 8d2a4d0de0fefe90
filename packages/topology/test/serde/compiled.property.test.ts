import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { oracleAsync } from '../../../../test-support/oracle.ts'
import { TopologyError } from '../../src/errors.ts'
import { checkFramed, decodeFramed, type Reading, WriterSchemas } from '../../src/serde/avro-reader.ts'
import { buildType } from '../../src/serde/avro-type.ts'
import { AvroWriter } from '../../src/serde/avro-writer.ts'
import type { AvroType } from '../../src/serde/avsc-internals.ts'
import { compileWriter } from '../../src/serde/compiled/compile-writer.ts'
import { InMemorySchemaRegistry } from '../../src/serde/in-memory-schema-registry.ts'
import type { AvroValueOptions } from '../../src/serde/infer-avro.ts'
import { normalizeSchema } from '../../src/serde/normalize-schema.ts'
import { samples } from './arbitrary-avro.ts'
import { evolutions } from './arbitrary-evolution.ts'

/*
 * Compiled code against the plain path that it stands in for: the same value or the same error for the same bytes, the same
 * bytes or the same error for the same value. That the compiled code did it itself, and did not leave everything to the plain
 * path, is asserted where it has to.
 */

const place = { topic: 't', part: 'value', serde: 's' } as const

/** What reads a writer's values, and the same without compiled code. */
async function readingsOf(
  reader: AvroType,
  writerSchema: unknown,
  values: AvroValueOptions,
): Promise<{ compiled: Reading<undefined>; plain: Reading<undefined> }> {
  const registry = new InMemorySchemaRegistry()
  const id = await registry.register('s', JSON.stringify(normalizeSchema(writerSchema)))
  const schemas = new WriterSchemas({
    place,
    registry,
    values,
    choose: () => ({ type: reader, tag: undefined }),
  })
  await schemas.load(id)
  const header = Buffer.alloc(5)
  header.writeInt32BE(id, 1)
  const compiled = schemas.forFrame(header, 0, header.length)
  assert.ok(compiled.compiled && compiled.check, 'no code was made')
  return { compiled, plain: { ...compiled, compiled: undefined } }
}

/** A value, or the message of the error. */
function outcomeOf(work: () => unknown): unknown {
  try {
    return { value: work() }
  } catch (error) {
    if (!TopologyError.is(error)) throw error
    return { code: error.code, message: error.message }
  }
}

function isValue(outcome: unknown): boolean {
  return Object.hasOwn(outcome as object, 'value')
}

function assertSameRead(
  readings: { compiled: Reading<undefined>; plain: Reading<undefined> },
  frame: Buffer,
  around: Uint8Array,
): void {
  const batch = Buffer.concat([around, frame, around])
  const at = { bytes: batch, start: around.length, end: around.length + frame.length }
  const plain = outcomeOf(() => decodeFramed(place, readings.plain, at))
  const compiled = outcomeOf(() => decodeFramed(place, readings.compiled, at))
  const checked = outcomeOf(() => checkFramed(place, readings.compiled, at))
  assert.deepEqual(checked, isValue(plain) ? { value: undefined } : plain)
  batch.fill(0xff)
  assert.deepEqual(compiled, plain)
  assert.deepEqual(keysOf(compiled), keysOf(plain))
}

/** Names of fields in their order, which `deepEqual` does not look at. */
function keysOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value) || value instanceof Date) return 0
  if (Array.isArray(value)) return value.map(keysOf)
  return Object.entries(value).map(([key, part]) => [key, keysOf(part)])
}

test('compiled code reads what the plain path reads, with the same schema and with a newer one', async () => {
  let own = 0
  let all = 0
  await oracleAsync(
    fc.asyncProperty(
      evolutions,
      fc.uint8Array({ maxLength: 20 }),
      async ({ writer, reader, options, written, read }, around) => {
        const writerType = buildType(normalizeSchema(writer), options)
        const readerType = buildType(normalizeSchema(reader), options)
        const frame = Buffer.from(new AvroWriter(place, writerType, 1, undefined).encode(written))
        const evolved = await readingsOf(readerType, writer, options)
        const same = await readingsOf(writerType, writer, options)
        assertSameRead(evolved, frame, around)
        assertSameRead(same, frame, around)
        all += 2
        own += isReadBy(evolved.compiled, frame, read) + isReadBy(same.compiled, frame, written)
      },
    ),
    { runs: 150 },
  )
  // The rest are such as have more than 64 branches or numbers that no writer pads.
  assert.ok(own >= all * 0.99, `compiled code read ${own} of ${all} values itself`)
})

function isReadBy(reading: Reading<undefined>, frame: Buffer, value: unknown): number {
  try {
    assert.deepEqual(reading.compiled?.(frame, 5, frame.length), value)
    assert.equal(reading.check?.(frame, 5, frame.length), undefined)
    return 1
  } catch {
    return 0
  }
}

const damages = fc.array(
  fc.record({
    at: fc.nat({ max: 60 }),
    remove: fc.nat({ max: 4 }),
    insert: fc.array(fc.oneof(fc.constantFrom(0, 1, 2, 0x7e, 0x80, 0xfe, 0xff, 0x0f), fc.nat({ max: 255 })), {
      maxLength: 8,
    }),
  }),
  { minLength: 1, maxLength: 4 },
)

test('compiled code answers to damaged and truncated bytes as the plain path does', async () => {
  await oracleAsync(
    fc.asyncProperty(
      evolutions,
      fc.array(damages, { minLength: 20, maxLength: 20 }),
      fc.uint8Array({ maxLength: 20 }),
      async ({ writer, reader, options, written }, attempts, around) => {
        const writerType = buildType(normalizeSchema(writer), options)
        const readerType = buildType(normalizeSchema(reader), options)
        const frame = Buffer.from(new AvroWriter(place, writerType, 1, undefined).encode(written))
        const evolved = await readingsOf(readerType, writer, options)
        const same = await readingsOf(writerType, writer, options)
        const bodies = attempts.map(changes => {
          const body = [...frame.subarray(5)]
          for (const { at, remove, insert } of changes) body.splice(at % (body.length + 1), remove, ...insert)
          return body
        })
        const cuts = Array.from({ length: Math.min(20, frame.length - 5) }, (_, i) => [
          ...frame.subarray(5, 5 + i),
        ])
        for (const body of [...bodies, ...cuts]) {
          const damaged = Buffer.concat([frame.subarray(0, 5), Buffer.from(body)])
          assertSameRead(evolved, damaged, around)
          assertSameRead(same, damaged, around)
        }
      },
    ),
    { runs: 80 },
  )
})

test('compiled code writes the bytes that the plain path writes', async () => {
  let own = 0
  let all = 0
  await oracleAsync(
    fc.asyncProperty(samples, async ({ schema, options, value }) => {
      const type = buildType(normalizeSchema(schema), options)
      const compiled = compileWriter(type)
      assert.ok(compiled, 'no code was made')
      const plain = new AvroWriter(place, type, 7, undefined).encode(value)
      const bytes = new AvroWriter(place, type, 7, compiled).encode(value)
      assert.deepEqual([...bytes], [...plain])
      const room = Buffer.alloc(100_000)
      all += 1
      const end = compiled(value, room, new DataView(room.buffer, room.byteOffset, room.length), 5)
      if (room.subarray(5, end).equals(plain.subarray(5))) own += 1
      // In a buffer of any size it writes the whole value or says that there is no room for it.
      for (let size = 0; size < plain.length; size += 1 + (size >> 3)) {
        const small = Buffer.alloc(size)
        assert.throws(() => compiled(value, small, new DataView(small.buffer, small.byteOffset, size), 5))
      }
    }),
    { runs: 150 },
  )
  assert.equal(own, all)
})

/** A place of a value, by its path, and what is put there. */
const WRONG = [
  undefined,
  null,
  '',
  'A',
  1,
  1.5,
  -0,
  2 ** 53,
  NaN,
  1n,
  2n ** 64n,
  true,
  [],
  {},
  [undefined],
  new Date(NaN),
]

function spoil(value: unknown, steps: readonly number[], wrong: unknown): unknown {
  const [step, ...rest] = steps
  if (step === undefined || typeof value !== 'object' || value === null || Buffer.isBuffer(value))
    return wrong
  const keys = Object.keys(value)
  const key = keys[step % Math.max(1, keys.length)]
  if (key === undefined) return wrong
  const spoiled = spoil((value as Record<string, unknown>)[key], rest, wrong)
  if (Array.isArray(value)) return value.with(Number(key), spoiled)
  return { ...value, [key]: spoiled }
}

test('compiled code refuses the values that the plain path refuses, with its message', async () => {
  await oracleAsync(
    fc.asyncProperty(
      samples,
      fc.array(fc.tuple(fc.array(fc.nat({ max: 7 }), { maxLength: 4 }), fc.constantFrom<unknown>(...WRONG)), {
        minLength: 10,
        maxLength: 10,
      }),
      async ({ schema, options, value }, attempts) => {
        const type = buildType(normalizeSchema(schema), options)
        const plain = new AvroWriter(place, type, 7, undefined)
        const compiled = new AvroWriter(place, type, 7, compileWriter(type))
        for (const [steps, wrong] of attempts) {
          const spoiled = spoil(value, steps, wrong)
          const bytesBy = (writer: AvroWriter): unknown => outcomeOf(() => [...writer.encode(spoiled)])
          assert.deepEqual(bytesBy(compiled), bytesBy(plain))
        }
      },
    ),
    { runs: 100 },
  )
})
