import './seed.ts'
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compatibilityPartitioner } from '@platformatic/kafka'
import fc from 'fast-check'
import { murmur2, partitionForKey } from '../../src/wire/murmur2.ts'

test("murmur2 gives the values of Java's own test", () => {
  // org.apache.kafka.common.utils.UtilsTest#testMurmur2
  const cases: readonly [string, number][] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ]
  for (const [text, expected] of cases) {
    const bytes = Buffer.from(text)
    assert.equal(murmur2(bytes, 0, bytes.length), expected, text)
  }
})

/** The algorithm once more in 64-bit integers, from the description and not from the code under test. */
function slowMurmur2(bytes: Uint8Array): bigint {
  const m = 0x5bd1e995n
  const mask = 0xffffffffn
  let hash = (0x9747b28cn ^ BigInt(bytes.length)) & mask
  const words = Math.floor(bytes.length / 4)
  for (let i = 0; i < words; i += 1) {
    let k = 0n
    for (let b = 3; b >= 0; b -= 1) k = (k << 8n) | BigInt(bytes[i * 4 + b]!)
    k = (k * m) & mask
    k ^= k >> 24n
    k = (k * m) & mask
    hash = ((hash * m) & mask) ^ k
  }
  const tail = bytes.subarray(words * 4)
  if (tail.length > 0) {
    for (let b = tail.length - 1; b >= 0; b -= 1) hash ^= BigInt(tail[b]!) << BigInt(8 * b)
    hash = (hash * m) & mask
  }
  hash ^= hash >> 13n
  hash = (hash * m) & mask
  return hash ^ (hash >> 15n)
}

test('murmur2 agrees with 64-bit arithmetic on any bytes and hashes only its range', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.uint8Array({ maxLength: 5 }), (key, padding) => {
      const bytes = Buffer.concat([padding, key, padding])
      assert.equal(
        BigInt(murmur2(bytes, padding.length, padding.length + key.length) >>> 0),
        slowMurmur2(key),
      )
    }),
    { numRuns: 2_000 },
  )
})

test("keys go where the client's Java-compatible partitioner puts them, on any partition count", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 64 }),
      (key, partitions) => {
        const theirs = compatibilityPartitioner(
          { topic: 't', key: Buffer.from(key), value: Buffer.alloc(0) },
          Buffer.from(key),
        )
        assert.equal(partitionForKey(key, 0, key.length, partitions), theirs % partitions)
      },
    ),
    { numRuns: 2_000 },
  )
})
