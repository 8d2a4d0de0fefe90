import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { oracleAsync } from '../../../../test-support/oracle.ts'
import { avro } from '../../src/serde/avro.ts'
import type { AvroSchema } from '../../src/serde/avro-schema.ts'
import { InMemorySchemaRegistry } from '../../src/serde/in-memory-schema-registry.ts'
import { evolutions } from './arbitrary-evolution.ts'

test('what an old writer wrote is read as the newer schema of the reader says', async () => {
  await oracleAsync(
    fc.asyncProperty(evolutions, async ({ writer, reader, options, written, read }) => {
      const registry = new InMemorySchemaRegistry()
      const context = { topic: 't', part: 'value', registry } as const
      const producer = await avro(writer as unknown as AvroSchema, options).open({
        ...context,
        uses: { read: false, write: true },
      })
      const consumer = await avro(reader as unknown as AvroSchema, options).open({
        ...context,
        uses: { read: true, write: false },
      })
      const bytes = Buffer.from(producer.encode(written as never))
      assert.deepEqual(consumer.decode(bytes, 0, bytes.length), read)
    }),
    { runs: 300 },
  )
})
