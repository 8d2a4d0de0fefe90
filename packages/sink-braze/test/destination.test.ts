import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import type { DeliveryOutcome } from '@tributary/topology'
import { BrazeError } from '../src/errors.ts'
import { brazeAttributes, brazePurchase } from '../src/objects.ts'
import { deliver, event, kindsOf, withSimulator } from './harness.ts'

const TIME = '2026-03-01T10:00:00Z'

test('75 objects of all kinds are one request, and all arrive', async t => {
  const { simulator, destination } = await withSimulator(t)
  const objects = Array.from({ length: 75 }, (_, i) => {
    if (i % 3 === 0) return brazeAttributes({ external_id: `u${i}`, city: 'Oslo' })
    if (i % 3 === 1) return event(`u${i}`)
    return brazePurchase({ external_id: `u${i}`, product_id: 'p', currency: 'EUR', price: 1, time: TIME })
  })
  assert.deepEqual(new Set(kindsOf(await deliver(destination, objects))), new Set(['accepted']))
  const { objects: seen, requests, meanFill } = simulator.state.summary()
  assert.deepEqual(seen.accepted, { attributes: 25, events: 25, purchases: 25 })
  assert.equal(requests.total, 1)
  assert.equal(meanFill, 75)
})

test('more objects than a request may hold become several requests', async t => {
  const { simulator, destination } = await withSimulator(t)
  const outcomes = await deliver(
    destination,
    Array.from({ length: 160 }, (_, i) => event(`u${i}`)),
  )
  assert.equal(outcomes.filter(({ kind }) => kind === 'accepted').length, 160)
  assert.deepEqual(
    simulator.state.requests().map(({ objects }) => objects?.events),
    [75, 75, 10],
  )
})

test('more bytes than a request may hold become several requests', async t => {
  const { simulator, destination } = await withSimulator(
    t,
    { maxBodyBytes: 50_000 },
    { maxRequestBytes: 40_000 },
  )
  const note = 'ü'.repeat(250)
  const outcomes = await deliver(
    destination,
    Array.from({ length: 75 }, (_, i) => event(`u${i}`, { a: note, b: note, c: note })),
  )
  assert.deepEqual(new Set(kindsOf(outcomes)), new Set(['accepted']))
  const { max, requests } = simulator.state.summary()
  assert.ok(max.bytes <= 40_000 && requests.total > 3, `${max.bytes} bytes, ${requests.total} requests`)
})

test('an object that Braze would refuse is not sent, and the others are', async t => {
  const { simulator, destination } = await withSimulator(t)
  const outcomes = await deliver(destination, [event('u1'), event('u2', { time: 'x' }), event('')])
  assert.deepEqual(kindsOf(outcomes), ['accepted', 'rejected', 'rejected'])
  assert.match(JSON.stringify(outcomes[1]), /the property name time is reserved/)
  assert.equal(simulator.state.summary().objects.refused.events, 0)
  assert.equal(destination.stats.invalid, 2)
})

test('objects that a 201 names in its errors are rejected with Braze’s reason, exactly those', async t => {
  const { simulator, destination, fault } = await withSimulator(t)
  await fault({ rejectExternalId: 'blocked', type: 'provided external_id is blacklisted' })
  const outcomes = await deliver(destination, [
    event('u1'),
    brazeAttributes({ external_id: 'blocked', city: 'Oslo' }),
    event('blocked'),
    event('u2'),
  ])
  assert.deepEqual(kindsOf(outcomes), ['accepted', 'rejected', 'rejected', 'accepted'])
  const [, rejected] = outcomes
  assert.equal(
    rejected?.kind === 'rejected' && (rejected.cause as { code: string }).code,
    'BRAZE_OBJECT_REFUSED',
  )
  assert.match(JSON.stringify(rejected), /blacklisted/)
  assert.equal(simulator.state.events().length, 2)
  assert.equal(simulator.state.summary().requests.total, 1)
})

