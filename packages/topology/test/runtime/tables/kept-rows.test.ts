import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TopologyError } from '../../../src/errors.ts'
import { createGlobalReader, createPartitionReader } from '../../../src/runtime/tables/table-reader.ts'
import { RowWatches } from '../../../src/runtime/tables/row-watches.ts'
import { TableRows, type TableParts } from '../../../src/runtime/tables/table-rows.ts'
import { avro, avroFields } from '../../../src/serde/avro.ts'
import { defineAvro } from '../../../src/serde/avro-schema.ts'
import { InMemorySchemaRegistry } from '../../../src/serde/in-memory-schema-registry.ts'
import { string } from '../../../src/serde/primitives.ts'
import type { Codec } from '../../../src/serde/serde.ts'
import { RecordCursor } from '../../../src/wire/record-batch-reader.ts'
import { RecordBatchWriter } from '../../../src/wire/record-batch-writer.ts'
import { openSerde } from '../../serde/support.ts'

const customer = defineAvro({
  type: 'record',
  name: 'Customer',
  fields: [
    { name: 'email', type: 'string' },
    { name: 'locale', type: 'string' },
    { name: 'optedIn', type: 'boolean' },
  ],
})
const ada = { email: 'ada@example.com', locale: 'en-GB', optedIn: true }

/** One partition of a table whose rows are written whole and of which two fields are read. */
async function openRows(isMemory = false): Promise<{
  readonly parts: TableParts
  readonly rows: TableRows
  readonly put: (key: string, value: Uint8Array | null) => void
  readonly writer: Codec<typeof ada>
}> {
  const registry = new InMemorySchemaRegistry()
  const writer = await openSerde(avro(customer), { registry })
  const reader = await openSerde(avroFields(customer, ['locale', 'optedIn']), { registry, write: false })
  const parts: TableParts = {
    codecs: { key: (await openSerde(string())) as Codec<unknown>, value: reader as Codec<unknown> },
    placement: { partitions: 1, misplaced: 0 },
    watches: new RowWatches(),
    isMemory,
  }
  const rows = new TableRows(parts, 0)
  const cursor = new RecordCursor()
  return {
    parts,
    rows,
    writer,
    put(key, value) {
      const batch = new RecordBatchWriter()
      batch.append({ key: Buffer.from(key), value, timestampMs: 0, headers: [] })
      cursor.reset(batch.seal(), 0)
      cursor.next()
      rows.apply(cursor)
    },
  }
}

function unreadable(): TopologyError {
  throw new Error('the rows are there')
}

test('a row of which some fields are read is kept without the others, and found by both readers', async () => {
  const { parts, rows, put, writer } = await openRows()
  const written = Buffer.from(writer.encode(ada))
  put('c1', written)
  const [[, kept]] = [...rows.store.entries()] as [readonly [Buffer, Buffer]]
  assert.ok(kept.length < written.length - ada.email.length, `${kept.length} of ${written.length} bytes`)
  const readable = { store: rows.store, unreadable }
  for (const reader of [createPartitionReader(parts, readable), createGlobalReader(parts, [readable])]) {
    assert.deepEqual(reader.get('c1'), { locale: 'en-GB', optedIn: true })
    assert.equal(reader.get('c2'), undefined)
  }
  put('c1', null)
  assert.equal(rows.store.rows, 0)
})

test('a row that ends within a field that is not read is refused, and the one before stays', async () => {
  const { parts, rows, put, writer } = await openRows()
  put('c1', Buffer.from(writer.encode(ada)))
  const cut = Buffer.from(writer.encode(ada)).subarray(0, 12)
  assert.throws(() => put('c1', cut), { code: 'TOPOLOGY_DESERIALIZATION_FAILED' })
  const reader = createPartitionReader(parts, { store: rows.store, unreadable })
  assert.deepEqual(reader.get('c1'), { locale: 'en-GB', optedIn: true })
})

test('a memory keeps its rows as their records have them', async () => {
  const { rows, put, writer } = await openRows(true)
  const written = Buffer.from(writer.encode(ada))
  put('c1', written)
  assert.deepEqual([...rows.store.entries()], [[Buffer.from('c1'), written]])
})
