import './seed.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c } from '@platformatic/kafka'
import fc from 'fast-check'
import { TopologyError } from '../../src/errors.ts'
import type { RecordHeaders } from '../../src/record.ts'
import * as header from '../../src/wire/batch-header.ts'
import { readHeaders, RecordCursor } from '../../src/wire/record-batch-reader.ts'
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts'
import { naiveBatch, naiveRecords, type NaiveRecord } from './naive-batch.ts'

function read(records: Buffer, startOffset = 0): NaiveRecord[] {
  const cursor = new RecordCursor()
  cursor.reset(records, startOffset)
  const found: NaiveRecord[] = []
  while (cursor.next()) {
    found.push({
      offset: cursor.offset,
      timestampMs: cursor.timestampMs,
      key:
        cursor.keyStart === -1 ? null : Buffer.from(cursor.buffer.subarray(cursor.keyStart, cursor.keyEnd)),
      value:
        cursor.valueStart === -1
          ? null
          : Buffer.from(cursor.buffer.subarray(cursor.valueStart, cursor.valueEnd)),
      headers: readHeaders(cursor.buffer, cursor.headersStart, cursor.headerCount),
    })
  }
  return found
}

const bytes = fc.oneof(
  { weight: 4, arbitrary: fc.uint8Array({ maxLength: 20 }) },
  { weight: 2, arbitrary: fc.uint8Array({ minLength: 40, maxLength: 300 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(8_191, 8_192, 70_000).map(length => new Uint8Array(length).fill(7)),
  },
)
const nullableBytes = fc.option(bytes, { nil: null, freq: 4 }).map(b => (b === null ? null : Buffer.from(b)))
const headers: fc.Arbitrary<RecordHeaders> = fc.array(
  fc.tuple(
    fc.oneof(fc.constantFrom('', 'id', 'id'), fc.string({ unit: 'grapheme', maxLength: 10 })),
    nullableBytes,
  ),
  { maxLength: 4 },
)
const timestamp = fc.oneof(
  fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 }),
  fc.integer({ min: -1, max: 2 ** 43 }),
)
const record = fc.record({ timestampMs: timestamp, key: nullableBytes, value: nullableBytes, headers })
const records = fc.array(record, { minLength: 1, maxLength: 20 })

function write(items: readonly Omit<NaiveRecord, 'offset'>[], initialBytes?: number): Buffer {
  const writer = new RecordBatchWriter(initialBytes)
  for (const item of items) writer.append(item)
  assert.equal(writer.count, items.length)
  const expectedLength = writer.byteLength
  const sealed = writer.seal()
  assert.equal(sealed.length, expectedLength)
  assert.equal(writer.count, 0)
  return sealed
}

test('a written batch has the very bytes that a naive encoder gives', () => {
  fc.assert(
    fc.property(records, fc.integer({ min: 0, max: 300 }), (items, initialBytes) => {
      const sealed = write(items, initialBytes)
      assert.ok(sealed.equals(naiveBatch({ baseOffset: 0 }, items)))
    }),
  )
})

test('what was written is read back by the cursor and by the naive decoder', () => {
  fc.assert(
    fc.property(records, fc.array(records, { maxLength: 2 }), fc.nat(2 ** 40), (first, more, base) => {
      const expected: NaiveRecord[] = []
      let next = base
      const batches = [first, ...more].map(items => {
        const batch = write(items)
        header.setBaseOffset(batch, 0, next)
        for (const item of items) expected.push({ ...item, offset: next++ })
        return batch
      })
      const all = Buffer.concat(batches)
      assert.deepEqual(read(all), expected)
      assert.deepEqual(naiveRecords(all), expected)
      const from = base + Math.floor(expected.length / 2)
      assert.deepEqual(
        read(all, from),
        expected.filter(r => r.offset >= from),
      )
    }),
  )
})

const MOST_AHEAD = 8
const places = { starts: new Int32Array(MOST_AHEAD), ends: new Int32Array(MOST_AHEAD) }

