import assert from 'node:assert/strict'
import { test } from 'node:test'
import { API_KEY, answer, deliver, destinationTo, event, serve, withSimulator } from './harness.ts'

test('the latest errors say what Braze said, with which status and where, and how often', async t => {
  let status = 401
  const url = await serve(t, (_, response) => answer(response, status, { message: 'Invalid API key' }))
  const destination = destinationTo(t, url)
  await assert.rejects(deliver(destination, [event('u1')]))
  status = 503
  // The gate may be closed after the first: the second is a destination of its own.
  const other = destinationTo(t, url)
  for (let i = 0; i < 2; i += 1) await assert.rejects(deliver(other, [event('u1')]))

  const [first] = destination.stats.latestErrors
  assert.deepEqual(
    { ...first, atMs: 0, firstAtMs: 0 },
    {
      endpoint: '/users/track',
      status: 401,
      code: 'BRAZE_UNAUTHORIZED',
      says: 'Invalid API key',
      atMs: 0,
      firstAtMs: 0,
      count: 1,
    },
  )
  assert.ok(Math.abs(Date.now() - first!.atMs) < 60_000)
  assert.deepEqual(
    other.stats.latestErrors.map(({ status: seen, count }) => [seen, count]),
    [[503, 2]],
  )
})

test('what Braze repeats of an object, and the key, stay out of them', async t => {
  const url = await serve(t, (_, response) =>
    answer(response, 201, {
      message: 'success',
      errors: [
        { type: "The value 'ada@example.com' is not a valid email", input_array: 'events', index: 0 },
        { type: "'time' is not valid", input_array: 'events', index: 1 },
        { type: `refused for ${API_KEY}`, input_array: 'events', index: 1 },
      ],
    }),
  )
  const destination = destinationTo(t, url)
  await deliver(destination, [event('u1'), event('u2')])
  const [only, ...others] = destination.stats.latestErrors
  assert.deepEqual(others, [])
  assert.equal(only!.code, 'BRAZE_OBJECT_REFUSED')
  assert.match(only!.says, /'time' is not valid/)
  assert.match(only!.says, /characters that may hold a value/)
  assert.doesNotMatch(JSON.stringify(only), new RegExp(`example|${API_KEY}`))
})

test('a request without an answer is one of them, and a good answer is none', async t => {
  const { destination } = await withSimulator(t)
  await deliver(destination, [event('u1')])
  assert.deepEqual(destination.stats.latestErrors, [])
  const nobody = destinationTo(t, 'http://127.0.0.1:1')
  await assert.rejects(deliver(nobody, [event('u1')]))
  const [only] = nobody.stats.latestErrors
  assert.equal(only!.status, undefined)
  assert.equal(only!.code, 'BRAZE_NETWORK_FAILED')
  assert.match(only!.says, /gave no complete answer \(ECONNREFUSED\)$/)
})
