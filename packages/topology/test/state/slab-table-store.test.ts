import assert from 'node:assert/strict'
import { test } from 'node:test'
import v8 from 'node:v8'
import vm from 'node:vm'
import { createSlabTableStore } from '../../src/state/slab-table-store.ts'

v8.setFlagsFromString('--expose-gc')
const gc = vm.runInNewContext('gc') as () => void

/** Bytes of all array buffers that are still reachable; their memory is swept after the collection, not in it. */
async function reachableBytes(): Promise<number> {
  for (let i = 0; i < 3; i += 1) {
    gc()
    await new Promise(resolve => setImmediate(resolve))
  }
  return process.memoryUsage().arrayBuffers
}

const ROW_OVERHEAD = 8 + 7 + 28

function text(store: ReturnType<typeof createSlabTableStore>, key: string): string | undefined {
  const bytes = Buffer.from(key)
  if (!store.find(bytes, 0, bytes.length)) return undefined
  return store.valueBuffer.toString('utf8', store.valueStart, store.valueEnd)
}

test('an empty value is a row and an empty key is a key', () => {
  const store = createSlabTableStore()
  store.put(Buffer.from(''), Buffer.from('nothing'))
  store.put(Buffer.from('a'), Buffer.from(''))
  assert.equal(store.rows, 2)
  assert.equal(text(store, ''), 'nothing')
  assert.equal(text(store, 'a'), '')
  assert.equal(store.delete(Buffer.from('')), true)
  assert.equal(store.delete(Buffer.from('')), false)
  assert.equal(text(store, ''), undefined)
  assert.equal(text(store, 'a'), '')
})

test('a row of several MiB is kept, replaced by a short one and its memory given back', () => {
  const store = createSlabTableStore()
  const empty = store.bytes
  const long = Buffer.alloc(5 * 2 ** 20, 'x')
  store.put(Buffer.from('big'), long)
  assert.ok(store.find(Buffer.from('big'), 0, 3))
  assert.ok(long.equals(store.valueBuffer.subarray(store.valueStart, store.valueEnd)))
  assert.ok(store.bytes >= long.length)
  store.put(Buffer.from('big'), Buffer.from('small'))
  assert.equal(text(store, 'big'), 'small')
  assert.ok(store.bytes <= empty + 100_000, `${store.bytes} bytes for one short row`)
})

test('deleting a long row gives its memory back at once, however small its share', () => {
  const store = createSlabTableStore()
  for (let i = 0; i < 20; i += 1) store.put(Buffer.from(`big ${i}`), Buffer.alloc(2 ** 20))
  const before = store.bytes
  store.delete(Buffer.from('big 7'))
  assert.ok(before - store.bytes >= 2 ** 20, `${before - store.bytes} bytes less`)
})

test('updating the same keys a million times keeps the memory within a third above the rows and two slabs', () => {
  const store = createSlabTableStore()
  const keys = Array.from({ length: 20_000 }, (_, i) => Buffer.from(`customer-${i}`))
  const value = Buffer.alloc(600)
  let live = 0
  const lengths = new Uint32Array(keys.length)
  let most = 0
  for (let i = 0; i < 1_000_000; i += 1) {
    const at = Math.imul(i, 2_654_435_761) >>> 0
    const key = at % keys.length
    const length = (at >>> 8) % 600
    store.put(keys[key]!, value.subarray(0, length))
    live += length - lengths[key]!
    lengths[key] = length
    if (i > 400_000) most = Math.max(most, store.bytes - (live + keys.length * (14 + ROW_OVERHEAD)) * 1.334)
  }
  assert.equal(store.rows, keys.length)
  assert.ok(most < 600_000, `${most} bytes above the bound`)
})

test('keys that come and go leave nothing behind', () => {
  const store = createSlabTableStore()
  const value = Buffer.alloc(100, 'v')
  const WINDOW = 10_000
  for (let i = 0; i < 400_000; i += 1) {
    store.put(Buffer.from(`key-${i}`), value)
    if (i >= WINDOW) assert.ok(store.delete(Buffer.from(`key-${i - WINDOW}`)))
  }
  assert.equal(store.rows, WINDOW)
  assert.ok(store.bytes < WINDOW * (110 + ROW_OVERHEAD) * 1.334 + 600_000, `${store.bytes}`)
  for (let i = 400_000 - WINDOW; i < 400_000; i += 1) assert.ok(store.delete(Buffer.from(`key-${i}`)))
  assert.equal(store.rows, 0)
  assert.ok(store.bytes < 400_000, `${store.bytes} bytes without a row`)
})

test('the bytes it reports are the memory that it holds', async () => {
  const before = await reachableBytes()
  const store = createSlabTableStore()
  for (let i = 0; i < 200_000; i += 1) store.put(Buffer.from(`key-${i % 150_000}`), Buffer.alloc(i % 200))
  const held = (await reachableBytes()) - before
  assert.ok(Math.abs(held - store.bytes) < 200_000, `${held} bytes held, ${store.bytes} reported`)
  store.clear()
  assert.equal(store.rows, 0)
  assert.deepEqual([...store.entries()], [])
  assert.ok((await reachableBytes()) - before < 200_000)
})