test('the keys ahead are those of the next records, up to the end of the batch or an unusual record', () => {
  fc.assert(
    fc.property(records, records, fc.nat(25), (first, second, position) => {
      const cursor = new RecordCursor()
      cursor.reset(Buffer.concat([write(first), write(second)]), 0)
      for (let passed = -1; passed < position; passed += 1) if (!cursor.next()) return
      const ahead =
        position < first.length ? first.slice(position + 1) : second.slice(position - first.length + 1)
      const found = cursor.keysAhead(places.starts, places.ends)
      for (let i = 0; i < found; i += 1)
        assert.deepEqual(cursor.buffer.subarray(places.starts[i], places.ends[i]), ahead[i]!.key)
      const unusual = ahead.findIndex(
        item => item.key === null || naiveBatch({ baseOffset: 0 }, [item]).length > 8_000,
      )
      assert.ok(found >= Math.min(MOST_AHEAD, unusual === -1 ? ahead.length : unusual))
    }),
  )
})

test('looking ahead in damaged bytes answers places within the batch, or none', () => {
  const damage = fc.array(fc.record({ at: fc.nat(), byte: fc.nat(255) }), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(records, damage, (items, damages) => {
      const batch = write(items)
      const cursor = new RecordCursor()
      cursor.reset(batch, 0)
      cursor.next()
      const behind = cursor.headersEnd
      for (const { at, byte } of damages)
        if (behind < batch.length) batch[behind + (at % (batch.length - behind))] = byte
      const found = cursor.keysAhead(places.starts, places.ends)
      for (let i = 0; i < found; i += 1) {
        assert.ok(behind < places.starts[i]! && places.starts[i]! <= places.ends[i]!)
        assert.ok(places.ends[i]! <= batch.length)
      }
    }),
  )
})

test('batches of other producers are read: offsets with gaps, log append time, a leader epoch', () => {
  const items = [0, 3, 9].map(offsetDelta => ({
    offsetDelta,
    timestampMs: 1_000 + offsetDelta,
    key: Buffer.from('k'),
    value: null,
    headers: [],
  }))
  const created = naiveBatch({ baseOffset: 100, lastOffsetDelta: 12 }, items)
  assert.deepEqual(
    read(created, 103).map(r => [r.offset, r.timestampMs]),
    [
      [103, 1_003],
      [109, 1_009],
    ],
  )
  const appended = naiveBatch(
    { baseOffset: 100, lastOffsetDelta: 12, attributes: 0x08, maxTimestampMs: 77_000 },
    items,
  )
  assert.deepEqual(
    read(appended).map(r => r.timestampMs),
    [77_000, 77_000, 77_000],
  )
})

test('control batches and empty batches hold no records, and batches below the start offset are passed over', () => {
  const item = { timestampMs: 5, key: null, value: Buffer.from('v'), headers: [] }
  const all = Buffer.concat([
    naiveBatch({ baseOffset: 0 }, [item, item]),
    naiveBatch({ baseOffset: 2, attributes: 0x30 }, [item]),
    naiveBatch({ baseOffset: 3, lastOffsetDelta: 4 }, []),
    naiveBatch({ baseOffset: 8 }, [item]),
  ])
  assert.deepEqual(
    read(all).map(r => r.offset),
    [0, 1, 8],
  )
  assert.deepEqual(
    read(all, 2).map(r => r.offset),
    [8],
  )
  assert.deepEqual(read(Buffer.alloc(0)), [])
})

test('headers are forwarded without being decoded', () => {
  fc.assert(
    fc.property(records, items => {
      const cursor = new RecordCursor()
      cursor.reset(write(items), 0)
      const writer = new RecordBatchWriter()
      while (cursor.next()) writer.appendForwarding(null, null, cursor.timestampMs, cursor)
      assert.deepEqual(
        read(writer.seal()),
        items.map((item, offset) => ({ ...item, offset, key: null, value: null })),
      )
    }),
    { numRuns: 50 },
  )
})

