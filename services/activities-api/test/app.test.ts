import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { DatabaseError } from 'pg'
import type { ActivitiesApiOptions } from '../src/app.ts'
import { createActivitiesApi } from '../src/app.ts'
import type { Clock } from '../src/clock.ts'
import { FakeDatabase } from './fake-database.ts'

const NOW = Date.UTC(2026, 0, 1)

class HandClock implements Clock {
  readonly slept: number[] = []
  now(): number {
    return NOW
  }
  sleep(ms: number): Promise<void> {
    this.slept.push(ms)
    return Promise.resolve()
  }
}

function api(
  t: TestContext,
  options: Partial<ActivitiesApiOptions> = {},
): { app: FastifyInstance; database: FakeDatabase; clock: HandClock } {
  const database = new FakeDatabase()
  const clock = new HandClock()
  const app = createActivitiesApi({ pool: database, clock, ...options })
  t.after(() => app.close())
  return { app, database, clock }
}

function row(position: number, id: string): Record<string, unknown> {
  return {
    position: String(position),
    booking_id: id,
    activity_id: `activity of ${id}`,
    title: 'Louvre',
    city: 'Paris',
    country: 'France',
    starts_at: new Date('2026-05-01T10:00:00.500Z'),
  }
}

function answered(id: string): Record<string, unknown> {
  return {
    bookingId: id,
    activityId: `activity of ${id}`,
    title: 'Louvre',
    city: 'Paris',
    country: 'France',
    startsAt: '2026-05-01T10:00:00.500Z',
  }
}

test('one customer: the rows in their order, and the customer that was asked for', async t => {
  const { app, database } = api(t)
  database.rows = [row(1, 'b1'), row(1, 'b2')]
  const response = await app.inject('/customers/c%2F1/upcoming-activities?after=1767225600000&limit=2')
  assert.equal(response.statusCode, 200)
  assert.deepEqual(response.json(), { customerId: 'c/1', activities: [answered('b1'), answered('b2')] })
  assert.deepEqual(database.asked[0]!.values, [['c/1'], ['2026-01-01T00:00:00.000Z'], 2])
})

test('a customer without bookings is nothing special', async t => {
  const { app } = api(t)
  const response = await app.inject('/customers/nobody/upcoming-activities')
  assert.equal(response.statusCode, 200)
  assert.deepEqual(response.json(), { customerId: 'nobody', activities: [] })
})

test('a moment can be written as epoch milliseconds or as ISO 8601, and now stands in for none', async t => {
  const { app, database } = api(t)
  for (const after of [
    '1767225600000',
    '2026-01-01T00:00:00Z',
    '2026-01-01T02:00:00.000%2B02:00',
    undefined,
  ]) {
    const query = after === undefined ? '' : `?after=${after}`
    const response = await app.inject(`/customers/c/upcoming-activities${query}`)
    assert.equal(response.statusCode, 200, response.body)
  }
  for (const { values } of database.asked) assert.deepEqual(values[1], ['2026-01-01T00:00:00.000Z'])
})

test('many customers with one after for all, in the order asked for, twice if asked twice', async t => {
  const { app, database } = api(t)
  database.rows = [row(1, 'b1'), row(3, 'b1'), row(3, 'b2')]
  const response = await app.inject({
    method: 'POST',
    url: '/upcoming-activities/query',
    payload: { customerIds: ['c2', 'c1', 'c2'], after: NOW, limit: 5 },
  })
  assert.deepEqual(response.json(), {
    customers: [
      { customerId: 'c2', activities: [answered('b1')] },
      { customerId: 'c1', activities: [] },
      { customerId: 'c2', activities: [answered('b1'), answered('b2')] },
    ],
  })
  assert.deepEqual(database.asked[0]!.values, [
    ['c2', 'c1', 'c2'],
    Array(3).fill('2026-01-01T00:00:00.000Z'),
    5,
  ])
})

test('many customers with an after each', async t => {
  const { app, database } = api(t)
  const response = await app.inject({
    method: 'POST',
    url: '/upcoming-activities/query',
    payload: {
      queries: [
        { customerId: 'c1', after: NOW },
        { customerId: 'c1', after: '2026-02-01T00:00:00Z' },
      ],
    },
  })
  assert.equal(response.statusCode, 200, response.body)
  assert.deepEqual(database.asked[0]!.values[1], ['2026-01-01T00:00:00.000Z', '2026-02-01T00:00:00.000Z'])
})

