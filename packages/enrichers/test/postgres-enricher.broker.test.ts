import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { Client, Pool } from 'pg'
import type { Enricher } from '../src/enricher.ts'
import { postgresEnricher } from '../src/postgres-enricher.ts'
import type { PostgresEnricherOptions } from '../src/postgres-enricher.ts'
import { postgresPort } from '../src/postgres-port.ts'
import { sqlEnricher } from '../src/sql-enricher.ts'
import { TcpProxy } from './tcp-proxy.ts'
import { until } from './until.ts'

const databaseUrl = process.env['DATABASE_URL']
const skip = databaseUrl === undefined && 'DATABASE_URL names no Postgres'

interface Row {
  readonly id: number
  readonly city: string
}

type Options = PostgresEnricherOptions<number, number, Row, string | undefined>

interface World {
  /** A connection of the test's own, past any proxy. */
  readonly admin: Client
  readonly schema: string
  enricher(options?: Partial<Options>): Enricher<number, string | undefined>
}

/** A schema with a table of 1,000 places, on the real server, reached directly or through a proxy. */
async function world(t: TestContext, proxy?: TcpProxy): Promise<World> {
  const admin = new Client({ connectionString: databaseUrl })
  await admin.connect()
  const schema = `enrichers_${randomUUID().replaceAll('-', '')}`
  await admin.query(`CREATE SCHEMA ${schema}`)
  await admin.query(`CREATE TABLE ${schema}.places AS
    SELECT n AS id, 'city ' || n AS city FROM generate_series(1, 1000) AS n`)
  t.after(async () => {
    await admin.query(`DROP SCHEMA ${schema} CASCADE`)
    await admin.end()
  })
  const url = new URL(databaseUrl!)
  if (proxy !== undefined) Object.assign(url, { hostname: '127.0.0.1', port: String(proxy.port) })
  const enricher = (options: Partial<Options> = {}): Enricher<number, string | undefined> => {
    const enrich = postgresEnricher({
      name: schema,
      connectionString: url.href,
      key: (id: number) => id,
      query: ids => ({ text: `SELECT id, city FROM ${schema}.places WHERE id = ANY($1)`, values: [ids] }),
      rowKey: (row: Row) => row.id,
      parse: ([row]: readonly Row[]) => row?.city,
      concurrency: 4,
      retry: { attempts: 'unlimited', baseMs: 5, maxMs: 50 },
      breaker: { failures: 5, ofLast: 10, openMs: 20, maxOpenMs: 50 },
      ...options,
    })
    t.after(() => enrich.close())
    return enrich
  }
  return { admin, schema, enricher }
}

async function proxied(t: TestContext): Promise<TcpProxy> {
  const { hostname, port } = new URL(databaseUrl!)
  const proxy = await new TcpProxy({ host: hostname, port: Number(port || 5432) }).start()
  t.after(() => proxy.cut())
  return proxy
}

async function backends(admin: Client, name: string): Promise<{ pid: number; state: string }[]> {
  const { rows } = await admin.query<{ pid: number; state: string }>(
    'SELECT pid, state FROM pg_stat_activity WHERE application_name = $1',
    // Postgres keeps 63 bytes of it.
    [name.slice(0, 63)],
  )
  return rows
}

const ids = (count: number): number[] => Array.from({ length: count }, (_, n) => n + 1)
const cities = (count: number): string[] => ids(count).map(n => `city ${n}`)

test('ids are gathered into one statement, and each gets its own rows', { skip }, async t => {
  const enrich = (await world(t)).enricher({ batch: { maxIds: 250, lingerMs: 50 } })
  const answers = await Promise.all(ids(1_000).map(id => enrich(id)))
  assert.deepEqual(answers, cities(1_000))
  assert.equal(enrich.stats.calls, 4)
  assert.equal(await enrich(1_001), undefined)
})

test(
  'a database that slows down loses nothing, and costs no more connections than the concurrency',
  { skip },
  async t => {
    const { admin, schema, enricher } = await world(t)
    const enrich = enricher({
      query: keys => ({
        text: `SELECT id, city FROM ${schema}.places, pg_sleep(0.05) WHERE id = ANY($1)`,
        values: [keys],
      }),
      batch: { maxIds: 10 },
    })
    const answers = Promise.all(ids(200).map(id => enrich(id)))
    await until('all slots are busy', () => enrich.stats.inFlight === 4)
    assert.ok((await backends(admin, schema)).length <= 4)
    assert.deepEqual(await answers, cities(200))
  },
)

test('a locked table is waited for, and its statements do not work on for nobody', { skip }, async t => {
  const { admin, schema, enricher } = await world(t)
  const enrich = enricher({ timeoutMs: 150 })
  await admin.query('BEGIN')
  await admin.query(`LOCK TABLE ${schema}.places IN ACCESS EXCLUSIVE MODE`)
  const answers = Promise.all(ids(50).map(id => enrich(id)))
  await until('it was tried in vain', () => enrich.stats.failures >= 3)
  await admin.query('COMMIT')
  assert.deepEqual(await answers, cities(50))
  let active = Infinity
  await until('no statement is left', () => {
    void backends(admin, schema).then(
      found => (active = found.filter(({ state }) => state === 'active').length),
    )
    return active === 0
  })
  assert.ok((await backends(admin, schema)).length <= 4)
})

