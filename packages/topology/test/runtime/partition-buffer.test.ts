import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PartitionBuffer } from '../../src/runtime/partition-buffer.ts'
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts'

function batchOf(values: readonly string[], released: string[]) {
  const writer = new RecordBatchWriter()
  for (const value of values) writer.appendRecord(null, Buffer.from(value), 1_000)
  return {
    topic: 'bookings',
    partition: 0,
    records: values.length === 0 ? Buffer.alloc(0) : writer.seal(),
    startOffset: 0,
    nextOffset: values.length,
    highWatermark: 100,
    lastStableOffset: 100,
    release: () => released.push(values.join()),
  }
}

test('a response is released once, by the step behind its last record', () => {
  const released: string[] = []
  const buffer = new PartitionBuffer()
  for (const values of [['a', 'b'], [], ['c']]) buffer.push(batchOf(values, released))
  const seen: (readonly string[])[] = []
  while (buffer.seek(() => undefined)) {
    seen.push([...released])
    buffer.consume()
  }
  assert.deepEqual(seen, [[], [], ['a,b', '']])
  assert.deepEqual(released, ['a,b', '', 'c'])
  assert.equal(
    buffer.seek(() => undefined),
    false,
  )
  assert.equal(released.length, 3)
})

test('what is cleared is not released: a record of it may be in the chain', () => {
  const released: string[] = []
  const buffer = new PartitionBuffer()
  buffer.push(batchOf(['a', 'b'], released))
  buffer.push(batchOf(['c'], released))
  assert.ok(buffer.seek(() => undefined))
  buffer.clear()
  assert.equal(
    buffer.seek(() => undefined),
    false,
  )
  assert.deepEqual(released, [])
})
