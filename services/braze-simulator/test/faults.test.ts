import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Client } from 'undici'
import { API_KEY, event, NOON, rig, until } from './harness.ts'
import type { Rig } from './harness.ts'

const body = { events: [event('u')] }

async function statuses(it: Rig, count: number): Promise<number[]> {
  const seen: number[] = []
  for (let sent = 0; sent < count; sent++) seen.push((await it.track(body)).status)
  return seen
}

/** Posts over a real connection. @returns the status, or the error's name and code */
async function poster(
  t: TestContext,
  it: Rig,
): Promise<(body: object, signal?: AbortSignal) => Promise<unknown>> {
  const client = new Client(await it.simulator.app.listen({ port: 0, host: '127.0.0.1' }))
  t.after(() => client.destroy())
  return async (sent, signal) => {
    try {
      const response = await client.request({
        method: 'POST',
        path: '/users/track',
        headers: { authorization: `Bearer ${API_KEY}`, 'content-type': 'application/json' },
        body: JSON.stringify(sent),
        ...(signal === undefined ? {} : { signal }),
      })
      await response.body.dump()
      return response.statusCode
    } catch (error) {
      const { name, code } = error as NodeJS.ErrnoException
      return `${name} ${code}`
    }
  }
}

test('a status strikes as often as it was ordered, without anything being taken in', async t => {
  const it = rig(t)
  assert.equal(await it.fault({ status: 503, times: 3 }), 201)
  assert.deepEqual(await statuses(it, 4), [503, 503, 503, 201])
  assert.equal(it.simulator.state.events().length, 1)
})

test('a status without times strikes until the faults are removed', async t => {
  const it = rig(t)
  await it.fault({ status: 500 })
  assert.deepEqual(await statuses(it, 3), [500, 500, 500])
  assert.deepEqual((await it.summary()).faults, [{ status: 500, id: 1, remaining: null }])
  const removed = await it.simulator.app.inject({ method: 'DELETE', url: '/_simulator/faults' })
  assert.equal(removed.statusCode, 204)
  assert.deepEqual(await statuses(it, 1), [201])
})

test('faults strike one after the other, in the order in which they were ordered', async t => {
  const it = rig(t)
  await it.fault({ status: 502, times: 1 })
  await it.fault({ status: 504, times: 2 })
  assert.deepEqual(await statuses(it, 4), [502, 504, 504, 201])
})

test('a failed answer can hide that the objects were taken in', async t => {
  const it = rig(t)
  await it.fault({ status: 504, applied: true, times: 1 })
  assert.deepEqual(await statuses(it, 2), [504, 201])
  assert.deepEqual(
    it.simulator.state.events().map(one => one.request),
    [1, 2],
  )
  assert.deepEqual(
    it.simulator.state.requests().map(one => [one.status, one.applied]),
    [
      [504, true],
      [201, true],
    ],
  )
})

test('a 429 that was ordered has the headers of the dialect', async t => {
  const general = rig(t)
  await general.fault({ status: 429, retryAfterSeconds: 7, times: 1 })
  const first = await general.track(body)
  assert.equal(first.status, 429)
  assert.equal(first.headers['x-ratelimit-remaining'], '0')
  assert.equal(first.headers['x-ratelimit-reset'], String(Math.ceil((NOON + 7_000) / 1_000)))

  const mau = rig(t, { rateLimitHeaders: 'mau', hourlyRequests: 10 })
  await mau.fault({ status: 429, retryAfterSeconds: 7, times: 1 })
  await mau.fault({ status: 429, times: 1 })
  const second = await mau.track(body)
  assert.equal(second.headers['x-ratelimit-retry-after'], '7')
  assert.equal(second.headers['x-ratelimit-limit'], undefined)
  assert.equal((await mau.track(body)).headers['x-ratelimit-retry-after'], '1')
})

test('a fault for some users leaves the requests without them alone', async t => {
  const it = rig(t)
  await it.fault({ status: 503, externalIds: ['x', 'y'], times: 1 })
  assert.equal((await it.track(body)).status, 201)
  assert.equal((await it.track({ ...body, attributes: [{ external_id: 'y', a: 1 }] })).status, 503)
  assert.equal((await it.track({ events: [event('x')] })).status, 201)
})

test('a delay holds the answer back, and joins a status', async t => {
  const it = rig(t)
  await it.fault({ delayMs: 500, times: 1 })
  await it.fault({ status: 503, times: 1 })
  let status = 0
  const sending = it.track(body).then(answer => {
    status = answer.status
  })
  await until(() => it.clock.sleeping === 1)
  it.clock.advance(499)
  assert.equal(it.clock.sleeping, 1)
  assert.equal(status, 0)
  it.clock.advance(1)
  await sending
  assert.equal(status, 503)
  assert.deepEqual(it.simulator.state.requests()[0]?.faults, [1, 2])
})

