import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RateLimiter } from '../src/limits/rate-limiter.ts'
import { SlidingWindow } from '../src/limits/windows.ts'
import { event, NOON, rig } from './harness.ts'
import { oracleSeed as seed } from '../../../test-support/oracle.ts'

const body = { events: [event('u')] }
const HOUR_ENDS_AT = Date.parse('2026-03-04T13:00:00Z')
const epochSeconds = (ms: number): string => String(Math.ceil(ms / 1_000))

test('no span of three seconds holds more requests than the limit, and no request is refused without need', t => {
  t.diagnostic(`ORACLE_SEED=${seed}`)
  const gaps = fc.array(fc.integer({ min: 0, max: 1_500 }), { maxLength: 60 })
  fc.assert(
    fc.property(gaps, fc.integer({ min: 1, max: 6 }), (steps, limit) => {
      const window = new SlidingWindow(limit, 3_000)
      const admitted: number[] = []
      let now = 0
      for (const step of steps) {
        now += step
        const recent = admitted.filter(time => time > now - 3_000)
        assert.equal(window.used(now), recent.length)
        if (recent.length === limit) {
          assert.equal(window.resetAt(now), recent[0]! + 3_000)
          continue
        }
        window.take(now)
        admitted.push(now)
      }
    }),
    { seed },
  )
})

test('a request that one window refuses does not use up the other', () => {
  const limiter = new RateLimiter({ burstRequests: 1, burstWindowMs: 3_000, hourlyRequests: 2 })
  assert.equal(limiter.admit(NOON), undefined)
  assert.equal(limiter.admit(NOON + 1)?.name, 'burst')
  assert.equal(limiter.admit(NOON + 3_000), undefined)
  assert.equal(limiter.admit(NOON + 6_000)?.name, 'hour')
  assert.equal(limiter.admit(HOUR_ENDS_AT - 1)?.name, 'hour')
  assert.equal(limiter.admit(HOUR_ENDS_AT), undefined)
})

test('the burst limit is 3,000 requests in three seconds unless said otherwise', async t => {
  const { simulator, track, clock } = rig(t)
  const statuses = new Map<number, number>()
  for (let sent = 0; sent < 3_001; sent++) {
    const { statusCode } = await simulator.app.inject({
      method: 'POST',
      url: '/users/track',
      headers: { authorization: 'Bearer test-key', 'content-type': 'application/json' },
      payload: '{}',
    })
    statuses.set(statusCode, (statuses.get(statusCode) ?? 0) + 1)
  }
  assert.deepEqual(
    [...statuses],
    [
      [400, 3_000],
      [429, 1],
    ],
  )
  clock.advance(2_999)
  assert.equal((await track(body)).status, 429)
  clock.advance(1)
  assert.equal((await track(body)).status, 201)
})

test('general headers are on every answer and give the reset as an epoch second', async t => {
  const { track, clock } = rig(t, { burstRequests: 2 })
  const first = await track(body)
  assert.equal(first.headers['x-ratelimit-limit'], '2')
  assert.equal(first.headers['x-ratelimit-remaining'], '1')
  assert.equal(first.headers['x-ratelimit-reset'], epochSeconds(NOON + 3_000))
  clock.advance(1_000)
  assert.equal((await track({})).headers['x-ratelimit-remaining'], '0')
  const limited = await track(body)
  assert.equal(limited.status, 429)
  assert.equal(limited.headers['x-ratelimit-remaining'], '0')
  assert.equal(limited.headers['x-ratelimit-reset'], epochSeconds(NOON + 3_000))
  assert.equal(limited.headers['x-ratelimit-retry-after'], undefined)
  assert.equal(limited.headers['retry-after'], undefined)
})

test('general headers describe the hour where there is an hourly limit, and the window that is full on a 429', async t => {
  const { track } = rig(t, { burstRequests: 1, hourlyRequests: 100 })
  const first = await track(body)
  assert.equal(first.headers['x-ratelimit-limit'], '100')
  assert.equal(first.headers['x-ratelimit-remaining'], '99')
  assert.equal(first.headers['x-ratelimit-reset'], epochSeconds(HOUR_ENDS_AT))
  const limited = await track(body)
  assert.equal(limited.headers['x-ratelimit-limit'], '1')
  assert.equal(limited.headers['x-ratelimit-reset'], epochSeconds(NOON + 3_000))
})

test('mau headers describe the hour in seconds to go, and a 429 has only the seconds to wait', async t => {
  const { track, clock } = rig(t, { rateLimitHeaders: 'mau', burstRequests: 2, hourlyRequests: 3 })
  const first = await track(body)
  assert.equal(first.headers['x-ratelimit-limit'], '3')
  assert.equal(first.headers['x-ratelimit-remaining'], '2')
  assert.equal(first.headers['x-ratelimit-reset'], epochSeconds(HOUR_ENDS_AT - NOON))
  await track(body)
  clock.advance(500)
  const burst = await track(body)
  assert.equal(burst.status, 429)
  assert.equal(burst.headers['x-ratelimit-retry-after'], '3')
  for (const name of ['limit', 'remaining', 'reset']) {
    assert.equal(burst.headers[`x-ratelimit-${name}`], undefined)
  }
  clock.advance(2_499)
  assert.equal((await track(body)).headers['x-ratelimit-retry-after'], '1')
  clock.advance(1)
  assert.equal((await track(body)).status, 201)
  const hour = await track(body)
  assert.equal(hour.status, 429)
  assert.equal(hour.headers['x-ratelimit-retry-after'], epochSeconds(HOUR_ENDS_AT - clock.now()))
  clock.advance(HOUR_ENDS_AT - clock.now())
  assert.equal((await track(body)).status, 201)
})

test('requests with a wrong key and requests to the control endpoints do not count', async t => {
  const { track, simulator } = rig(t, { burstRequests: 1 })
  assert.equal((await track(body, { authorization: 'Bearer other' })).status, 401)
  for (const url of ['/_simulator/state', '/_simulator/events', '/health/live', '/health/ready']) {
    assert.equal((await simulator.app.inject(url)).statusCode, 200)
  }
  assert.equal((await track(body)).status, 201)
  assert.equal((await track(body)).status, 429)
})