test('connections that an operator ends are replaced, idle ones and busy ones', { skip }, async t => {
  const { admin, schema, enricher } = await world(t)
  const enrich = enricher({
    query: keys => ({
      text: `SELECT id, city FROM ${schema}.places, pg_sleep(0.05) WHERE id = ANY($1)`,
      values: [keys],
    }),
    batch: { maxIds: 10 },
  })
  assert.equal(await enrich(1), 'city 1')
  const end = (): Promise<unknown> =>
    admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', [
      schema.slice(0, 63),
    ])
  await end()
  const answers = Promise.all(ids(100).map(id => enrich(id)))
  for (let n = 0; n < 10; n++) {
    await until('calls are under way', () => enrich.stats.inFlight > 0 || enrich.stats.waiting === 0)
    await end()
  }
  assert.deepEqual(await answers, cities(100))
})

test('a database that is cut off and comes back', { skip }, async t => {
  const proxy = await proxied(t)
  const enrich = (await world(t, proxy)).enricher({ batch: { maxIds: 20 } })
  assert.equal(await enrich(1), 'city 1')
  await proxy.cut()
  const answers = Promise.all(ids(100).map(id => enrich(id)))
  await until('it was tried in vain, and the breaker noticed', () => enrich.stats.breaker !== 'closed')
  await proxy.start()
  assert.deepEqual(await answers, cities(100))
  assert.equal(enrich.stats.breaker, 'closed')
})

test('a network that swallows everything costs the timeout, not the stream', { skip }, async t => {
  const proxy = await proxied(t)
  const enrich = (await world(t, proxy)).enricher({ timeoutMs: 200, batch: { maxIds: 20 } })
  assert.equal(await enrich(1), 'city 1')
  proxy.freeze()
  const answers = Promise.all(ids(100).map(id => enrich(id)))
  await until('calls ran out of time', () => enrich.stats.timeouts >= 2)
  proxy.thaw()
  assert.deepEqual(await answers, cities(100))
})

test('with bounded attempts the outage is handed on as data, with its SQLSTATE', { skip }, async t => {
  const { admin, schema, enricher } = await world(t)
  const options = { timeoutMs: 5_000, retry: { attempts: 2, baseMs: 1, maxMs: 5 }, breaker: false as const }
  const locked = enricher({
    ...options,
    query: keys => ({
      text: `WITH wait AS MATERIALIZED (SELECT set_config('lock_timeout', '20', false))
        SELECT id, city FROM wait, ${schema}.places WHERE id = ANY($1)`,
      values: [keys],
    }),
  })
  assert.equal(await locked(1), 'city 1')
  await admin.query('BEGIN')
  await admin.query(`LOCK TABLE ${schema}.places IN ACCESS EXCLUSIVE MODE`)
  await assert.rejects(locked(2), {
    code: 'ENRICHER_NETWORK_FAILED',
    sqlState: '55P03',
    retry: { kind: 'backoff' },
  })
  await admin.query('ROLLBACK')
  assert.equal(await locked(2), 'city 2')
})

test('what the database refuses is final, and fails only the id at fault', { skip }, async t => {
  const { schema, enricher } = await world(t)
  const division = enricher({
    query: keys => ({
      text: `SELECT id, city || (1 / (id - 7))::text AS city FROM ${schema}.places WHERE id = ANY($1)`,
      values: [keys],
    }),
    batch: { maxIds: 16, lingerMs: 20 },
  })
  const outcomes = await Promise.allSettled(ids(16).map(id => division(id)))
  for (const [index, outcome] of outcomes.entries()) {
    if (index + 1 !== 7) assert.equal(outcome.status, 'fulfilled')
    else {
      assert.ok(outcome.status === 'rejected')
      const { code, sqlState, retry } = outcome.reason
      assert.deepEqual([code, sqlState, retry.kind], ['ENRICHER_STATEMENT_FAILED', '22012', 'never'])
    }
  }
  const misspelt = enricher({ query: () => ({ text: 'SELEKT 1', values: [] }) })
  await assert.rejects(misspelt(1), { code: 'ENRICHER_STATEMENT_FAILED', sqlState: '42601' })
})

test('a row whose key was not asked for is an error, and not a missing row', { skip }, async t => {
  const { schema, enricher } = await world(t)
  const enrich = enricher({
    // bigint: the driver gives it as a string.
    query: keys => ({
      text: `SELECT id::bigint, city FROM ${schema}.places WHERE id = ANY($1)`,
      values: [keys],
    }),
  })
  await assert.rejects(enrich(7), {
    code: 'ENRICHER_ANSWER_INVALID',
    message: /"7" \(string\), which was not asked for/,
  })
})

test('credentials that are refused hold the stream and drop nothing', { skip }, async t => {
  const { enricher } = await world(t)
  const url = new URL(databaseUrl!)
  url.pathname = '/no_such_database'
  const enrich = enricher({ connectionString: url.href, retry: { attempts: 1 } })
  await assert.rejects(enrich(1), {
    code: 'ENRICHER_NETWORK_FAILED',
    sqlState: '3D000',
    retry: { kind: 'backoff' },
  })
})

test("a pool of one's own stays open when the enricher is closed", { skip }, async t => {
  const { schema } = await world(t)
  const pool = new Pool({ connectionString: databaseUrl, max: 2 })
  t.after(() => pool.end())
  const enrich = sqlEnricher({
    name: 'borrowed',
    database: postgresPort(pool),
    key: (input: { id: number }) => input.id,
    query: keys => ({ text: `SELECT id, city FROM ${schema}.places WHERE id = ANY($1)`, values: [keys] }),
    rowKey: (row: Row) => row.id,
    parse: rows => rows.map(row => row.city),
  })
  assert.deepEqual(await enrich({ id: 3 }), ['city 3'])
  await enrich.close()
  assert.equal((await pool.query('SELECT 1 AS one')).rows[0].one, 1)
  assert.equal(pool.idleCount, pool.totalCount)
})
