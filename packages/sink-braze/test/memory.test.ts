import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InMemorySchemaRegistry } from '@tributary/topology/testing'
import { brazeMemoryTopic } from '../src/memory.ts'
import { hash53, valueHash } from '../src/value-hash.ts'

test('what is remembered of a user survives its topic', async () => {
  const { key, value, kind, name } = brazeMemoryTopic('braze-sink-memory')
  assert.deepEqual([kind, name], ['table', 'braze-sink-memory'])
  const registry = new InMemorySchemaRegistry()
  const context = { topic: name, uses: { read: true, write: true }, registry }
  const [keys, values] = await Promise.all([
    key.open({ ...context, part: 'key' }),
    value.open({ ...context, part: 'value' }),
  ])
  const memory = {
    refreshedAt: 1_772_359_200_000,
    fields: { city: 2 ** 53 - 1, n: 0 },
    events: [2 ** 53 - 1, 7],
  }
  const row = Buffer.from(values.encode(memory))
  assert.deepEqual(values.decode(row, 0, row.length), memory)
  const { events: _, ...withoutEvents } = memory
  const shorter = Buffer.from(values.encode(withoutEvents))
  assert.deepEqual(values.decode(shorter, 0, shorter.length), { ...withoutEvents, events: [] })
  const user = Buffer.from(keys.encode('external_id:ü'))
  assert.equal(keys.decode(user, 0, user.length), 'external_id:ü')
})

test('hashes differ by value, type, name and user, and are safe integers', () => {
  const hashes = new Set<number>()
  let count = 0
  const values = [...Array(200).keys()].flatMap(n => [
    n,
    String(n),
    [n],
    { n },
    `text number ${n} of some length`,
  ])
  for (const value of [...values, null, true, 'null', 'true', '', [], {}]) {
    for (const name of ['city', 'zip']) {
      for (const seed of [1, 2]) {
        const hash = valueHash(name, value, seed)
        assert.ok(Number.isSafeInteger(hash) && hash > 0)
        hashes.add(hash)
        count += 1
      }
    }
  }
  assert.equal(hashes.size, count)
})

test('a hash is the same in every version: it is compared with what an earlier one has stored', () => {
  assert.equal(valueHash('city', 'Oslo', 7), HASH_OF_OSLO)
  assert.equal(hash53('external_id:42', 0), HASH_OF_USER)
})

const HASH_OF_OSLO = 101_983_275_129_197
const HASH_OF_USER = 5_811_825_302_952_386
