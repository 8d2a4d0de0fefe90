import { Reader, Writer } from '@platformatic/kafka'
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { fetchRequest, type FetchedPartition } from '../../src/client/platformatic/fetch-request.ts'
import { BufferPool } from '../../src/wire/buffer-pool.ts'

const LIMITS = { maxBytesPerPartition: 1_048_576, maxBytes: 52_428_800, minBytes: 1, isReadCommitted: false }

/** The answer of a broker, its records cut into chunks as a socket might. */
function answerOf(records: readonly Buffer[], chunkBytes: number): Reader {
  const writer = Writer.create().appendInt32(0).appendInt16(0).appendInt32(0)
  writer.appendUnsignedVarInt(2).appendString('bookings', true)
  writer.appendUnsignedVarInt(records.length + 1)
  records.forEach((bytes, partition) => {
    writer.appendInt32(partition).appendInt16(0).appendInt64(90n).appendInt64(80n).appendInt64(0n)
    writer
      .appendUnsignedVarInt(0)
      .appendInt32(-1)
      .appendUnsignedVarInt(bytes.length + 1)
    for (let at = 0; at < bytes.length; at += chunkBytes) writer.append(bytes.subarray(at, at + chunkBytes))
    writer.appendTaggedFields()
  })
  writer.appendTaggedFields().appendTaggedFields()
  return Reader.from(writer)
}

function parse(pool: BufferPool, answer: Reader): readonly FetchedPartition[] {
  return fetchRequest([], 0, LIMITS, pool).parse(answer).partitions
}

test('records are whole, whatever the chunks were that they came in', () => {
  for (const chunkBytes of [1, 7_919, 65_536, 65_537, 200_000]) {
    const records = [0, 1, 65_536, 65_537, 190_000].map(length => randomBytes(length))
    const partitions = parse(new BufferPool(), answerOf(records, chunkBytes))
    assert.deepEqual(
      partitions.map(partition => partition.records),
      records,
    )
    assert.deepEqual(
      partitions.map(({ isPooled }) => isPooled),
      [false, false, false, true, true],
    )
  }
})

test('what is given back has the records of a later answer', () => {
  const pool = new BufferPool()
  const [first] = parse(pool, answerOf([randomBytes(190_000)], 65_536)) as [FetchedPartition]
  pool.giveBack(first.records)
  const records = randomBytes(150_000)
  const [second] = parse(pool, answerOf([records], 65_536)) as [FetchedPartition]
  assert.equal(second.records.buffer, first.records.buffer)
  assert.deepEqual(second.records, records)
})