test('what is refused comes with the object as it was sent, the status, and all that were folded into it', async t => {
  const { destination, fault } = await withSimulator(t)
  await fault({ rejectExternalId: 'blocked' })
  const [folded, other, again, invalid] = await deliver(destination, [
    brazeAttributes({ external_id: 'blocked', city: 'Oslo' }),
    event('u1'),
    brazeAttributes({ external_id: 'blocked', plan: 'gold' }),
    event('u2', { time: 'x' }),
  ])
  assert.equal(other?.kind, 'accepted')
  const letterOf = (outcome: DeliveryOutcome | undefined): object | undefined =>
    outcome?.kind === 'rejected'
      ? {
          status: outcome.status,
          sent: outcome.sent,
          together: outcome.together,
          isAttempt: outcome.isAttempt,
        }
      : undefined
  const sent = '{"external_id":"blocked","city":"Oslo","plan":"gold"}'
  assert.deepEqual(letterOf(folded), { status: 201, sent, together: [0, 2], isAttempt: undefined })
  assert.deepEqual(letterOf(again), letterOf(folded))
  assert.deepEqual(letterOf(invalid), {
    status: undefined,
    sent: undefined,
    together: undefined,
    isAttempt: false,
  })
})

test('a 400 that names every object is answered without another request', async t => {
  const { simulator, destination, fault } = await withSimulator(t)
  await fault({ rejectExternalId: 'blocked' })
  assert.deepEqual(kindsOf(await deliver(destination, [event('blocked')])), ['rejected'])
  assert.equal(simulator.state.summary().requests.total, 1)
})

test('a request that holds too much by Braze’s count is halved until it does not', async t => {
  const { simulator, destination } = await withSimulator(t, { maxObjects: 20 })
  const outcomes = await deliver(
    destination,
    Array.from({ length: 75 }, (_, i) => event(`u${i}`)),
  )
  assert.deepEqual(new Set(kindsOf(outcomes)), new Set(['accepted']))
  assert.equal(simulator.state.events().length, 75)
})

test('one object that is too large for Braze alone is found by halving; the others arrive once', async t => {
  const { simulator, destination } = await withSimulator(t, { maxBodyBytes: 20_000 })
  const big = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`p${i}`, 'x'.repeat(250)]))
  const objects = Array.from({ length: 40 }, (_, i) => event(`u${i}`, i === 17 ? big : {}))
  const outcomes = await deliver(destination, objects)
  assert.deepEqual(
    outcomes.flatMap(({ kind }, index) => (kind === 'rejected' ? [index] : [])),
    [17],
  )
  assert.match(JSON.stringify(outcomes[17]), /status 413/)
  const arrived = simulator.state.events().map(({ external_id: id }) => id)
  assert.equal(new Set(arrived).size, 39)
  assert.equal(arrived.length, 39)
  assert.ok(destination.stats.splits > 3)
})

for (const rateLimitHeaders of ['general', 'mau'] as const) {
  test(`a 429 in the ${rateLimitHeaders} dialect pauses everything for as long as it says`, async t => {
    const hourly = rateLimitHeaders === 'mau' ? { hourlyRequests: 1_000_000 } : {}
    const { destination, fault } = await withSimulator(t, { rateLimitHeaders, ...hourly })
    await fault({ status: 429, retryAfterSeconds: 30, times: 1 })
    await assert.rejects(
      deliver(destination, [event('u1')]),
      (error: { code: string; retry: { ms: number } }) => {
        assert.equal(error.code, 'BRAZE_RATE_LIMITED')
        // The reset is a full second of the clock.
        assert.ok(error.retry.ms > 28_000 && error.retry.ms <= 31_000, `${error.retry.ms} ms`)
        return true
      },
    )
    await assert.rejects(deliver(destination, [event('u2')]), { code: 'BRAZE_RATE_LIMITED' })
    assert.equal(destination.stats.answers['429'], 1, 'the second call sent nothing')
    assert.ok(destination.stats.limiter.heldMs > 28_000)
  })
}

