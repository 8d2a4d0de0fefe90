import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { event, NOON, rig, until } from './harness.ts'
import type { Rig } from './harness.ts'
import { oracleSeed as seed } from '../../../test-support/oracle.ts'

const iso = (ms: number): string => new Date(ms).toISOString()

async function lines({ simulator }: Rig): Promise<Record<string, unknown>[]> {
  const response = await simulator.app.inject('/_simulator/events')
  assert.match(String(response.headers['content-type']), /^application\/x-ndjson/)
  const texts = response.payload.split('\n').filter(text => text !== '')
  return texts.map(text => JSON.parse(text) as Record<string, unknown>)
}

test('an event is listed with its user, its properties, its request and its place in it', async t => {
  const it = rig(t)
  await it.track({ events: [event('first')] })
  await it.track({
    events: [event('u'), { ...event('u', 'paid'), properties: { price: 5, trip: { days: 2 } } }],
  })
  assert.deepEqual((await lines(it))[2], {
    external_id: 'u',
    name: 'paid',
    time: '2026-03-01T10:00:00Z',
    properties: { price: 5, trip: { days: 2 } },
    request: 2,
    index: 1,
    received_at: NOON,
  })
})

test('events by other identifiers are listed by those', async t => {
  const it = rig(t)
  const { external_id: _, ...anonymous } = event('')
  const alias = { alias_name: 'n', alias_label: 'l' }
  await it.track({
    events: [
      { ...anonymous, user_alias: alias, _update_existing_only: false },
      { ...anonymous, phone: '+15043277269', email: 'ada@example.com' },
    ],
  })
  const [first, second] = await lines(it)
  assert.deepEqual(first?.['user_alias'], alias)
  assert.equal(second?.['email'], 'ada@example.com')
  assert.equal(second?.['phone'], undefined)
})

interface Step {
  readonly array: 'attributes' | 'events'
  readonly user: string
  readonly value: number
  readonly isValid: boolean
}

const histories = fc.array(
  fc.array(
    fc.record<Step>({
      array: fc.constantFrom('attributes', 'events'),
      user: fc.constantFrom('a', 'b', 'c'),
      value: fc.nat(9),
      isValid: fc.boolean(),
    }),
    { minLength: 1, maxLength: 12 },
  ),
  { maxLength: 12 },
)

function objectOf({ array, user, value, isValid }: Step): object {
  const object = array === 'events' ? { ...event(user), properties: { value } } : { external_id: user, value }
  return isValid ? object : { ...object, external_id: '' }
}

test('the state is what applying each valid object in order comes to, attributes before events', async t => {
  t.diagnostic(`ORACLE_SEED=${seed}`)
  const it = rig(t)
  await fc.assert(
    fc.asyncProperty(histories, async requests => {
      it.simulator.state.reset()
      const expected: { user: string; value: number; request: number; index: number }[] = []
      const values = new Map<string, number>()
      for (const [at, steps] of requests.entries()) {
        const body: Record<string, object[]> = { attributes: [], events: [] }
        for (const step of steps) {
          const index = body[step.array]!.push(objectOf(step)) - 1
          if (!step.isValid) continue
          if (step.array === 'attributes') values.set(step.user, step.value)
          else expected.push({ user: step.user, value: step.value, request: at + 1, index })
        }
        await it.track(body)
      }
      const seen = it.simulator.state.events().map(({ external_id: user, properties, request, index }) => {
        return { user, value: properties?.['value'], request, index }
      })
      assert.deepEqual(seen, expected)
      for (const user of ['a', 'b', 'c']) {
        const record = it.simulator.state.user(user)
        assert.equal(record?.attributes['value'], values.get(user))
        assert.deepEqual(
          record?.events.map(one => [one.request, one.index]) ?? [],
          expected.filter(one => one.user === user).map(one => [one.request, one.index]),
        )
      }
    }),
    { seed, numRuns: 60 },
  )
})

