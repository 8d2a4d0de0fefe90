import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LimitReading } from '../src/rate-limit-headers.ts'
import { asked, type Asked } from './limiter-harness.ts'

/** Makes one request whose answer says so, and then asks for many. */
async function read(given: Asked, reading: LimitReading): Promise<void> {
  given.ask()
  await given.clock.advance(0)
  given.grants.at(-1)?.end({ kind: 'answered', reading })
  given.grants.length = 0
}

function askMany({ ask }: Asked, count: number, isUrgent = true): void {
  for (let i = 0; i < count; i += 1) ask({ isUrgent })
}

test('when little remains, it is spread over the time until the reset', async () => {
  const given = asked({ maxRequests: 1_000 })
  await read(given, { limit: 1_000, remaining: 60, resetMs: 60_000 })
  assert.equal(given.limiter.stats.isSlow, true)
  askMany(given, 100)
  await given.clock.advance(10_000)
  assert.equal(given.grants.length, 10)
  await given.clock.advance(49_999)
  assert.equal(given.grants.length, 59)
  await given.clock.advance(1)
  assert.equal(given.grants.length, 100, 'the reset has come')
})

test('a process takes no more of what remains than its share', async () => {
  const given = asked({ maxRequests: 900, handoverMs: 0 })
  given.limiter.assign({ partitions: [0, 1], partitionCount: 6 })
  await read(given, { limit: 1_000, remaining: 60, resetMs: 60_000 })
  askMany(given, 100)
  await given.clock.advance(30_000)
  assert.equal(given.grants.length, 10)
})

test('what is under way is taken off what remains', async () => {
  const given = asked({ maxRequests: 1_000 })
  given.ask()
  given.ask()
  await given.clock.advance(0)
  given.grants[0]?.end({ kind: 'answered', reading: { limit: 100, remaining: 2, resetMs: 60_000 } })
  const before = given.grants.length
  askMany(given, 5)
  await given.clock.advance(59_999)
  assert.equal(given.grants.length, before)
  await given.clock.advance(1)
  assert.equal(given.grants.length, before + 5)
})

test('it goes on at full speed when more remains again', async () => {
  const given = asked({ maxRequests: 1_000 })
  await read(given, { limit: 1_000, remaining: 60, resetMs: 60_000 })
  askMany(given, 100)
  await given.clock.advance(1_000)
  assert.equal(given.grants.length, 1)
  given.grants[0]?.end({ kind: 'answered', reading: { limit: 1_000, remaining: 100, resetMs: 50_000 } })
  await given.clock.advance(0)
  assert.equal(given.limiter.stats.isSlow, false)
  assert.equal(given.grants.length, 100)
})

test('the urgent go first while little remains', async () => {
  const given = asked({ maxRequests: 1_000 })
  await read(given, { limit: 1_000, remaining: 60, resetMs: 60_000 })
  askMany(given, 5, false)
  const urgent = given.ready(true)
  const other = given.ready(false)
  await given.clock.advance(1_000)
  assert.deepEqual([urgent.isReady, other.isReady, given.grants.length], [true, false, 1])
})

test('the own limit holds, however much remains', async () => {
  const given = asked({ maxRequests: 3 })
  await read(given, { limit: 1_000_000, remaining: 99_999, resetMs: 8_100 })
  askMany(given, 5)
  await given.clock.advance(2_999)
  assert.equal(given.grants.length, 2)
})

test('a reading of a window no longer than the own one does not slow down', async () => {
  const given = asked({ maxRequests: 1_000 })
  // Three seconds, given as an epoch second that is rounded up, by a clock that is ahead.
  await read(given, { limit: 1_000, remaining: 0, resetMs: 7_999 })
  assert.equal(given.limiter.stats.isSlow, false)
  askMany(given, 999)
  await given.clock.advance(0)
  assert.equal(given.grants.length, 999)
})

test('a limit that is known to last longer is spread until its very end', async () => {
  const given = asked({ maxRequests: 1_000 })
  await read(given, { limit: 1_000, remaining: 500, resetMs: 60_000 })
  assert.equal(given.limiter.stats.isSlow, false)
  await given.clock.advance(58_000)
  await read(given, { limit: 1_000, remaining: 2, resetMs: 2_000 })
  assert.equal(given.limiter.stats.isSlow, true)
  askMany(given, 10)
  await given.clock.advance(1_999)
  assert.equal(given.grants.length, 1)
  await given.clock.advance(1)
  assert.equal(given.grants.length, 10)
})
