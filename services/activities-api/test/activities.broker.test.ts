import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import fc from 'fast-check'
import { Client } from 'pg'
import type { Pool } from 'pg'
import { createActivitiesApi } from '../src/app.ts'
import type { Booking, UpcomingActivity } from '../src/bookings.ts'
import { loadUpcomingActivities } from '../src/bookings.ts'
import { migrate, openDatabase } from '../src/database.ts'
import { oracleSeed as seed } from '../../../test-support/oracle.ts'

const databaseUrl = process.env['DATABASE_URL']
const skip = databaseUrl === undefined && 'DATABASE_URL names no Postgres'

/** A schema of the test's own on the real server, as a URL. */
async function ownSchema(t: TestContext): Promise<string> {
  const admin = new Client({ connectionString: databaseUrl })
  await admin.connect()
  const schema = `activities_${randomUUID().replaceAll('-', '')}`
  await admin.query(`CREATE SCHEMA ${schema}`)
  t.after(async () => {
    await admin.query(`DROP SCHEMA ${schema} CASCADE`)
    await admin.end()
  })
  const url = new URL(databaseUrl!)
  url.searchParams.set('options', `-c search_path=${schema}`)
  return url.href
}

async function ownPool(t: TestContext): Promise<Pool> {
  const pool = openDatabase(await ownSchema(t))
  t.after(() => pool.end())
  await migrate(pool)
  return pool
}

/** What the API must answer, worked out from the bookings alone. */
function expected(
  bookings: readonly Booking[],
  customerId: string,
  after: number,
  limit: number,
): UpcomingActivity[] {
  const latest = new Map(bookings.map(booking => [booking.bookingId, booking]))
  const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b))
  return [...latest.values()]
    .filter(booking => booking.customerId === customerId && new Date(booking.startsAt).getTime() > after)
    .toSorted(
      (a, b) =>
        new Date(a.startsAt).getTime() - new Date(b.startsAt).getTime() || byBytes(a.bookingId, b.bookingId),
    )
    .slice(0, limit)
    .map(({ bookingId, activityId, title, city, country, startsAt }) => {
      const fields = { bookingId, activityId, title, city, country }
      return { ...fields, startsAt: new Date(startsAt).toISOString() }
    })
}

const BASE = Date.UTC(2026, 5, 1)
const customers = ['c1', 'c2', 'C1', 'ü', "o'hara"]
const text = fc.string({ unit: 'grapheme', maxLength: 12 }).map(value => value.replaceAll('\0', ''))
const booking: fc.Arbitrary<Booking> = fc.record({
  bookingId: fc.oneof(
    fc.integer({ min: 1, max: 30 }).map(n => `b${n}`),
    fc.constantFrom('B2', 'ä', 'a', 'Z', '_', '\u{10ffff}', '\uffff'),
  ),
  customerId: fc.constantFrom(...customers),
  activityId: text,
  title: text,
  city: text,
  country: text,
  startsAt: fc.integer({ min: -3, max: 3 }).map(ms => BASE + ms),
})

test(`answers what the bookings say, whatever they are (ORACLE_SEED=${seed})`, { skip }, async t => {
  const pool = await ownPool(t)
  const app = createActivitiesApi({ pool })
  t.after(() => app.close())
  await fc.assert(
    fc.asyncProperty(
      fc.array(booking, { maxLength: 40, size: 'max' }),
      fc.integer({ min: -4, max: 4 }),
      fc.integer({ min: 1, max: 8 }),
      async (bookings, offset, limit) => {
        await pool.query('TRUNCATE bookings')
        await loadUpcomingActivities(pool, bookings)
        const after = BASE + offset
        const customerIds = customers
        const wanted = customerIds.map(customerId => ({
          customerId,
          activities: expected(bookings, customerId, after, limit),
        }))
        const many = await app.inject({
          method: 'POST',
          url: '/upcoming-activities/query',
          payload: { customerIds, after, limit },
        })
        assert.deepEqual(many.json(), { customers: wanted })
        for (const answer of wanted) {
          const path = `/customers/${encodeURIComponent(answer.customerId)}/upcoming-activities`
          const one = await app.inject(`${path}?after=${after}&limit=${limit}`)
          assert.deepEqual(one.json(), answer)
        }
      },
    ),
    { seed, numRuns: 40 },
  )
})

