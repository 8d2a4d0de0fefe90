import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BufferPool } from '../../src/wire/buffer-pool.ts'
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts'

const MIB = 1_048_576

test('the bytes of a batch that is given back are those of a later one', () => {
  const buffers = new BufferPool()
  const writer = new RecordBatchWriter(1_000, bytes => buffers.take(bytes))
  const sealed = (text: string): Buffer => {
    writer.appendRecord(null, Buffer.from(text), 1_000)
    return writer.seal()
  }
  const first = sealed('first')
  const second = sealed('second')
  assert.notEqual(second.buffer, first.buffer, 'nobody has given it back')
  buffers.giveBack(first)
  const third = sealed('third')
  assert.equal(third.buffer, first.buffer)
  const afresh = new RecordBatchWriter(1_000)
  afresh.appendRecord(null, Buffer.from('third'), 1_000)
  assert.deepEqual(third, afresh.seal(), 'nothing of the first is left in it')
})

test('a small batch does not get a large buffer, and a large one no small one', () => {
  const buffers = new BufferPool()
  const given = buffers.take(100_000)
  buffers.giveBack(given)
  assert.equal(buffers.take(1_000).length, 1_000)
  assert.ok(buffers.take(200_000).length >= 200_000)
  assert.equal(buffers.take(60_000).buffer, given.buffer)
})

test('of what is given back, the last 8 MiB are kept', () => {
  const buffers = new BufferPool()
  const given = Array.from({ length: 12 }, () => buffers.take(MIB))
  for (const buffer of given) buffers.giveBack(buffer)
  const taken = Array.from({ length: 12 }, () => buffers.take(MIB).buffer)
  assert.equal(taken.filter(buffer => given.some(other => other.buffer === buffer)).length, 8)
})
