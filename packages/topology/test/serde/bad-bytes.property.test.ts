import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getHeapStatistics } from 'node:v8'
import fc from 'fast-check'
import { oracleAsync } from '../../../../test-support/oracle.ts'
import { TopologyError } from '../../src/errors.ts'
import { avro } from '../../src/serde/avro.ts'
import type { AvroSchema } from '../../src/serde/avro-schema.ts'
import { InMemorySchemaRegistry } from '../../src/serde/in-memory-schema-registry.ts'
import type { AvroValueOptions } from '../../src/serde/infer-avro.ts'
import type { Codec } from '../../src/serde/serde.ts'
import type { JsonObject } from './arbitrary-avro.ts'
import { evolutions } from './arbitrary-evolution.ts'

const SLOWEST_DECODE_MS = 1_000
const FRAME_BYTES = 5

/** Each with a schema of its own; some 6 s of work. */
const SCHEMAS = 300
const PAYLOADS_PER_SCHEMA = 50
/** What a payload of some hundred bytes says must not make the decoder reserve memory. */
const MAX_DECODE_BYTES = 32 * 1_048_576

/** Bytes that a varint, a count or a union's index goes wrong with. */
const telling = fc.constantFrom(0x00, 0x01, 0x02, 0x7e, 0x7f, 0x80, 0xfe, 0xff, 0x0f)
const anyByte = fc.oneof(telling, fc.integer({ min: 0, max: 255 }))

const damages = fc.array(
  fc.record({
    at: fc.nat({ max: 60 }),
    remove: fc.nat({ max: 4 }),
    insert: fc.array(anyByte, { maxLength: 8 }),
  }),
  { minLength: 1, maxLength: 4 },
)

function damage(bytes: Buffer, changes: readonly { at: number; remove: number; insert: number[] }[]): Buffer {
  const body = [...bytes.subarray(FRAME_BYTES)]
  for (const { at, remove, insert } of changes) body.splice(at % (body.length + 1), remove, ...insert)
  return Buffer.concat([bytes.subarray(0, FRAME_BYTES), Buffer.from(body)])
}

async function open(
  schema: JsonObject,
  options: AvroValueOptions,
  registry: InMemorySchemaRegistry,
  write: boolean,
): Promise<Codec<unknown>> {
  const serde = avro(schema as unknown as AvroSchema, options)
  return serde.open({
    topic: 't',
    part: 'value',
    uses: { read: true, write },
    registry,
  })
}

/**
 * Decodes in the middle of a batch. A value must be one that the schema takes, anything else the one error. Returns the bytes
 * allocated meanwhile.
 */
function decodeOrRefuse(codec: Codec<unknown>, bytes: Buffer, around: Uint8Array): number {
  const batch = Buffer.concat([around, bytes, around])
  const before = allocatedBytes()
  const began = performance.now()
  try {
    const value = codec.decode(batch, around.length, around.length + bytes.length)
    codec.encode(value)
  } catch (error) {
    if (!TopologyError.is(error) || error.code !== 'TOPOLOGY_DESERIALIZATION_FAILED') throw error
  }
  assert.ok(performance.now() - began < SLOWEST_DECODE_MS, 'decoding took too long')
  const allocated = allocatedBytes() - before
  assert.ok(allocated < MAX_DECODE_BYTES, `decoding ${bytes.length} bytes allocated ${allocated}`)
  return allocated
}

/** The buffers outside the JavaScript heap included. */
function allocatedBytes(): number {
  const { used_heap_size: onHeap, external_memory: outside } = getHeapStatistics()
  return onHeap + outside
}

test('damaged bytes read as a value of the schema or as malformed, with the same schema and an older one', async t => {
  let payloads = 0
  let most = 0
  await oracleAsync(
    fc.asyncProperty(
      evolutions,
      fc.array(damages, { minLength: PAYLOADS_PER_SCHEMA, maxLength: PAYLOADS_PER_SCHEMA }),
      fc.uint8Array({ maxLength: 40 }),
      async ({ writer, reader, options, written }, attempts, around) => {
        const registry = new InMemorySchemaRegistry()
        const older = await open(writer, options, registry, true)
        const newer = await open(reader, options, registry, false)
        const bytes = Buffer.from(older.encode(written))
        for (const changes of attempts) {
          const damaged = damage(bytes, changes)
          most = Math.max(most, decodeOrRefuse(older, damaged, around))
          most = Math.max(most, decodeOrRefuse(newer, damaged, around))
          payloads += 1
        }
      },
    ),
    { runs: SCHEMAS },
  )
  t.diagnostic(`${payloads} damaged payloads; at most ${Math.round(most / 1_024)} KiB were allocated for one`)
})
