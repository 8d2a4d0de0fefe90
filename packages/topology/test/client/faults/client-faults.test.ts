import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as client from '@platformatic/kafka'
import {
  createRecordsBatch,
  crc32c,
  defaultPartitioner,
  metadataV12,
  murmur2,
  NumericMap,
  Reader,
  readRecordsBatch,
  ResponseError,
  TimeoutError,
} from '@platformatic/kafka'
import { partitionForKey } from '../../../src/wire/murmur2.ts'
import { RecordCursor } from '../../../src/wire/record-batch-reader.ts'
import { mended, metadataAnswer } from './fake-broker.ts'

/* Each test shows a fault of the client as it is, and fails when the client no longer has it. docs/decisions/0008 has the list. */

const ADAPTER = 'src/client/platformatic'

test('the checksum function copies the Buffer that it is given', () => {
  const bytes = Buffer.alloc(64 * 1_048_576)
  // The largest of a few: a garbage collection in between would take the copy away again.
  const grown = [0, 1, 2].map(() => {
    const before = process.memoryUsage().arrayBuffers
    crc32c(bytes)
    return process.memoryUsage().arrayBuffers - before
  })
  assert.ok(
    Math.max(...grown) >= bytes.length / 2,
    mended('the copy for a checksum', `${ADAPTER}/checksum.ts`),
  )
})

test('a batch whose checksum is wrong is read as if nothing were', () => {
  const { buffer } = createRecordsBatch([
    { topic: 'orders', key: Buffer.from('k'), value: Buffer.from('right') },
  ])
  buffer.write('wrong', buffer.indexOf('right'))
  assert.doesNotThrow(
    () => readRecordsBatch(Reader.from(buffer)),
    mended('unchecked batches', `${ADAPTER}/fetched-records.ts`),
  )
})

test('a record that is years older than the first of its batch gets a wrong timestamp', () => {
  const first = Date.UTC(2033, 0)
  const second = Date.UTC(2026, 0)
  const { buffer } = createRecordsBatch(
    [first, second].map(time => ({ topic: 'orders', value: Buffer.from('v'), timestamp: BigInt(time) })),
  )
  const cursor = new RecordCursor()
  cursor.reset(buffer, 0)
  assert.ok(cursor.next())
  assert.equal(cursor.timestampMs, first)
  assert.ok(cursor.next())
  assert.notEqual(
    cursor.timestampMs,
    second,
    mended('timestamps before the first of a batch', 'src/wire/record-batch-writer.ts'),
  )
})

test('the default partitioner places keys elsewhere than Java does where partitions are no power of two', () => {
  const keys = Array.from({ length: 100 }, (_, i) => Buffer.from(`customer-${i}`))
  const elsewhere = keys.filter(
    key =>
      defaultPartitioner({ topic: 'orders', value: key }, key) % 3 !== partitionForKey(key, 0, key.length, 3),
  )
  assert.ok(
    elsewhere.length > 0,
    mended('the default partitioner', 'src/runtime/tables/partitioners.ts (its name for it)'),
  )
})

test('the hash of a key is computed in numbers that grow with the key', t => {
  // The last thing that it does is to cut the hash down to 32 bits.
  const cut = t.mock.method(BigInt, 'asIntN')
  murmur2(Buffer.alloc(1_024, 'k'))
  const largest = cut.mock.calls
    .map(({ arguments: [, value] }) => value)
    .reduce((max, value) => (value > max ? value : max))
  assert.ok(largest >= 1n << 256n, mended('the slow hash', 'src/wire/murmur2.ts'))
})

test('sequence numbers do not wrap behind 2^31 - 1', () => {
  // As the producer counts: it adds the records of a batch and takes what comes out for the next one.
  const sequences = new NumericMap()
  sequences.set('orders:0', 2 ** 31 - 2)
  sequences.postIncrement('orders:0', 3, 0)
  const next = [{ topic: 'orders', partition: 0, value: Buffer.from('v') }]
  assert.throws(
    () => createRecordsBatch(next, { producerId: 1n, producerEpoch: 0, sequences }),
    { code: 'ERR_OUT_OF_RANGE' },
    mended('sequences that do not wrap', `${ADAPTER}/partition-sequence.ts`),
  )
})

test('one topic that does not exist makes an exception of the answer about all of them', () => {
  const answer = metadataAnswer({ host: 'localhost', port: 9092 }, [
    { name: 'there', errorCode: 0 },
    { name: 'missing', errorCode: 3 },
  ])
  assert.throws(
    () => metadataV12.parseResponse(1, 3, 12, Reader.from(answer)),
    (error: unknown) => {
      assert.ok(error instanceof ResponseError)
      const { topics } = error['response'] as metadataV12.MetadataResponse
      return topics.length === 2 && topics[0]?.partitions.length === 4
    },
    mended('answers thrown as a whole', `${ADAPTER}/broker-link.ts (call)`),
  )
})

test('an error code that the client has no name for makes a TypeError of the whole answer', () => {
  // REBOOTSTRAP_REQUIRED, of Kafka 4.0: https://kafka.apache.org/protocol#protocol_error_codes
  const answer = metadataAnswer({ host: 'localhost', port: 9092 }, [{ name: 'there', errorCode: 129 }])
  let thrown: unknown
  try {
    metadataV12.parseResponse(1, 3, 12, Reader.from(answer))
  } catch (error) {
    thrown = error
  }
  assert.ok(
    thrown instanceof TypeError,
    mended('unknown error codes', `${ADAPTER}/errors.ts (translateError, its last case)`),
  )
})

test('the code of a TimeoutError is that of another class', () => {
  assert.notEqual(
    new TimeoutError('timed out').code,
    TimeoutError.code,
    mended('the code of a TimeoutError', `${ADAPTER}/errors.ts (decided by class)`),
  )
})

test('the requests of transactions end before the versions in which the epoch rises with each transaction', () => {
  const names = Object.keys(client)
  assert.ok(names.includes('endTxnV4') && names.includes('txnOffsetCommitV4'))
  const newer = names.filter(name => name === 'endTxnV5' || name === 'txnOffsetCommitV5')
  assert.deepEqual(newer, [], mended('the missing requests of KIP-890', `${ADAPTER}/transaction-requests.ts`))
})

test('each read of a large answer walks over all its chunks from the first', () => {
  const looks = { count: 0 }
  const chunks = Array.from({ length: 1_000 }, () => {
    const chunk = Buffer.alloc(1_024)
    return Object.defineProperty(chunk, 'length', {
      get: () => {
        looks.count += 1
        return 1_024
      },
    })
  })
  const reader = Reader.from(Buffer.alloc(0))
  for (const chunk of chunks) reader.buffer.append(chunk)
  looks.count = 0
  reader.buffer.readInt8(999 * 1_024)
  assert.ok(
    looks.count >= 999,
    mended('the slow look-up of bytes', `${ADAPTER}/fetch-request.ts (own parser)`),
  )
})
