import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSharedArrayBuffer } from 'node:util/types'
import type { TopologyError } from '../../../src/errors.ts'
import { createGlobalReader, createPartitionReader } from '../../../src/runtime/tables/table-reader.ts'
import { RowWatches } from '../../../src/runtime/tables/row-watches.ts'
import { TableRows, type TableParts } from '../../../src/runtime/tables/table-rows.ts'
import { string } from '../../../src/serde/primitives.ts'
import type { Codec } from '../../../src/serde/serde.ts'
import { RecordCursor } from '../../../src/wire/record-batch-reader.ts'
import { RecordBatchWriter } from '../../../src/wire/record-batch-writer.ts'
import { openSerde } from '../../serde/support.ts'

const ROWS = 4_000
const ROW = 'x'.repeat(300)

/** As an author may write one, with what browsers do not allow for shared memory and Node does. */
const ownCodec: Codec<unknown> = {
  isByteStable: true,
  encode: value => Buffer.from(value as string),
  decode: (bytes, start, end) => new TextDecoder().decode(bytes.subarray(start, end)),
}

function unreadable(): TopologyError {
  throw new Error('the rows are there')
}

test('the rows of a large table lie in shared memory, and are read by an author’s own codec', async () => {
  const parts: TableParts = {
    codecs: { key: (await openSerde(string())) as Codec<unknown>, value: ownCodec },
    placement: { partitions: 1, misplaced: 0 },
    watches: new RowWatches(),
    isMemory: false,
  }
  const rows = new TableRows(parts, 0)
  const writer = new RecordBatchWriter()
  for (let i = 0; i < ROWS; i += 1) writer.appendRecord(Buffer.from(`k${i}`), Buffer.from(`${i}${ROW}`), 0)
  const cursor = new RecordCursor()
  cursor.reset(writer.seal(), 0)
  while (cursor.next()) rows.apply(cursor)
  const readable = { store: rows.store, unreadable }
  const last = `k${ROWS - 1}`
  for (const reader of [createPartitionReader(parts, readable), createGlobalReader(parts, [readable])]) {
    assert.equal(reader.get('k0'), `0${ROW}`)
    assert.equal(reader.get(last), `${ROWS - 1}${ROW}`)
  }
  assert.ok(rows.store.find(Buffer.from(last), 0, last.length))
  assert.ok(isSharedArrayBuffer(rows.store.valueBuffer.buffer), 'else this shows nothing')
})
