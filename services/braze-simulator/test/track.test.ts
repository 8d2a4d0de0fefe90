import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Client } from 'undici'
import { API_KEY, event, rig } from './harness.ts'

const json = { 'content-type': 'application/json' }
const valid = { events: [event('u')] }

test('a request with the key is answered 201 with what was processed of each array that was sent', async t => {
  const { track } = rig(t)
  const attributes = [{ external_id: 'u', city: 'Lisbon' }]
  const { status, body } = await track({ attributes, events: [event('u'), event('v')], purchases: [] })
  assert.equal(status, 201)
  assert.deepEqual(body, {
    message: 'success',
    attributes_processed: 1,
    events_processed: 2,
    purchases_processed: 0,
  })
})

test('a missing, malformed or wrong key is answered 401', async t => {
  const { simulator, track } = rig(t)
  for (const authorization of ['', API_KEY, `Bearer "${API_KEY}"`, `Bearer ${API_KEY}x`, 'Bearer ']) {
    const { status, body } = await track(valid, { authorization })
    assert.equal(status, 401, authorization)
    assert.deepEqual(body, { message: 'Invalid API key' })
  }
  const bare = await simulator.app.inject({
    method: 'POST',
    url: '/users/track',
    headers: json,
    payload: valid,
  })
  assert.equal(bare.statusCode, 401)
})

test('a missing or other content type is answered 415', async t => {
  const { simulator, track } = rig(t)
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonp', 'nonsense']) {
    assert.equal((await track(valid, { 'content-type': type })).status, 415, type)
  }
  const headers = { authorization: `Bearer ${API_KEY}` }
  const bare = await simulator.app.inject({ method: 'POST', url: '/users/track', headers })
  assert.equal(bare.statusCode, 415)
  assert.equal((await track(valid, { 'content-type': 'Application/JSON; charset=utf-8' })).status, 201)
})

test('what is no JSON is answered 400 without errors', async t => {
  const { track } = rig(t)
  for (const text of ['', '{', "{'events':[]}", '{"events":[],}', '\uFEFF{}']) {
    const { status, body } = await track(text)
    assert.equal(status, 400, JSON.stringify(text))
    assert.deepEqual(body, { message: 'Bad Request' })
  }
})

test('bytes that are no UTF-8 are answered 400', async t => {
  const { simulator } = rig(t)
  const { statusCode } = await simulator.app.inject({
    method: 'POST',
    url: '/users/track',
    headers: { authorization: `Bearer ${API_KEY}`, ...json },
    payload: Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
  })
  assert.equal(statusCode, 400)
})

test('a body is taken up to 4 MB and refused with 413 beyond, in UTF-8 bytes', async t => {
  const { track, summary } = rig(t)
  const bodyOf = (bytes: number): string => {
    const empty = JSON.stringify({ ...valid, padding: '' })
    const room = bytes - empty.length
    return JSON.stringify({ ...valid, padding: 'é'.repeat(Math.floor(room / 2)) + 'x'.repeat(room % 2) })
  }
  const largest = bodyOf(4_000_000)
  assert.equal(Buffer.byteLength(largest), 4_000_000)
  assert.equal((await track(largest)).status, 201)
  const { status, body } = await track(bodyOf(4_000_001))
  assert.equal(status, 413)
  assert.deepEqual(body, { message: 'Request Entity Too Large' })
  assert.equal((await summary()).max.bytes, 4_000_001)
})

test('a sender of a body that is too large gets the answer over a real connection, and can go on with it', async t => {
  const { simulator } = rig(t, { maxBodyBytes: 1_000 })
  const client = new Client(await simulator.app.listen({ port: 0, host: '127.0.0.1' }))
  t.after(() => client.close())
  const post = async (body: string): Promise<number> => {
    const headers = { authorization: `Bearer ${API_KEY}`, ...json }
    const response = await client.request({ method: 'POST', path: '/users/track', headers, body })
    await response.body.dump()
    return response.statusCode
  }
  assert.equal(await post(JSON.stringify('x'.repeat(8_000_000))), 413)
  assert.equal(await post(JSON.stringify(valid)), 201)
})

