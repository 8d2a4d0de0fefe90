import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestClock } from '@tributary/topology/testing'
import { brazeAttributes } from '../src/objects.ts'
import { answer, API_KEY, deliver, destinationTo, event, kindsOf, serve } from './harness.ts'

/* Answers that the simulator does not give. */

const two = [event('u1'), event('u2')]

for (const [name, status, body, headers, expected] of [
  ['202, as during maintenance', 202, { message: 'queued' }, {}, undefined],
  ['another 2xx of Braze’s', 200, { message: 'success' }, {}, undefined],
  [
    'a page of another server with 200',
    200,
    '<html></html>',
    {},
    { code: 'BRAZE_ANSWER_INVALID', retry: { kind: 'backoff' } },
  ],
  [
    'JSON of another server with 201',
    201,
    { ok: true },
    {},
    { code: 'BRAZE_ANSWER_INVALID', retry: { kind: 'backoff' } },
  ],
  [
    '403',
    403,
    { message: 'Access Denied' },
    {},
    { code: 'BRAZE_FORBIDDEN', retry: { kind: 'after', ms: 1_000, isAttempt: false } },
  ],
  ['404', 404, '', {}, { code: 'BRAZE_NOT_FOUND', retry: { kind: 'after', ms: 1_000, isAttempt: false } }],
  [
    '415',
    415,
    {},
    {},
    { code: 'BRAZE_UNSUPPORTED_MEDIA_TYPE', retry: { kind: 'after', ms: 1_000, isAttempt: false } },
  ],
  [
    'a redirect',
    301,
    '',
    { location: 'https://elsewhere.example' },
    { code: 'BRAZE_UNEXPECTED_STATUS', retry: { kind: 'after', ms: 1_000, isAttempt: false } },
  ],
  ['502 from a proxy', 502, '<html></html>', {}, { code: 'BRAZE_UNAVAILABLE', retry: { kind: 'backoff' } }],
  [
    '503 with a time',
    503,
    {},
    { 'retry-after': '4' },
    { code: 'BRAZE_UNAVAILABLE', retry: { kind: 'after', ms: 4_000 } },
  ],
  ['408', 408, {}, {}, { code: 'BRAZE_UNAVAILABLE', retry: { kind: 'backoff' } }],
  [
    '429 with Retry-After',
    429,
    'slow down',
    { 'retry-after': '2' },
    { code: 'BRAZE_RATE_LIMITED', retry: { kind: 'after', ms: 2_000, isAttempt: false } },
  ],
  [
    '429 without any header',
    429,
    '',
    {},
    { code: 'BRAZE_RATE_LIMITED', retry: { kind: 'after', ms: 1_000, isAttempt: false } },
  ],
] as const) {
  test(`an answer of ${name} ${expected === undefined ? 'accepts all' : `is ${expected.code}, ${expected.retry.kind}`}`, async t => {
    const url = await serve(t, (_, response) => answer(response, status, body, headers))
    const { promise: frozen } = Promise.withResolvers<never>()
    const clock = { now: () => 0, monotonicMs: () => 0, sleep: () => frozen, schedule: () => () => {} }
    const destination = destinationTo(t, url, { random: () => 1, clock })
    if (expected === undefined)
      assert.deepEqual(kindsOf(await deliver(destination, two)), ['accepted', 'accepted'])
    else await assert.rejects(deliver(destination, two), expected)
  })
}

test('pauses without a length double from refusal to refusal, and a success ends the series', async t => {
  const statuses = [429, 429, 201, 429]
  const url = await serve(t, (_, response) => answer(response, statuses.shift() ?? 201))
  const clock = new TestClock()
  const destination = destinationTo(t, url, { random: () => 1, clock })
  const pausedMs: number[] = []
  while (statuses.length > 0) {
    await deliver(destination, two).catch(({ retry }: { readonly retry: { readonly ms: number } }) => {
      pausedMs.push(retry.ms)
    })
    await clock.advance(10_000)
  }
  assert.deepEqual(pausedMs, [1_000, 2_000, 1_000])
})

test('a key that an answer repeats does not reach the error', async t => {
  const url = await serve(t, (_, response) =>
    answer(response, 401, { message: `Invalid API key: ${API_KEY}` }),
  )
  await assert.rejects(deliver(destinationTo(t, url), two), (error: Error) => {
    assert.match(error.message, /Invalid API key: \*\*\*/)
    return true
  })
})

