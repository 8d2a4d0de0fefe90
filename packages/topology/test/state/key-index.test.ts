import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hashKey } from '../../src/state/key-hash.ts'
import { KeyIndex } from '../../src/state/key-index.ts'
import { RowSlabs } from '../../src/state/row-slabs.ts'
import { rowOf } from '../../src/state/table-store.ts'

const NOTHING = Buffer.alloc(0)

function rowKey(i: number): Buffer {
  return Buffer.from(`row ${i}`)
}

/** Fills an index with `hashOf(i)` as the hash of key i, removes every third and looks for all. */
function fillAndCheck(count: number, hashOf: (i: number) => number): KeyIndex {
  const slabs = new RowSlabs()
  const index = new KeyIndex(slabs)
  const locations = Array.from({ length: count }, (_, i) => {
    const location = slabs.append(rowOf(rowKey(i), NOTHING))
    index.add(hashOf(i), location)
    return location
  })
  for (let i = 0; i < count; i += 3) index.remove(hashOf(i), locations[i]!)
  for (let i = 0; i < count; i += 1) {
    const key = rowKey(i)
    assert.equal(index.find(hashOf(i), key, 0, key.length), i % 3 === 0 ? 0 : locations[i])
  }
  assert.equal(index.rows, count - Math.ceil(count / 3))
  return index
}

test('keys of one hash are told apart by their bytes', () => {
  fillAndCheck(2_000, () => -1)
})

test('keys that share all high bits of the hash are held in one growing segment', () => {
  const index = fillAndCheck(40_000, i => i)
  assert.ok(index.bytes < 40_000 * 8 * 20, `${index.bytes} bytes`)
})

test('keys that share all low bits of the hash are found', () => {
  fillAndCheck(5_000, i => (i << 15) | 0)
})

test('a large index takes 11 to 22 bytes a key and each growth step moves one segment', () => {
  const slabs = new RowSlabs()
  const index = new KeyIndex(slabs)
  let largestStep = 0
  for (let i = 0; i < 400_000; i += 1) {
    const before = index.bytes
    index.add(hashKey(rowKey(i), 0, rowKey(i).length), slabs.append(rowOf(rowKey(i), NOTHING)))
    largestStep = Math.max(largestStep, index.bytes - before)
  }
  const perKey = index.bytes / 400_000
  assert.ok(perKey > 10.6 && perKey < 22, `${perKey} bytes a key`)
  // One segment at its largest, 32,768 slots of 8 bytes, and the directory with a place or two for each segment.
  assert.ok(largestStep >= 262_144 && largestStep < 262_144 + 2_048, `${largestStep} bytes at once`)
})

test('the hash is MurmurHash3', () => {
  // From the reference implementation's widely published vectors (seed 0).
  const vectors: readonly (readonly [string, number])[] = [
    ['', 0],
    ['test', 0xba6bd213],
    ['Hello, world!', 0xc0363e43],
    ['The quick brown fox jumps over the lazy dog', 0x2e4ff723],
  ]
  for (const [text, expected] of vectors) {
    const bytes = Buffer.from(`..${text}.`)
    assert.equal(hashKey(bytes, 2, bytes.length - 1) >>> 0, expected, text)
  }
})