/** The value of the attribute `a` of user `u` after these updates, each in a request of its own. */
async function after(it: Rig, updates: readonly object[]): Promise<unknown> {
  for (const update of updates) await it.track({ attributes: [{ external_id: 'u', ...update }] })
  return it.simulator.state.user('u')?.attributes['a']
}

const attributeCases: Readonly<Record<string, { updates: object[]; value: unknown; silent?: string }>> = {
  'a value replaces the one before': { updates: [{ a: 1 }, { a: 'x' }], value: 'x' },
  'null removes': { updates: [{ a: 1 }, { a: null }], value: undefined },
  'an empty text stays': { updates: [{ a: 'x' }, { a: '' }], value: '' },
  'names lose the spaces around them': { updates: [{ ' a ': 1 }], value: 1 },
  'increments add up, from nothing too': { updates: [{ a: { inc: 2 } }, { a: { inc: -5 } }], value: -3 },
  'an increment of a text changes nothing': {
    updates: [{ a: 'x' }, { a: { inc: 1 } }],
    value: 'x',
    silent: 'operator-mismatch',
  },
  'an array keeps each value once': { updates: [{ a: ['h', 'h', 'p', 'h'] }], value: ['p', 'h'] },
  'an added value that is there moves to the end': {
    updates: [{ a: ['x', 'y', 'z'] }, { a: { add: ['y', 'q'] } }],
    value: ['x', 'z', 'y', 'q'],
  },
  'values are removed': { updates: [{ a: ['x', 'y'] }, { a: { remove: ['x', 'w'] } }], value: ['y'] },
  'adding and removing in one update': {
    updates: [{ a: ['x'] }, { a: { add: ['y'], remove: ['x'] } }],
    value: ['y'],
  },
  'adding to a text changes nothing': {
    updates: [{ a: 'x' }, { a: { add: ['y'] } }],
    value: 'x',
    silent: 'operator-mismatch',
  },
  'the newest 500 elements stay': {
    updates: [{ a: Array.from({ length: 500 }, (_, n) => n) }, { a: { add: [500] } }],
    value: Array.from({ length: 500 }, (_, n) => n + 1),
    silent: 'array-trimmed',
  },
  'an object replaces': { updates: [{ a: { x: 1 } }, { a: { y: 2 } }], value: { y: 2 } },
  'an object is merged deeply when asked for': {
    updates: [{ a: { x: { y: 1 } } }, { _merge_objects: true, a: { x: { z: 2 } } }],
    value: { x: { y: 1, z: 2 } },
  },
  'a nested null drops the update': {
    updates: [{ a: { x: 1 } }, { a: { y: 2, z: { w: null } } }],
    value: { x: 1 },
    silent: 'nested-invalid',
  },
  'a nested malformed time drops the update': {
    updates: [{ a: [{ t: { $time: 'soon' } }] }],
    value: undefined,
    silent: 'nested-invalid',
  },
  'objects are added, removed and updated, in that order': {
    updates: [
      {
        a: [
          { id: 1, n: 'a' },
          { id: 2, n: 'b' },
        ],
      },
      {
        _merge_objects: true,
        a: {
          $update: [{ $identifier_key: 'id', $identifier_value: 2, $new_object: { n: 'c' } }],
          $remove: [{ $identifier_key: 'id', $identifier_value: 1 }],
          $add: [
            { id: 1, n: 'd' },
            { id: 3, n: 'e' },
          ],
        },
      },
    ],
    value: [
      { id: 2, n: 'c' },
      { id: 3, n: 'e' },
    ],
  },
  'an object over 100 KB is dropped': {
    updates: [{ a: { x: 1 } }, { a: { x: Array.from({ length: 500 }, (_, n) => `${n}${'x'.repeat(250)}`) } }],
    value: { x: 1 },
    silent: 'attribute-too-large',
  },
}

for (const [title, { updates, value, silent }] of Object.entries(attributeCases)) {
  test(`attributes: ${title}`, async t => {
    const it = rig(t)
    assert.deepEqual(await after(it, updates), value)
    assert.deepEqual((await it.summary()).silent, silent === undefined ? {} : { [silent]: 1 })
  })
}