test('a body that ends in the middle asks for a retry', async t => {
  const url = await serve(t, (_, response) => {
    response.writeHead(201, { 'content-length': '1000' })
    response.write('{"message":"succ')
    setImmediate(() => response.destroy())
  })
  await assert.rejects(deliver(destinationTo(t, url), two), { code: 'BRAZE_NETWORK_FAILED' })
})

test('a server that is not there asks for a retry', async t => {
  await assert.rejects(deliver(destinationTo(t, 'http://127.0.0.1:1'), two), { code: 'BRAZE_NETWORK_FAILED' })
})

test('a 400 that names some objects is repeated once without them', async t => {
  const bodies: number[] = []
  const url = await serve(t, ({ events = [] }, response) => {
    bodies.push(events.length)
    const bad = events.findIndex(({ external_id: id }) => id === 'bad')
    const errors = [{ type: 'EMAIL_BAD_FORMAT', input_array: 'events', index: bad }]
    if (bad === -1) answer(response, 201)
    else answer(response, 400, { message: 'fatal', errors })
  })
  const outcomes = await deliver(destinationTo(t, url), [event('u1'), event('bad'), event('u2')])
  assert.deepEqual(kindsOf(outcomes), ['accepted', 'rejected', 'accepted'])
  assert.deepEqual(bodies, [3, 2])
})

test('a 400 whose errors name no object is halved', async t => {
  const url = await serve(t, ({ events = [] }, response) => {
    if (events.some(({ external_id: id }) => id === 'bad')) answer(response, 400, { errors: ['unspecified'] })
    else answer(response, 201)
  })
  const outcomes = await deliver(destinationTo(t, url), [event('u1'), event('bad'), event('u2'), event('u3')])
  assert.deepEqual(kindsOf(outcomes), ['accepted', 'rejected', 'accepted', 'accepted'])
  assert.match(JSON.stringify(outcomes[1]), /status 400: unspecified/)
})

test('errors count by the place in the array as it was sent', async t => {
  const url = await serve(t, (_, response) =>
    answer(response, 201, {
      message: 'success',
      errors: [
        { type: 'one', input_array: 'attributes', index: 0 },
        { type: 'two', input_array: 'events', index: 1 },
        { type: 'two again', input_array: 'events', index: 1 },
      ],
    }),
  )
  const objects = [event('u1'), event('', {}), brazeAttributes({ external_id: 'u1' }), event('u3')]
  const outcomes = await deliver(destinationTo(t, url), objects)
  assert.deepEqual(kindsOf(outcomes), ['accepted', 'rejected', 'rejected', 'rejected'])
  assert.match(JSON.stringify(outcomes[3]), /two; two again/)
})

test('an error without a place means the only object, and among several it is reported and counted', async t => {
  const url = await serve(t, (_, response) =>
    answer(response, 201, { message: 'success', errors: [{ type: 'BAD' }] }),
  )
  const warnings: object[] = []
  const destination = destinationTo(t, url, {
    logger: { warn: facts => warnings.push(facts), error: () => {} },
  })
  assert.deepEqual(kindsOf(await deliver(destination, [event('u1')])), ['rejected'])
  assert.deepEqual(kindsOf(await deliver(destination, two)), ['accepted', 'accepted'])
  assert.deepEqual(warnings, [{ errors: ['BAD'], objects: 2 }])
  assert.equal(destination.stats.unlocatedErrors, 1)
})

test('a base path in the URL is kept, and nothing ends with a slash', async t => {
  let path: string | undefined
  const url = await serve(t, (_, response, request) => {
    path = request.url
    answer(response, 201)
  })
  await deliver(destinationTo(t, `${url}/braze/`), two)
  assert.equal(path, '/braze/users/track')
})

test('connections are kept between requests', async t => {
  const sockets = new Set<unknown>()
  const url = await serve(t, (_, response, request) => {
    sockets.add(request.socket)
    answer(response, 201)
  })
  const destination = destinationTo(t, url)
  for (let i = 0; i < 20; i += 1) await deliver(destination, two)
  assert.ok(sockets.size <= 2, `${sockets.size} connections for 20 requests one after the other`)
})