test('a 5xx asks for a retry with backoff, and what is known by then is kept', async t => {
  const { simulator, destination, fault } = await withSimulator(t)
  await fault({ status: 503, externalIds: ['late'] })
  await assert.rejects(deliver(destination, [event('late')]), {
    code: 'BRAZE_UNAVAILABLE',
    retry: { kind: 'backoff' },
    status: 503,
  })
  const objects = Array.from({ length: 80 }, (_, i) => event(i < 75 ? `u${i}` : 'late'))
  const outcomes = await deliver(destination, objects)
  assert.deepEqual(kindsOf(outcomes), [...Array(75).fill('accepted'), ...Array(5).fill('retry')])
  assert.equal(simulator.state.events().length, 75)
})

test('what a failed call leaves open is told with its status and what was sent, for the letter of who is given up', async t => {
  const { destination, fault } = await withSimulator(t)
  await fault({ status: 503, externalIds: ['late'] })
  const json = JSON.stringify(event('late').object)
  await assert.rejects(deliver(destination, [event('late')]), error => {
    assert.ok(BrazeError.is(error))
    assert.deepEqual([error.status, error.sentOf(0)], [503, { sent: json }])
    assert.doesNotMatch(`${inspect(error, { depth: 9 })}${JSON.stringify(error)}`, /late/, 'no log shows it')
    return true
  })
  const objects = Array.from({ length: 80 }, (_, i) => event(i < 75 ? `u${i}` : 'late'))
  const last = (await deliver(destination, objects)).at(-1)!
  assert.deepEqual(last.kind === 'retry' && [last.status, last.sent], [503, json])
})

test('objects that were folded are told as the one that they became', async t => {
  const { destination, fault } = await withSimulator(t)
  await fault({ status: 500 })
  const city = (name: string) => brazeAttributes({ external_id: 'u1', city: name })
  await assert.rejects(deliver(destination, [city('Rome'), city('Oslo')]), error => {
    const sent = { sent: JSON.stringify(city('Oslo').object), together: [0, 1] }
    assert.ok(BrazeError.is(error))
    assert.deepEqual([error.sentOf(0), error.sentOf(1)], [sent, sent])
    return true
  })
})

test('a connection that is cut asks for a retry', async t => {
  const { destination, fault } = await withSimulator(t)
  await fault({ reset: true, times: 1 })
  await assert.rejects(deliver(destination, [event('u1')]), {
    code: 'BRAZE_NETWORK_FAILED',
    retry: { kind: 'backoff' },
  })
  assert.deepEqual(kindsOf(await deliver(destination, [event('u1')])), ['accepted'])
})

test('no answer in time asks for a retry', async t => {
  const { destination, fault } = await withSimulator(t, {}, { requestTimeoutMs: 30 })
  await fault({ delayMs: 60_000, times: 1 })
  await assert.rejects(deliver(destination, [event('u1')]), {
    code: 'BRAZE_TIMED_OUT',
    retry: { kind: 'backoff' },
  })
  assert.equal(destination.stats.unanswered, 1)
})

test('the call ends with its signal', async t => {
  const { destination, fault } = await withSimulator(t)
  await fault({ delayMs: 60_000 })
  const controller = new AbortController()
  const delivering = deliver(destination, [event('u1')], controller.signal)
  setImmediate(() => controller.abort(new Error('revoked')))
  await assert.rejects(delivering, /revoked/)
})

test('the limit is held against the simulator’s own count, with many calls at once', async t => {
  const limits = { maxRequests: 20, windowMs: 300 }
  const simulated = { burstRequests: 20, burstWindowMs: 300, latencyMs: 2 }
  const { simulator, destination } = await withSimulator(t, simulated, { limits })
  const calls = Array.from({ length: 100 }, (_, i) => deliver(destination, [event(`u${i}`)]))
  const outcomes = (await Promise.all(calls)).flat()
  assert.deepEqual(new Set(kindsOf(outcomes)), new Set(['accepted']))
  assert.deepEqual(simulator.state.summary().requests.byStatus, { 201: 100 })
})