test('a name that means something to JavaScript is a name like any other', async t => {
  const it = rig(t)
  await it.track('{"attributes":[{"external_id":"__proto__","__proto__":{"x":1},"constructor":2}]}')
  const attributes = it.simulator.state.user('__proto__')?.attributes ?? {}
  assert.deepEqual(Object.entries(attributes), [
    ['__proto__', { x: 1 }],
    ['constructor', 2],
  ])
})

test('a time in the future becomes the time of arrival, and the sender is not told', async t => {
  const it = rig(t)
  const at = (ms: number): object => ({ ...event('u'), time: iso(ms) })
  const { body } = await it.track({ events: [at(NOON), at(NOON + 1)] })
  assert.equal(body.errors, undefined)
  assert.deepEqual(
    it.simulator.state.events().map(one => one.time),
    [iso(NOON), iso(NOON)],
  )
  assert.deepEqual((await it.summary()).silent, { 'time-in-future': 1 })
})

test('of more than 256 properties the first 256 stay', async t => {
  const it = rig(t)
  const properties = Object.fromEntries(Array.from({ length: 257 }, (_, n) => [`p${n}`, n]))
  await it.track({ events: [{ ...event('u'), properties }] })
  const kept = Object.keys(it.simulator.state.events()[0]?.properties ?? {})
  assert.deepEqual(kept, Object.keys(properties).slice(0, 256))
  assert.deepEqual((await it.summary()).silent, { 'properties-over-256': 1 })
})

test('an update-only object makes no user, nor does an alias that does not ask for one', async t => {
  const it = rig(t)
  const user_alias = { alias_name: 'n', alias_label: 'l' }
  const update = { external_id: 'u', _update_existing_only: true, a: 1 }
  await it.track({ attributes: [update, { user_alias, a: 1 }] })
  assert.equal((await it.summary()).users, 0)
  assert.deepEqual((await it.summary()).silent, { 'update-only': 2 })
  await it.track({ attributes: [{ external_id: 'u', b: 2 }, update] })
  await it.track({ attributes: [{ user_alias, a: 1, _update_existing_only: false }] })
  assert.deepEqual(it.simulator.state.user('u')?.attributes, { a: 1, b: 2 })
  assert.equal((await it.summary()).users, 2)
})

test('purchases are kept with their user', async t => {
  const it = rig(t)
  const bought = { external_id: 'u', product_id: 'p', currency: 'EUR', price: 2, time: '2026-03-01' }
  await it.track({ purchases: [bought] })
  const record = (await it.simulator.app.inject('/_simulator/users/u')).json<{ purchases: unknown }>()
  assert.deepEqual(record.purchases, [{ ...bought, quantity: 1, request: 1, index: 0, received_at: NOON }])
})

test('a user is found by an external id of any characters, and an unknown one is 404', async t => {
  const it = rig(t)
  const id = 'a/b?ü %'.padEnd(300, '€')
  await it.track({ attributes: [{ external_id: id, a: 1 }] })
  const found = await it.simulator.app.inject(`/_simulator/users/${encodeURIComponent(id)}`)
  assert.equal(found.json<{ external_id: string }>().external_id, id)
  assert.equal((await it.simulator.app.inject('/_simulator/users/x')).statusCode, 404)
})

test('with keepEvents the oldest events go, from their users too, and are counted', async t => {
  const it = rig(t, { keepEvents: 3 })
  await it.track({ events: [event('a', '1'), event('b', '2'), event('a', '3')] })
  await it.track({ events: [event('b', '4'), event('b', '5')] })
  assert.deepEqual(
    (await lines(it)).map(line => line['name']),
    ['3', '4', '5'],
  )
  assert.deepEqual((await it.summary()).events, { kept: 3, dropped: 2 })
  assert.deepEqual(
    it.simulator.state.user('a')?.events.map(one => one.name),
    ['3'],
  )
  assert.deepEqual(
    it.simulator.state.user('b')?.events.map(one => one.name),
    ['4', '5'],
  )
})