test('loads many bookings in one go, and again with other values', { skip }, async t => {
  const pool = await ownPool(t)
  const bookings = Array.from({ length: 12_001 }, (_, n) => ({
    bookingId: `b${n}`,
    customerId: `c${n % 100}`,
    activityId: `a${n % 7}`,
    title: 'Louvre',
    city: 'Paris',
    country: 'France',
    startsAt: new Date(BASE + n).toISOString(),
  }))
  await loadUpcomingActivities(pool, bookings)
  await loadUpcomingActivities(pool, [{ ...bookings[0]!, title: 'Orsay' }])
  const { rows } = await pool.query(
    "SELECT count(*)::int AS count, max(title) FILTER (WHERE booking_id = 'b0') AS title FROM bookings",
  )
  assert.deepEqual(rows[0], { count: 12_001, title: 'Orsay' })
  await assert.rejects(loadUpcomingActivities(pool, [{ ...bookings[0]!, startsAt: 'soon' }]), {
    code: 'ACTIVITIES_BOOKING_INVALID',
    message: /Booking b0 starts at "soon"/,
  })
})

test('instances that start together make the tables once', { skip }, async t => {
  const url = await ownSchema(t)
  const pools = Array.from({ length: 6 }, () => openDatabase(url))
  t.after(() => Promise.all(pools.map(pool => pool.end())))
  await Promise.all(pools.map(pool => migrate(pool)))
  await migrate(pools[0]!)
  assert.deepEqual((await pools[5]!.query('SELECT * FROM bookings')).rows, [])
})

test('a question is answered from the index, however many bookings there are', { skip }, async t => {
  const pool = await ownPool(t)
  await pool.query(`INSERT INTO bookings
    SELECT 'b' || n, 'c' || n % 5000, 'a', 't', 'c', 'c', '2026-06-01'::timestamptz + n * interval '1 minute'
    FROM generate_series(1, 50000) AS n`)
  await pool.query('ANALYZE bookings')
  const { rows } = await pool.query(`EXPLAIN (FORMAT JSON) SELECT booking_id FROM bookings
    WHERE customer_id = 'c7' AND starts_at > '2026-06-02' ORDER BY starts_at, booking_id LIMIT 100`)
  const plan = JSON.stringify(rows[0])
  assert.match(plan, /bookings_upcoming/)
  assert.doesNotMatch(plan, /Seq Scan/)
})

function start(t: TestContext, environment: NodeJS.ProcessEnv): ChildProcess {
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
  const child = spawn(process.execPath, ['-C', '@tributary/source', main], {
    env: { PATH: process.env['PATH'], PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.after(() => child.kill('SIGKILL'))
  return child
}

/** The address in the log line that says where the service listens. */
async function addressOf(child: ChildProcess): Promise<string> {
  for await (const line of createInterface({ input: child.stdout! })) {
    const address = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0]
    if (address !== undefined) return address
  }
  throw new Error('the service ended without listening')
}

async function errorOf(child: ChildProcess): Promise<{ code: unknown; text: string }> {
  let text = ''
  child.stderr!.setEncoding('utf8').on('data', chunk => (text += chunk))
  const [code] = await once(child, 'close')
  return { code, text }
}

test('the service makes its tables, answers, and ends by itself on SIGTERM', { skip }, async t => {
  const url = await ownSchema(t)
  const child = start(t, { DATABASE_URL: url, ACTIVITIES_FAULTS: 'on' })
  const address = await addressOf(child)
  for (const path of ['/health/live', '/health/ready', '/customers/c/upcoming-activities'])
    assert.equal((await fetch(address + path)).status, 200)
  // A request under way is answered, and without waiting for what was ordered.
  const body = JSON.stringify({ delayMs: 600_000 })
  await fetch(`${address}/_control/faults`, {
    method: 'PUT',
    body,
    headers: { 'content-type': 'application/json' },
  })
  const slow = fetch(`${address}/customers/c/upcoming-activities`)
  await fetch(`${address}/health/live`)
  child.kill('SIGTERM')
  assert.equal((await slow).status, 200)
  const closingAt = performance.now()
  const [code, signal] = await once(child, 'exit')
  assert.ok(performance.now() - closingAt < 4_000, 'it waited for a client that keeps its connection')
  assert.deepEqual([code, signal], [0, null])
})

test('a database that cannot be reached is said in one line', { skip }, async t => {
  const gone = await errorOf(start(t, { DATABASE_URL: 'postgres://user:secret@127.0.0.1:1/none' }))
  assert.equal(gone.code, 1)
  assert.match(gone.text, /^activities-api: the tables cannot be made .*ECONNREFUSED.*\n$/)
  const unnamed = await errorOf(start(t, {}))
  assert.equal(unnamed.code, 1)
  assert.match(unnamed.text, /^activities-api: DATABASE_URL must be a postgres:\/\/ URL\n$/)
})
