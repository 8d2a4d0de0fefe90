import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { oracle as holds, oracleSeed } from '../../../../test-support/oracle.ts'
import { MapTableStore } from '../../src/state/map-table-store.ts'
import { createSlabTableStore } from '../../src/state/slab-table-store.ts'
import { MOST_WARMED, type RowBytes, type TableStore } from '../../src/state/table-store.ts'

type Step =
  | { readonly kind: 'put'; readonly key: number; readonly length: number }
  | { readonly kind: 'delete'; readonly key: number }
  | { readonly kind: 'find'; readonly key: number }
  | { readonly kind: 'warm'; readonly keys: readonly number[] }
  | { readonly kind: 'clear' }

/** Lengths around the borders: none, one unit, a slab's shared limit, a whole slab, several MiB. */
const lengths = fc.oneof(
  { weight: 2, arbitrary: fc.constant(0) },
  { weight: 12, arbitrary: fc.integer({ min: 1, max: 40 }) },
  { weight: 6, arbitrary: fc.integer({ min: 41, max: 3_000 }) },
  { weight: 3, arbitrary: fc.integer({ min: 30_000, max: 35_000 }) },
  { weight: 1, arbitrary: fc.integer({ min: 200_000, max: 300_000 }) },
)

function histories(keys: number, maxLength: number): fc.Arbitrary<Step[]> {
  const key = fc.integer({ min: 0, max: keys - 1 })
  return fc.array(
    fc.oneof(
      { weight: 600, arbitrary: fc.record({ kind: fc.constant('put' as const), key, length: lengths }) },
      { weight: 250, arbitrary: fc.record({ kind: fc.constant('delete' as const), key }) },
      { weight: 200, arbitrary: fc.record({ kind: fc.constant('find' as const), key }) },
      {
        weight: 60,
        arbitrary: fc.record({
          kind: fc.constant('warm' as const),
          keys: fc.array(key, { maxLength: MOST_WARMED }),
        }),
      },
      { weight: 1, arbitrary: fc.constant({ kind: 'clear' as const }) },
    ),
    { maxLength, size: 'max' },
  )
}

/** Key 0 is the empty key; the others have all lengths from 1 to some dozen bytes and share their beginnings. */
function keyBytes(key: number): Buffer {
  return key === 0 ? Buffer.alloc(0) : Buffer.from('k'.repeat(key % 13) + String(key))
}

function valueBytes(length: number, salt: number): Buffer {
  const value = Buffer.alloc(length, salt & 0xff)
  if (length >= 4) value.writeUInt32LE(salt >>> 0, length - 4)
  return value
}

/** As it stands in a fetched record, between other bytes. */
function rowInPlace(key: Buffer, value: Buffer): RowBytes {
  const bytes = Buffer.concat([Buffer.from('xyz'), key, Buffer.from('-'), value, Buffer.from('w')])
  const keyEnd = 3 + key.length
  const place = { keyStart: 3, keyEnd, valueStart: keyEnd + 1, valueEnd: bytes.length - 1 }
  return { keyBytes: bytes, valueBytes: bytes, ...place }
}

function lookup(store: TableStore, key: Buffer): string | undefined {
  // The key stands inside a larger buffer, as it does in a record batch.
  const bytes = Buffer.concat([Buffer.from('xy'), key, Buffer.from('z')])
  if (!store.find(bytes, 2, 2 + key.length)) return undefined
  return store.valueBuffer.toString('latin1', store.valueStart, store.valueEnd)
}

function warm(store: TableStore, keys: readonly Buffer[]): void {
  const ends = Int32Array.from(keys, (_, i) =>
    keys.slice(0, i + 1).reduce((sum, { length }) => sum + length, 0),
  )
  const starts = Int32Array.from(keys, ({ length }, i) => ends[i]! - length)
  store.warm(Buffer.concat(keys), { starts, ends }, keys.length)
}

function contents(store: TableStore): Map<string, string> {
  const all = [...store.entries()]
  const byKey = new Map(all.map(([key, value]) => [key.toString('latin1'), value.toString('latin1')]))
  assert.equal(byKey.size, all.length, 'entries() gives every row once')
  return byKey
}

function liveBytes(oracle: MapTableStore): number {
  return oracle.bytes + oracle.rows * 16
}

test('a slab store answers like a Map through any history', t => {
  t.diagnostic(`ORACLE_SEED=${oracleSeed}`)
  const property = fc.property(
    fc.oneof(histories(6, 400), histories(60, 600), histories(900, 1_500)),
    steps => {
      const store = createSlabTableStore()
      const oracle = new MapTableStore()
      steps.forEach((step, index) => {
        if (step.kind === 'clear') {
          store.clear()
          oracle.clear()
          return
        }
        if (step.kind === 'warm') {
          // Most of them are then looked up, in their order, and what the next steps change comes in between at times.
          const keys = step.keys.map(keyBytes)
          warm(store, keys)
          for (const key of keys.slice(0, keys.length - (index % 4)))
            if (key.length % 5 !== index % 5) assert.equal(lookup(store, key), lookup(oracle, key))
          return
        }
        const key = keyBytes(step.key)
        if (step.kind === 'put') {
          const value = valueBytes(step.length, index * 2_654_435_761)
          if (step.key % 2 === 0) store.put(key, value)
          else store.putRow(rowInPlace(key, value))
          oracle.put(key, value)
          value.fill(0xee)
        }
        if (step.kind === 'delete') assert.equal(store.delete(key), oracle.delete(key))
        assert.equal(lookup(store, key), lookup(oracle, key))
        assert.equal(store.rows, oracle.rows)
        // Neither less than the rows take, nor more than a third above them plus what slabs leave unused.
        assert.ok(store.bytes >= oracle.bytes)
        assert.ok(store.bytes <= liveBytes(oracle) * 2.2 + 1_500_000, `${store.bytes} for ${oracle.bytes}`)
      })
      assert.deepEqual(contents(store), contents(oracle))
    },
  )
  holds(property, { runs: 60 })
})

test('a hundred thousand keys are all found again, while half of them are removed and others replaced', t => {
  t.diagnostic(`ORACLE_SEED=${oracleSeed}`)
  const store = createSlabTableStore()
  const oracle = new Map<string, string>()
  const random = fc.sample(fc.infiniteStream(fc.nat()), { seed: oracleSeed, numRuns: 1 })[0]!
  const next = (bound: number): number => random.next().value % bound
  for (let i = 0; i < 200_000; i += 1) {
    const key = `customer-${next(100_000)}`
    if (next(4) === 0) {
      assert.equal(store.delete(Buffer.from(key)), oracle.delete(key))
    } else {
      const value = `${key}/${i}`.padEnd(next(60), '.')
      store.put(Buffer.from(key), Buffer.from(value))
      oracle.set(key, value)
    }
  }
  assert.equal(store.rows, oracle.size)
  for (let i = 0; i < 100_000; i += 1) {
    const key = `customer-${i}`
    assert.equal(lookup(store, Buffer.from(key)), oracle.get(key))
  }
  assert.deepEqual(contents(store), oracle)
})