test('a long run with keepEvents keeps the right ones', async t => {
  const it = rig(t, { keepEvents: 100 })
  for (let at = 0; at < 60; at++) {
    await it.track({ events: Array.from({ length: 75 }, (_, n) => event('u', String(at * 75 + n))) })
  }
  const expected = Array.from({ length: 100 }, (_, n) => String(4_400 + n))
  assert.deepEqual(
    it.simulator.state.events().map(one => one.name),
    expected,
  )
  assert.deepEqual(
    it.simulator.state.user('u')?.events.map(one => one.name),
    expected,
  )
})

test('the summary counts requests by status, objects, and the fill of the accepted requests', async t => {
  const it = rig(t)
  await it.track({ events: [event('a'), event('b'), event('')] })
  await it.track({ attributes: [{ external_id: 'a', x: 1 }] })
  await it.track({ events: [event('')] })
  await it.track('{')
  const summary = await it.summary()
  assert.deepEqual(summary.requests, { total: 4, byStatus: { 201: 2, 400: 2 }, partial: 1 })
  assert.deepEqual(summary.objects, {
    accepted: { attributes: 1, events: 2, purchases: 0 },
    refused: { attributes: 0, events: 2, purchases: 0 },
    refusedByRule: { 'identity-required': 2 },
  })
  assert.equal(summary.meanFill, 2)
  assert.equal(summary.max.objects, 3)
  assert.equal(summary.users, 2)
})

test('the latest requests are listed with what was in them', async t => {
  const it = rig(t, { keepRequests: 2 })
  await it.track({})
  await it.track({ events: [event('a'), event('a'), event('')] })
  await it.track('[', { authorization: 'none' })
  const requests = (await it.simulator.app.inject('/_simulator/requests')).json<object[]>()
  const bytes = JSON.stringify({ events: [event('a'), event('a'), event('')] }).length
  const common = { endpoint: 'track', at: NOON, overlapping: 0, faults: [] }
  assert.deepEqual(requests, [
    {
      ...common,
      request: 2,
      objects: { attributes: 0, events: 3, purchases: 0 },
      bytes,
      errors: 1,
      users: 1,
      applied: true,
      status: 201,
    },
    { ...common, request: 3, objects: null, bytes: 1, errors: 0, users: 0, applied: false, status: 401 },
  ])
})

test('two requests of one user under way at once are an overlap, one after the other are not', async t => {
  const it = rig(t, { latencyMs: 10 })
  const answer = async (sending: Promise<unknown>[]): Promise<void> => {
    await until(() => it.clock.sleeping === sending.length)
    it.clock.advance(10)
    await Promise.all(sending)
  }
  await answer([it.track({ events: [event('a'), event('a')] }), it.track({ events: [event('b')] })])
  await answer([it.track({ events: [event('a')] })])
  assert.equal((await it.summary()).overlaps.count, 0)
  await answer([
    it.track({ events: [event('a'), event('b')] }),
    it.track({ attributes: [{ external_id: 'b', x: 1 }], events: [event('a'), event('c')] }),
  ])
  const { overlaps } = await it.summary()
  assert.equal(overlaps.count, 2)
  assert.deepEqual(overlaps.examples, [
    { user: 'external_id:b', requests: [4, 5] },
    { user: 'external_id:a', requests: [4, 5] },
  ])
  assert.deepEqual(
    it.simulator.state.requests().map(one => one.overlapping),
    [0, 0, 0, 0, 2],
  )
})

test('a reset forgets everything, faults and used limits included', async t => {
  const it = rig(t, { burstRequests: 2 })
  await it.track({ events: [event('a')] })
  await it.track({ events: [event('a')] })
  await it.fault({ status: 503 })
  const before = rig(t, { burstRequests: 2 })
  assert.equal((await it.simulator.app.inject({ method: 'POST', url: '/_simulator/reset' })).statusCode, 204)
  assert.deepEqual(await it.summary(), await before.summary())
  assert.deepEqual(await lines(it), [])
  assert.equal((await it.track({ events: [event('a')] })).status, 201)
  assert.equal(it.simulator.state.events()[0]?.request, 1)
})