const refused: readonly [what: string, url: string, payload: unknown, message: RegExp][] = [
  [
    'a moment without a zone',
    '/customers/c/upcoming-activities?after=2026-01-01T00:00:00',
    undefined,
    /with a zone/,
  ],
  [
    'a moment that is none',
    '/customers/c/upcoming-activities?after=soon',
    undefined,
    /after is "soon"; allowed are/,
  ],
  [
    'a month that is none',
    '/customers/c/upcoming-activities?after=2026-13-01T00:00:00Z',
    undefined,
    /allowed are/,
  ],
  ['a limit of none', '/customers/c/upcoming-activities?limit=0', undefined, /from 1 to 1000/],
  ['a limit too high', '/customers/c/upcoming-activities?limit=1001', undefined, /from 1 to 1000/],
  ['an unknown parameter', '/customers/c/upcoming-activities?since=5', undefined, /must NOT have additional/],
  ['an id with a NUL', '/customers/c%00/upcoming-activities', undefined, /NUL/],
  ['an id that is too long', `/customers/${'c'.repeat(201)}/upcoming-activities`, undefined, /more than 200/],
  ['a body with nothing in it', '/upcoming-activities/query', {}, /either customerIds/],
  [
    'both forms at once',
    '/upcoming-activities/query',
    { customerIds: [], queries: [] },
    /either customerIds/,
  ],
  [
    'one after beside queries',
    '/upcoming-activities/query',
    { queries: [], after: NOW },
    /either customerIds/,
  ],
  ['a query without its after', '/upcoming-activities/query', { queries: [{ customerId: 'c' }] }, /'after'/],
  ['ids that are no strings', '/upcoming-activities/query', { customerIds: [1] }, /must be string/],
  [
    'an unknown field',
    '/upcoming-activities/query',
    { customerIds: [], since: 1 },
    /must NOT have additional/,
  ],
  ['too many ids', '/upcoming-activities/query', { customerIds: Array(1_001).fill('c') }, /more than 1000/],
  [
    'a bad after among many',
    '/upcoming-activities/query',
    { queries: [{ customerId: 'c', after: 'x' }] },
    /queries\[0\]/,
  ],
]

for (const [what, url, payload, message] of refused)
  test(`refuses ${what}, and says what is allowed`, async t => {
    const { app, database } = api(t)
    const response = await app.inject(
      payload === undefined ? url : { method: 'POST', url, payload: payload as Record<string, unknown> },
    )
    assert.equal(response.statusCode, 400)
    assert.equal(response.json().code, 'ACTIVITIES_REQUEST_INVALID')
    assert.match(response.json().message, message)
    assert.equal(database.asked.length, 0)
  })

test('a database that is not there is a 503, and the service is alive but not ready', async t => {
  const { app, database } = api(t)
  const gone = new DatabaseError('terminating connection', 0, 'error')
  gone.code = '57P01'
  for (const failure of [gone, new Error('Connection terminated unexpectedly')]) {
    database.failure = failure
    for (const path of ['/customers/c/upcoming-activities', '/health/ready']) {
      const response = await app.inject(path)
      assert.deepEqual([response.statusCode, response.json().code], [503, 'ACTIVITIES_DATABASE_UNAVAILABLE'])
    }
    assert.equal((await app.inject('/health/live')).statusCode, 200)
  }
  database.failure = undefined
  assert.equal((await app.inject('/health/ready')).statusCode, 200)
})

test('a mistake of its own is a 500 that tells the client nothing', async t => {
  const { app, database } = api(t)
  const mistake = new DatabaseError('column "secret" does not exist', 0, 'error')
  mistake.code = '42703'
  for (const failure of [mistake, new TypeError('secret is not a function')]) {
    database.failure = failure
    const response = await app.inject('/customers/c/upcoming-activities')
    assert.deepEqual([response.statusCode, response.json().code], [500, 'ACTIVITIES_INTERNAL'])
    assert.doesNotMatch(response.body, /secret/)
  }
})

test('an unknown path says so', async t => {
  const { app } = api(t)
  const response = await app.inject('/customers')
  assert.deepEqual([response.statusCode, response.json().code], [404, 'ACTIVITIES_PATH_UNKNOWN'])
})

test('faults can be ordered only where the switch exists', async t => {
  const { app } = api(t)
  assert.equal((await app.inject({ method: 'PUT', url: '/_control/faults', payload: {} })).statusCode, 404)
})

test('ordered faults delay, fail and cut off, until they are ended', async t => {
  let random = 0
  const { app, clock } = api(t, { hasFaultSwitch: true, random: () => random })
  const order = (payload: object): Promise<{ statusCode: number }> =>
    app.inject({ method: 'PUT', url: '/_control/faults', payload })
  const ask = (): Promise<{ statusCode: number }> => app.inject('/customers/c/upcoming-activities')

  assert.equal((await order({ delayMs: 300, failureRate: 0.5 })).statusCode, 200)
  random = 0.4
  assert.equal((await ask()).statusCode, 500)
  random = 0.5
  assert.equal((await ask()).statusCode, 200)
  assert.deepEqual(clock.slept, [300, 300])
  assert.equal((await app.inject('/health/live')).statusCode, 200)
  assert.equal((await order({ failureRate: 2 })).statusCode, 400)

  await order({ isDown: true })
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  await assert.rejects(fetch(`${address}/customers/c/upcoming-activities`), TypeError)
  await assert.rejects(fetch(`${address}/health/ready`), TypeError)
  assert.equal((await app.inject({ method: 'DELETE', url: '/_control/faults' })).statusCode, 200)
  assert.equal((await fetch(`${address}/customers/c/upcoming-activities`)).status, 200)
})