test('closing does not wait for a delay', async t => {
  const it = rig(t)
  await it.fault({ delayMs: 500 })
  const sending = it.track(body)
  await until(() => it.clock.sleeping === 1)
  await it.simulator.close()
  assert.equal((await sending).status, 201)
})

test('a connection is cut before or after the objects are taken in', async t => {
  const it = rig(t)
  const post = await poster(t, it)
  await it.fault({ reset: true, times: 1 })
  assert.match(String(await post({ events: [event('u', 'before')] })), /ECONNRESET|UND_ERR_SOCKET/)
  assert.equal(it.simulator.state.events().length, 0)
  await it.fault({ reset: true, applied: true, times: 1 })
  assert.match(String(await post({ events: [event('u', 'after')] })), /ECONNRESET|UND_ERR_SOCKET/)
  assert.deepEqual(
    it.simulator.state.events().map(one => one.name),
    ['after'],
  )
  assert.equal(await post(body), 201)
  assert.deepEqual((await it.summary()).requests.byStatus, { reset: 2, 201: 1 })
})

test('a request whose sender has left is taken in, and what the sender sends next does not overlap it', async t => {
  const it = rig(t)
  const post = await poster(t, it)
  await it.fault({ delayMs: 500, times: 1 })
  const leaving = new AbortController()
  const left = post(body, leaving.signal)
  await until(() => it.clock.sleeping === 1)
  leaving.abort()
  assert.match(String(await left), /^AbortError/)
  await until(() => it.simulator.state.inFlight.underWay === 0)
  assert.equal(await post({ events: [event('u', 'next')] }), 201)
  it.clock.advance(500)
  await until(() => it.simulator.state.events().length === 2)
  const summary = await it.summary()
  assert.equal(summary.overlaps.count, 0)
  assert.deepEqual(summary.requests.byStatus, { 201: 1, aborted: 1 })
})

test('the objects of a user who is to be rejected are refused, and the others are taken in', async t => {
  const it = rig(t)
  await it.fault({ rejectExternalId: 'x' })
  await it.fault({ rejectExternalId: 'y', type: 'no such luck', times: 1 })
  const sent = { attributes: [{ external_id: 'x', a: 1 }], events: [event('u'), event('y'), event('x')] }
  const blacklisted = 'provided external_id is blacklisted and disallowed'
  const { status, body: answer } = await it.track(sent)
  assert.equal(status, 201)
  assert.deepEqual(answer.errors, [
    { type: blacklisted, input_array: 'attributes', index: 0 },
    { type: 'no such luck', input_array: 'events', index: 1 },
    { type: blacklisted, input_array: 'events', index: 2 },
  ])
  assert.equal((await it.track(sent)).body.errors?.length, 2)
  assert.equal((await it.track({ events: [event('x')] })).status, 400)
  assert.deepEqual((await it.summary()).objects.refusedByRule, { 'user-blocked': 6 })
})

test('a blocked user has the documented code where codes are asked for', async t => {
  const it = rig(t, { errorTypes: 'code' })
  await it.fault({ rejectExternalId: 'x' })
  const { body: answer } = await it.track({ events: [event('x')] })
  assert.equal(answer.errors?.[0]?.type, 'BLACKLISTED_EXTERNAL_USER_ID')
})

test('a fault that makes no sense is refused with a message that names what is wrong', async t => {
  const it = rig(t)
  const cases: readonly (readonly [unknown, RegExp])[] = [
    [{}, /exactly one of status, queued, delayMs, .*rejectIndex; seen: none/],
    [{ status: 503, delayMs: 5 }, /seen: status and delayMs/],
    [[], /seen: none/],
    [{ status: 200 }, /\/status must be >= 400/],
    [{ status: '503' }, /\/status must be integer/],
    [{ status: 503, retryAfterSeconds: 1 }, /\/status must be equal to constant/],
    [{ status: 503, times: 0 }, /\/times must be >= 1/],
    [{ status: 503, wibble: 1 }, /must NOT have additional properties/],
    [{ reset: false }, /\/reset must be equal to constant/],
    [{ delayMs: 5, externalIds: [] }, /\/externalIds must NOT have fewer than 1 items/],
    [{ queued: false }, /\/queued must be equal to constant/],
    [{ broken: 'somehow' }, /\/broken must be equal to one of the allowed values/],
    [{ status: 503, withoutHeaders: true }, /\/status must be equal to constant/],
    [{ rejectIndex: -1 }, /\/rejectIndex must be >= 0/],
    [{ rejectExternalId: '' }, /\/rejectExternalId must NOT have fewer than 1 characters/],
  ]
  for (const [fault, message] of cases) {
    const response = await it.simulator.app.inject({
      method: 'POST',
      url: '/_simulator/faults',
      payload: fault as object,
    })
    assert.equal(response.statusCode, 400, JSON.stringify(fault))
    const answer = response.json<{ code: string; message: string }>()
    assert.equal(answer.code, 'SIMULATOR_FAULT_INVALID')
    assert.match(answer.message, message)
  }
  assert.deepEqual((await it.summary()).faults, [])
})