test('more than 75 objects over the three arrays are too many, and none of them is taken in', async t => {
  const { track, simulator } = rig(t)
  const events = Array.from({ length: 74 }, (_, index) => event(`u${index}`))
  const attributes = [{ external_id: 'a', city: 'Lisbon' }]
  assert.equal((await track({ attributes, events })).status, 201)
  const { status, body } = await track({ attributes: [...attributes, { external_id: 'b' }], events })
  assert.equal(status, 400)
  assert.deepEqual(body, { message: 'Max Input Length Exceeded' })
  assert.equal(simulator.state.events().length, 74)
  assert.equal(simulator.state.user('b'), undefined)
  assert.equal(simulator.state.summary().max.objects, 76)
})

test('a legacy contract takes 75 objects in each array', async t => {
  const { track } = rig(t, { objectLimit: 'per-array' })
  const events = Array.from({ length: 75 }, () => event('u'))
  const attributes = Array.from({ length: 75 }, () => ({ external_id: 'u', city: 'Lisbon' }))
  assert.equal((await track({ attributes, events })).status, 201)
  const { status, body } = await track({ attributes, events: [...events, event('u')] })
  assert.equal(status, 400)
  assert.equal(body.message, 'Max Input Length Exceeded')
})

test('invalid objects are named by their place in the array as sent, and the rest is taken in', async t => {
  const { track, simulator } = rig(t)
  const { status, body } = await track({
    attributes: [{ city: 'Lisbon' }],
    events: [event('a'), { external_id: 'a', name: 'x' }, event('b'), event('')],
    purchases: [{ ...event('a'), product_id: 'p', currency: 'EUR', price: 1, quantity: 200 }],
  })
  const identity = "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required"
  assert.equal(status, 201)
  assert.deepEqual(body, {
    message: 'success',
    attributes_processed: 0,
    events_processed: 2,
    purchases_processed: 0,
    errors: [
      { type: identity, input_array: 'attributes', index: 0 },
      { type: "'time' is required", input_array: 'events', index: 1 },
      { type: identity, input_array: 'events', index: 3 },
      { type: "'quantity' is not valid", input_array: 'purchases', index: 0 },
    ],
  })
  assert.deepEqual(
    simulator.state.events().map(({ external_id: id, index }) => [id, index]),
    [
      ['a', 0],
      ['b', 2],
    ],
  )
})

test('a request in which nothing is valid is answered 400 with the errors', async t => {
  const { track } = rig(t)
  const message = "Valid data must be provided in the 'attributes', 'events', or 'purchases' fields."
  const { status, body } = await track({ events: [event('')] })
  assert.equal(status, 400)
  assert.equal(body.message, message)
  assert.deepEqual(
    body.errors?.map(error => [error.input_array, error.index]),
    [['events', 0]],
  )
  for (const empty of [{}, { events: [] }, { events: {} }, [], null, 5]) {
    assert.deepEqual((await track(empty)).body, { message }, JSON.stringify(empty))
  }
})

test('a trailing slash is answered 403 and any other address 404', async t => {
  const { simulator } = rig(t)
  const headers = { authorization: `Bearer ${API_KEY}` }
  const { app } = simulator
  const slash = await app.inject({ method: 'POST', url: '/users/track/', headers, payload: valid })
  assert.equal(slash.statusCode, 403)
  for (const [method, url] of [
    ['POST', '/users/trak'],
    ['GET', '/users/track'],
    ['POST', '/'],
  ] as const) {
    const response = await app.inject({ method, url, headers })
    assert.equal(response.statusCode, 404)
    assert.deepEqual(response.json(), { message: 'Invalid URL' })
  }
})