test('decoded headers and a sealed batch stand on their own', () => {
  const writer = new RecordBatchWriter()
  const value = Buffer.from('value')
  writer.append({ key: null, value, timestampMs: 1, headers: [['h', value]] })
  const sealed = writer.seal()
  value.fill(0)
  writer.append({ key: null, value, timestampMs: 1, headers: [] })
  const [first] = read(sealed)
  sealed.fill(0)
  assert.equal(first!.value!.toString(), 'value')
  assert.equal(first!.headers[0]![1]!.toString(), 'value')
  assert.throws(
    () => new RecordBatchWriter().seal(),
    (error: unknown) => TopologyError.is(error) && error.code === 'TOPOLOGY_STATE_INVALID',
  )
})

test('a cursor and header decoder that are given damaged bytes end, and throw nothing but TOPOLOGY_BATCH_CORRUPT', () => {
  const damage = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), {
    minLength: 1,
    maxLength: 6,
  })
  let thrown = 0
  fc.assert(
    fc.property(records, damage, fc.nat(), (items, changes, cut) => {
      let damaged = Buffer.concat([write(items), write(items)])
      for (const [position, value] of changes) damaged[position % Math.min(damaged.length, 400)] = value
      if (cut % 3 === 0) damaged = damaged.subarray(0, cut % damaged.length)
      try {
        read(damaged)
      } catch (error) {
        assert.ok(TopologyError.is(error), String(error))
        assert.equal(error.code, 'TOPOLOGY_BATCH_CORRUPT')
        thrown += 1
      }
    }),
    { numRuns: 3_000 },
  )
  assert.ok(thrown > 500, `only ${thrown} of 3000 damaged buffers were refused`)
})

test('header bytes that promise more than there is are refused', () => {
  for (const hex of ['', '02', '0261', '026180', '0261ffffffff0f', 'ffffffffff7f', '01']) {
    assert.throws(
      () => readHeaders(Buffer.from(hex, 'hex'), 0, 2),
      (error: unknown) => TopologyError.is(error) && error.code === 'TOPOLOGY_BATCH_CORRUPT',
      hex,
    )
  }
})

test('a batch header carries producer fields, attributes and a checksum', () => {
  const item = { timestampMs: 5, key: null, value: Buffer.from('v'), headers: [] }
  const batch = write([item, item])
  header.setProducerFields(batch, 12_345_678_901n, 7, 2 ** 31 - 1)
  header.setCrc(batch, 0, batch.length, crc32c)
  assert.equal(header.producerId(batch, 0), 12_345_678_901n)
  assert.ok(header.hasValidCrc(batch, 0, batch.length, crc32c))
  assert.ok(
    batch.equals(
      naiveBatch(
        { baseOffset: 0, producerId: 12_345_678_901n, producerEpoch: 7, baseSequence: 2 ** 31 - 1, crc32c },
        [item, item],
      ),
    ),
  )
  batch[batch.length - 1]! ^= 1
  assert.ok(!header.hasValidCrc(batch, 0, batch.length, crc32c))
  assert.equal(header.recordCount(batch, 0), 2)
  assert.equal(header.lastOffsetDelta(batch, 0), 1)
  assert.equal(header.batchEnd(batch, 0), batch.length)
  assert.equal(header.batchEnd(batch.subarray(0, batch.length - 1), 0), -1)
  assert.ok(!header.isControl(batch, 0) && !header.isTransactional(batch, 0))

  const marker = naiveBatch({ baseOffset: 9, attributes: 0x32 }, [item])
  assert.ok(header.isControl(marker, 0) && header.isTransactional(marker, 0))
  assert.equal(header.compression(marker, 0), 'snappy')
  header.clearCompression(marker, 0)
  assert.equal(header.compression(marker, 0), 'none')
})
