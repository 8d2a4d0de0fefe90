import '../wire/seed.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compressionsAlgorithms, crc32c } from '@platformatic/kafka'
import fc from 'fast-check'
import { offsetBehind, usableRecords } from '../../src/client/platformatic/fetched-records.ts'
import { TopologyError } from '../../src/errors.ts'
import { RecordCursor } from '../../src/wire/record-batch-reader.ts'
import { naiveBatch, naiveRecords } from '../wire/naive-batch.ts'

const ABORT = Buffer.from([0, 0, 0, 0])
const COMMIT = Buffer.from([0, 0, 0, 1])

type Part =
  | {
      readonly kind: 'plain'
      readonly producer: number
      readonly count: number
      readonly codec: (typeof CODECS)[number]
    }
  | { readonly kind: 'transactional'; readonly producer: number; readonly count: number }
  | { readonly kind: 'end'; readonly producer: number; readonly isAborted: boolean }

const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

function item(key: Buffer, offsetDelta: number): Parameters<typeof naiveBatch>[1][number] {
  return { offsetDelta, timestampMs: 1_000, key, value: Buffer.from(`value ${offsetDelta}`), headers: [] }
}

function compressed(batch: Buffer, codec: (typeof CODECS)[number]): Buffer {
  if (codec === 'none') return batch
  const { bitmask, compressSync } = compressionsAlgorithms[codec]
  const whole = Buffer.concat([batch.subarray(0, 61), compressSync(batch.subarray(61))])
  whole[22]! |= bitmask
  whole.writeInt32BE(whole.length - 12, 8)
  whole.writeUInt32BE(crc32c(whole.subarray(21)), 17)
  return whole
}

/** A log as a broker would send it, with what a reader of committed records has to see of it. */
function logOf(parts: readonly Part[]): {
  readonly records: Buffer
  readonly end: number
  readonly aborted: { producerId: bigint; firstOffset: number }[]
  readonly visible: number[]
} {
  let offset = 10
  const batches: Buffer[] = []
  const aborted: { producerId: bigint; firstOffset: number }[] = []
  const visible = new Set<number>()
  const open = new Map<number, number[]>()
  const batchFields = { crc32c, producerEpoch: 0, baseSequence: 0 }
  for (const part of parts) {
    const isEnd = part.kind === 'end'
    const count = isEnd ? 1 : part.count
    const offsets = Array.from({ length: count }, (_, i) => offset + i)
    const attributes = part.kind === 'plain' ? 0 : isEnd ? 0x30 : 0x10
    const key = isEnd ? (part.isAborted ? ABORT : COMMIT) : Buffer.from('key')
    const producerId = BigInt(part.producer)
    const batch = naiveBatch(
      { ...batchFields, baseOffset: offset, attributes, producerId },
      offsets.map((_, i) => item(key, i)),
    )
    batches.push(compressed(batch, part.kind === 'plain' ? part.codec : 'none'))
    if (part.kind === 'plain') for (const o of offsets) visible.add(o)
    else if (!isEnd) open.set(part.producer, [...(open.get(part.producer) ?? []), ...offsets])
    else {
      const written = open.get(part.producer) ?? []
      open.delete(part.producer)
      if (!part.isAborted) for (const o of written) visible.add(o)
      else if (written.length > 0) aborted.push({ producerId, firstOffset: written[0]! })
    }
    offset += count
  }
  // A fetch of committed records ends before the first open transaction; here it is simply committed.
  for (const written of open.values()) for (const o of written) visible.add(o)
  return {
    records: Buffer.concat(batches),
    end: offset,
    aborted,
    visible: [...visible].sort((a, b) => a - b),
  }
}

function offsetsOf(records: Buffer): number[] {
  const cursor = new RecordCursor()
  cursor.reset(records, 0)
  const offsets: number[] = []
  while (cursor.next()) offsets.push(cursor.offset)
  return offsets
}

const producer = fc.nat(2)
const parts: fc.Arbitrary<Part[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('plain' as const),
      producer,
      count: fc.integer({ min: 1, max: 4 }),
      codec: fc.constantFrom(...CODECS),
    }),
    fc.record({
      kind: fc.constant('transactional' as const),
      producer,
      count: fc.integer({ min: 1, max: 3 }),
    }),
    fc.record({ kind: fc.constant('end' as const), producer, isAborted: fc.boolean() }),
  ),
  { maxLength: 20, size: 'max' },
)

test('what a reader of committed records may see is kept, decompressed, and nothing else', () => {
  fc.assert(
    fc.property(parts, fc.nat(60), (list, cut) => {
      const { records, end, aborted, visible } = logOf(list)
      assert.equal(offsetBehind(records, 10), end)
      assert.deepEqual(offsetsOf(usableRecords(Buffer.from(records), aborted, crc32c)), visible)
      // A last batch that is cut off, within its header or behind it, is not there.
      const next = logOf([...list, { kind: 'plain', producer: 0, count: 1, codec: 'none' }]).records
      const withRest = next.subarray(0, records.length + cut)
      assert.equal(offsetBehind(withRest, 10), end)
      assert.deepEqual(offsetsOf(usableRecords(Buffer.from(withRest), aborted, crc32c)), visible)
    }),
    { numRuns: 300 },
  )
})

test('uncompressed records without transactions are the fetched bytes themselves', () => {
  const { records } = logOf([
    { kind: 'plain', producer: 0, count: 2, codec: 'none' },
    { kind: 'plain', producer: 0, count: 1, codec: 'none' },
  ])
  const usable = usableRecords(records, [], crc32c)
  assert.equal(usable.buffer, records.buffer)
  assert.equal(usable.length, records.length)
})

test('a wrong checksum and data that cannot be decompressed are corrupt batches, which name the offset', () => {
  const isCorruptAt = (offset: number) => (error: unknown) =>
    TopologyError.is(error) &&
    error.code === 'TOPOLOGY_BATCH_CORRUPT' &&
    error.message.includes(`offset ${offset} `)
  const flipped = logOf([{ kind: 'plain', producer: 0, count: 1, codec: 'none' }]).records
  flipped[flipped.length - 2]! ^= 0x40
  assert.throws(() => usableRecords(flipped, [], crc32c), isCorruptAt(10))
  for (const codec of ['gzip', 'snappy', 'lz4', 'zstd'] as const) {
    const { records } = logOf([{ kind: 'plain', producer: 0, count: 3, codec }])
    records.fill(0xff, 70)
    records.writeUInt32BE(crc32c(records.subarray(21)), 17)
    assert.throws(() => usableRecords(records, [], crc32c), isCorruptAt(10), codec)
  }
})

test('snappy in the chunks that Java writes is read', () => {
  const batch = naiveBatch({ baseOffset: 10, crc32c }, [
    item(Buffer.from('key'), 0),
    item(Buffer.from('key'), 1),
  ])
  const body = batch.subarray(61)
  const magic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])
  const chunks = [body.subarray(0, 20), body.subarray(20)].flatMap(part => {
    const data = compressionsAlgorithms.snappy.compressSync(part)
    const length = Buffer.alloc(4)
    length.writeInt32BE(data.length)
    return [length, data]
  })
  const whole = Buffer.concat([batch.subarray(0, 61), magic, ...chunks])
  whole[22] = 2
  whole.writeInt32BE(whole.length - 12, 8)
  whole.writeUInt32BE(crc32c(whole.subarray(21)), 17)
  assert.deepEqual(naiveRecords(usableRecords(whole, [], crc32c)), naiveRecords(batch))
})
