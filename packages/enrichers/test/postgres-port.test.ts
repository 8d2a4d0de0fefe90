import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import type { PostgresClient, PostgresPool } from '../src/postgres-port.ts'
import { postgresPort } from '../src/postgres-port.ts'

class FakeClient extends EventEmitter implements PostgresClient {
  readonly releases: (boolean | undefined)[] = []
  answer: Promise<{ rows: unknown[] }> = Promise.resolve({ rows: [1] })

  query(): Promise<{ rows: unknown[] }> {
    return this.answer
  }

  release(destroy?: boolean): void {
    this.releases.push(destroy)
  }
}

class FakePool extends EventEmitter implements PostgresPool {
  readonly client: FakeClient = new FakeClient()
  readonly opened = Promise.withResolvers<PostgresClient>()

  connect(): Promise<PostgresClient> {
    return this.opened.promise
  }
}

const statement = { text: 'SELECT 1', values: [] }
const running = new AbortController().signal

test('a connection that the server ends in its greeting does not end the process', async () => {
  const pool = new FakePool()
  const port = postgresPort(pool)
  const rows = port.query(statement, running)
  pool.emit('connect', pool.client)
  pool.client.emit('error', new Error('terminating connection'))
  pool.emit('error', new Error('terminating connection'))
  pool.client.answer = Promise.reject(new Error('not queryable'))
  pool.opened.resolve(pool.client)
  await assert.rejects(rows, { name: 'SqlFailure', kind: 'unavailable' })
  assert.deepEqual(pool.client.releases, [true])
})

test('a connection that comes after its caller has given up goes back to the pool', async () => {
  const pool = new FakePool()
  const given = new AbortController()
  const rows = postgresPort(pool).query(statement, given.signal)
  given.abort(new Error('too late'))
  await assert.rejects(rows, /too late/)
  pool.opened.resolve(pool.client)
  await pool.opened.promise
  await Promise.resolve()
  assert.deepEqual(pool.client.releases, [undefined])
})

test('a connection whose statement was given up is not lent again', async () => {
  const pool = new FakePool()
  const given = new AbortController()
  pool.client.answer = new Promise(() => {})
  pool.opened.resolve(pool.client)
  const rows = postgresPort(pool).query(statement, given.signal)
  await pool.opened.promise
  given.abort(new Error('too late'))
  await assert.rejects(rows, /too late/)
  assert.deepEqual(pool.client.releases, [true])
})

test('a value that the client cannot send is the statement at fault, and the connection not', async () => {
  const pool = new FakePool()
  pool.client.answer = Promise.reject(new TypeError('circular structure'))
  pool.opened.resolve(pool.client)
  await assert.rejects(postgresPort(pool).query(statement, running), { kind: 'refused' })
})
