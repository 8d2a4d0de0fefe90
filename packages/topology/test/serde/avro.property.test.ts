import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { oracleAsync } from '../../../../test-support/oracle.ts'
import { avro } from '../../src/serde/avro.ts'
import type { AvroSchema } from '../../src/serde/avro-schema.ts'
import { InMemorySchemaRegistry } from '../../src/serde/in-memory-schema-registry.ts'
import type { AvroValueOptions } from '../../src/serde/infer-avro.ts'
import type { Codec } from '../../src/serde/serde.ts'
import { bytesOf, type JsonObject, namedTypes, samples } from './arbitrary-avro.ts'

async function open(schema: JsonObject, options: AvroValueOptions): Promise<Codec<unknown>> {
  return avro(schema as unknown as AvroSchema, options).open({
    topic: 't',
    part: 'value',
    uses: { read: true, write: true },
    registry: new InMemorySchemaRegistry(),
  })
}

test('a value of any schema is written as the specification says and read back as it was', async () => {
  await oracleAsync(
    fc.asyncProperty(samples, fc.uint8Array(), async ({ schema, options, value }, around) => {
      const codec = await open(schema, options)
      const bytes = Buffer.from(codec.encode(value))
      assert.deepEqual([...bytes.subarray(5)], bytesOf(schema, value, namedTypes(schema), options))
      // In the middle of a fetched batch, which is overwritten afterwards.
      const batch = Buffer.concat([around, bytes, around])
      const read = codec.decode(batch, around.length, around.length + bytes.length)
      batch.fill(0xff)
      assert.deepEqual(read, value)
    }),
    { runs: 300 },
  )
})
