import assert from 'node:assert/strict'
import { test } from 'node:test'
import { estimateBytes } from '../src/size-estimate.ts'
import { rig, unavailable } from './scripted-source.ts'
import { until } from './until.ts'

test('an answer is given out until its time to live is over, then asked for again', async t => {
  const { enrich, source, clock } = rig<string>(t, { cache: { ttlMs: 1_000 } })
  const first = enrich('a')
  await until('the call is made', () => source.calls.length === 1)
  source.calls[0]!.answer(['one'])
  assert.equal(await first, 'one')
  clock.advance(1_000)
  assert.equal(await enrich('a'), 'one')
  clock.advance(1)
  const second = enrich('a')
  await until('it is asked again', () => source.calls.length === 2)
  source.calls[1]!.answer(['two'])
  assert.equal(await second, 'two')
  assert.deepEqual([enrich.stats.hits, enrich.stats.misses], [1, 2])
})

test('past its time to live an answer is still given out while one call fetches the newer one', async t => {
  const { enrich, source, clock } = rig<string>(t, { cache: { ttlMs: 1_000, staleWhileRevalidateMs: 500 } })
  const first = enrich('a')
  await until('the call is made', () => source.calls.length === 1)
  source.calls[0]!.answer(['old'])
  await first
  clock.advance(1_500)
  assert.deepEqual(await Promise.all([enrich('a'), enrich('a')]), ['old', 'old'])
  await until('it is asked again', () => source.calls.length === 2)
  source.calls[1]!.answer(['new'])
  await until('the newer answer is there', () => enrich.stats.waiting === 0)
  assert.equal(await enrich('a'), 'new')
  assert.equal(source.calls.length, 2)
  assert.deepEqual([enrich.stats.staleHits, enrich.stats.hits], [2, 1])
})

test('a stale answer is not given out for ever', async t => {
  const { enrich, source, clock } = rig<string>(t, { cache: { ttlMs: 1_000, staleWhileRevalidateMs: 500 } })
  const first = enrich('a')
  await until('the call is made', () => source.calls.length === 1)
  source.calls[0]!.answer(['old'])
  await first
  clock.advance(1_501)
  const second = enrich('a')
  await until('it is asked again', () => source.calls.length === 2)
  source.calls[1]!.answer(['new'])
  assert.equal(await second, 'new')
  assert.equal(enrich.stats.staleHits, 0)
})

test('a refresh that fails leaves the stale answer, and is counted', async t => {
  const { enrich, source, clock } = rig<string>(t, {
    cache: { ttlMs: 1_000, staleWhileRevalidateMs: 500 },
    retry: { attempts: 1 },
  })
  const first = enrich('a')
  await until('the call is made', () => source.calls.length === 1)
  source.calls[0]!.answer(['old'])
  await first
  clock.advance(1_200)
  assert.equal(await enrich('a'), 'old')
  await until('it is asked again', () => source.calls.length === 2)
  source.calls[1]!.fail(unavailable())
  await until('the failure is counted', () => enrich.stats.refreshFailures === 1)
  assert.equal(await enrich('a'), 'old')
})

test('a failure is never kept', async t => {
  const { enrich, source } = rig<string>(t, { cache: { ttlMs: 1_000 }, retry: { attempts: 1 } })
  const first = enrich('a')
  await until('the call is made', () => source.calls.length === 1)
  source.calls[0]!.fail(unavailable())
  await assert.rejects(first, { code: 'ENRICHER_NETWORK_FAILED' })
  const second = enrich('a')
  await until('it is asked again', () => source.calls.length === 2)
  source.calls[1]!.answer(['fine'])
  assert.equal(await second, 'fine')
})

test('undefined is an answer like any other', async t => {
  const { enrich, source } = rig<string, string | undefined>(t, { cache: { ttlMs: 1_000 } })
  const first = enrich('a')
  await until('the call is made', () => source.calls.length === 1)
  source.calls[0]!.answer([undefined])
  assert.equal(await first, undefined)
  assert.equal(await enrich('a'), undefined)
  assert.equal(source.calls.length, 1)
})

test('the least recently used answers make room, by number and by bytes', async t => {
  const ask = async (cache: { maxEntries?: number; maxBytes?: number; sizeOf?: () => number }) => {
    const { enrich, source } = rig<string>(t, { cache: { ttlMs: 1_000, ...cache } })
    for (const key of ['a', 'b', 'a', 'c', 'a', 'b']) {
      const calls = source.calls.length
      const answer = enrich(key)
      await until(
        'it is answered or asked for',
        () => source.calls.length > calls || enrich.stats.waiting === 0,
      )
      source.calls[calls]?.answer([key])
      await answer
    }
    return { asked: source.calls.map(call => call.keys[0]), stats: enrich.stats }
  }
  const byNumber = await ask({ maxEntries: 2 })
  assert.deepEqual(byNumber.asked, ['a', 'b', 'c', 'b'])
  assert.equal(byNumber.stats.cachedEntries, 2)
  const byBytes = await ask({ maxBytes: 100, sizeOf: () => 40 })
  assert.deepEqual(byBytes.asked, ['a', 'b', 'c', 'b'])
  assert.equal(byBytes.stats.cachedBytes, 80)
})

test('more keys asked for at once than the cache holds are all answered', async t => {
  const { enrich, source } = rig<number, number>(t, { cache: { ttlMs: 1_000, maxEntries: 1 } })
  const answers = Promise.all([1, 2, 3, 4, 5].map(n => enrich(n)))
  for (let n = 0; n < 5; n++) {
    await until('the call is made', () => source.calls.length > n)
    source.calls[n]!.answer([source.calls[n]!.keys[0]! * 10])
  }
  assert.deepEqual(await answers, [10, 20, 30, 40, 50])
})

test('a sizeOf that throws fails the input and leaves nobody waiting', async t => {
  const sizeOf = (): number => {
    throw new Error('no idea')
  }
  const { enrich, source } = rig<string>(t, { cache: { ttlMs: 1_000, sizeOf } })
  const answer = enrich('a')
  await until('the call is made', () => source.calls.length === 1)
  source.calls[0]!.answer(['x'])
  await assert.rejects(answer, { code: 'ENRICHER_ANSWER_INVALID', message: /no idea/ })
})

test("a result's size is estimated from what it holds, and a cycle ends", () => {
  const cycle: { self?: unknown; text: string } = { text: 'x'.repeat(1_000) }
  cycle.self = cycle
  assert.ok(estimateBytes(cycle) >= 2_000 && estimateBytes(cycle) < 2_400)
  assert.ok(estimateBytes(new Map([['k', 'v'.repeat(500)]])) >= 1_000)
  assert.ok(estimateBytes(new Uint8Array(4_096)) >= 4_096 && estimateBytes(new Uint8Array(4_096)) < 4_200)
  assert.ok(estimateBytes(Array.from({ length: 100 }, () => ({ n: 1 }))) >= 100 * 32)
})
