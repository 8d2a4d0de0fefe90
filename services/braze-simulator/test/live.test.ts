import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Arrivals } from '../src/limits/arrivals.ts'
import { randomNumbers } from '../src/state/late-applying.ts'
import { event, NOON, rig } from './harness.ts'
import { oracle } from '../../../test-support/oracle.ts'

const body = { events: [event('u')] }

test('key, limits and dialect change while it runs, with what is used already', async t => {
  const it = rig(t, { burstRequests: 2 })
  assert.equal((await it.track(body)).status, 201)
  const changed = await it.post('/_simulator/options', {
    apiKey: 'new',
    burstRequests: 3,
    hourlyRequests: 50,
    rateLimitHeaders: 'mau',
  })
  assert.equal(changed.status, 200)
  assert.equal(JSON.stringify(changed.body).includes('new'), false, 'the key is not shown')
  assert.equal((await it.track(body)).status, 401)
  const key = { authorization: 'Bearer new' }
  const second = await it.track(body, key)
  assert.deepEqual([second.status, second.headers['x-ratelimit-limit']], [201, '50'])
  assert.equal((await it.track(body, key)).status, 201)
  assert.equal((await it.track(body, key)).headers['x-ratelimit-retry-after'], '3')
  // Less than is used: nothing until enough of it has lapsed.
  await it.post('/_simulator/options', {
    burstRequests: 1,
    hourlyRequests: null,
    rateLimitHeaders: 'general',
  })
  it.clock.advance(2_999)
  assert.equal((await it.track(body, key)).status, 429)
  it.clock.advance(1)
  assert.equal((await it.track(body, key)).status, 201)
})

test('an option that is unknown, out of bounds or fixed is refused, and nothing changes', async t => {
  const it = rig(t)
  for (const [options, message] of [
    [{ burst: 1 }, /option burst is unknown/],
    [{ burstRequests: 0 }, /option burstRequests is 0/],
    [{ latencyMs: 5, keepEvents: 1 }, /option keepEvents cannot be changed/],
    [{ rateLimitHeaders: 'mau' }, /set option hourlyRequests too/],
  ] as const) {
    const answer = await it.post('/_simulator/options', options)
    assert.equal(answer.status, 400)
    assert.match(answer.body.message, message)
  }
  assert.equal((await it.track(body)).status, 201)
})

test('the arrivals say exactly what any span and any hour held, refused requests included', () => {
  const gaps = fc.array(fc.nat({ max: 1_500 }), { minLength: 1, maxLength: 60 })
  oracle(
    fc.property(
      gaps,
      fc.integer({ min: 1, max: 6 }),
      fc.integer({ min: 1, max: 30 }),
      (steps, burst, hourly) => {
        const limits = { burstRequests: burst, burstWindowMs: 3_000, hourlyRequests: hourly }
        const arrivals = new Arrivals(() => limits, 1_000)
        // Shortly before the hour turns.
        let now = Date.parse('2026-03-04T12:59:50Z')
        const times = steps.map(step => (now += step))
        for (const [index, time] of times.entries()) arrivals.add(index + 1, time, true)
        const inWindow = times.map(
          (time, index) => times.filter((other, at) => at <= index && other > time - 3_000).length,
        )
        const inHour = times.map(
          (time, index) =>
            times.filter(
              (other, at) => at <= index && Math.floor(other / 3_600_000) === Math.floor(time / 3_600_000),
            ).length,
        )
        assert.deepEqual(arrivals.summary(), {
          total: times.length,
          firstAt: times[0],
          lastAt: times.at(-1),
          mostInWindow: Math.max(...inWindow),
          mostInHour: Math.max(...inHour),
          overLimit: times.filter((_, index) => inWindow[index]! > burst || inHour[index]! > hourly).length,
        })
      },
    ),
  )
})

test('arrivals are listed with what became of them; a wrong key is listed and not counted', async t => {
  const it = rig(t, { burstRequests: 1, keepArrivals: 2 })
  await it.track(body)
  it.clock.advance(1_000)
  await it.track(body)
  await it.track(body, { authorization: 'none' })
  const { arrivals } = await it.summary()
  assert.deepEqual(arrivals.track, {
    total: 2,
    firstAt: NOON,
    lastAt: NOON + 1_000,
    mostInWindow: 2,
    mostInHour: 2,
    overLimit: 1,
  })
  assert.equal(arrivals.delete.total, 0)
  assert.deepEqual((await it.simulator.app.inject('/_simulator/arrivals/track')).json(), [
    { request: 2, at: NOON + 1_000, status: 429 },
    { request: 3, at: NOON + 1_000, status: 401 },
  ])
  assert.equal((await it.simulator.app.inject('/_simulator/arrivals/other')).statusCode, 404)
})

test('separate requests are applied in another order than they were answered in, the same one for the same seed', async t => {
  const orders: number[][] = []
  for (const seed of [5, 5, 6]) {
    const it = rig(t, { reorderMs: 1_000, seed })
    for (let n = 0; n < 10; n++) assert.equal((await it.track({ events: [event('u', `n${n}`)] })).status, 201)
    assert.equal((await it.summary()).applying, 10)
    assert.equal(it.simulator.state.events().length, 0)
    for (let ms = 0; ms <= 1_000; ms++) {
      it.clock.advance(1)
      // A sleeper that was woken goes on in the next turn.
      await new Promise(resolve => setImmediate(resolve))
    }
    assert.equal((await it.summary()).applying, 0)
    orders.push(it.simulator.state.events().map(({ request }) => request))
  }
  const [first, same, other] = orders
  assert.deepEqual(
    first?.toSorted((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
  )
  assert.notDeepEqual(
    first,
    first?.toSorted((a, b) => a - b),
  )
  assert.deepEqual(same, first)
  assert.notDeepEqual(other, first)
})

test('a reset forgets what is answered and not applied; closing applies it', async t => {
  const it = rig(t)
  await it.fault({ reorderMs: 500 })
  await it.track(body)
  await it.post('/_simulator/reset', {})
  it.clock.advance(500)
  assert.equal((await it.summary()).applying, 0)
  await it.fault({ reorderMs: 500 })
  await it.track(body)
  await it.simulator.close()
  assert.equal(it.simulator.state.events().length, 1)
})

test('the random numbers are spread over their range', () => {
  const random = randomNumbers(3)
  const tenths = new Map<number, number>()
  for (let n = 0; n < 10_000; n++) {
    const tenth = Math.floor(random() * 10)
    tenths.set(tenth, (tenths.get(tenth) ?? 0) + 1)
  }
  assert.equal(tenths.size, 10)
  for (const count of tenths.values()) assert.ok(count > 800 && count < 1_200, `${count}`)
})
