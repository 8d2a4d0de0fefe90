import { DatabaseError } from 'pg'
import { untilAborted } from './clock.ts'
import type { SqlPort } from './sql-port.ts'
import { SqlFailure } from './sql-port.ts'

/** What is used of a `pg.PoolClient`. */
export interface PostgresClient {
  query(text: string, values: unknown[]): Promise<{ readonly rows: unknown[] }>
  release(destroy?: boolean): void
  on(event: 'error', listener: () => void): unknown
}

/** What is used of a `pg.Pool`. */
export interface PostgresPool {
  connect(): Promise<PostgresClient>
  on(event: 'error', listener: () => void): unknown
  on(event: 'connect', listener: (client: PostgresClient) => void): unknown
}

/**
 * Asks Postgres over a pool that is yours: closing the port leaves it open. Give the pool a `statement_timeout`:
 * a call that took too long is given up by closing its connection, and the server notices that only when the
 * statement ends.
 */
export function postgresPort(pool: PostgresPool): SqlPort {
  const guard = newGuard()
  // The pool drops a connection that is lost while idle, and the next query opens another.
  pool.on('error', () => {})
  pool.on('connect', guard)
  return {
    async query(statement, signal) {
      const client = await connect(pool, signal)
      guard(client)
      let isUsable = false
      try {
        const { rows } = await untilAborted(client.query(statement.text, [...statement.values]), signal)
        isUsable = true
        return rows
      } catch (cause) {
        isUsable = isStatementError(cause)
        throw failureOf(cause)
      } finally {
        client.release(!isUsable)
      }
    },
    close: () => Promise.resolve(),
  }
}

/**
 * An 'error' event that nobody hears ends the process, and the pool does not listen while a connection is lent.
 * Listening from the first query on is too late: when the server ends a new connection, its word can stand in the
 * same packet as the greeting, and is then read before the caller has the connection. Queries reject all the same.
 */
function newGuard(): (client: PostgresClient) => void {
  const guarded = new WeakSet<PostgresClient>()
  return client => {
    if (guarded.has(client)) return
    guarded.add(client)
    client.on('error', () => {})
  }
}

async function connect(pool: PostgresPool, signal: AbortSignal): Promise<PostgresClient> {
  const connecting = pool.connect()
  try {
    return await untilAborted(connecting, signal)
  } catch (cause) {
    // Given up or failed. If it comes after all, it goes straight back.
    if (signal.aborted) void connecting.then(client => client.release()).catch(() => {})
    throw failureOf(cause)
  }
}

/**
 * SQLSTATE classes that say nothing against the statement: connection (08), credentials (28), a transaction that
 * lost a race (40), resources (53), an operator or a timeout (57), the system (58), a lock not to be had (55P03),
 * a database that is not there (3D). Source: PostgreSQL documentation, appendix A.
 */
const PASSING_CLASSES: ReadonlySet<string> = new Set(['08', '28', '3D', '40', '53', '57', '58'])
const LOCK_NOT_AVAILABLE = '55P03'

/**
 * What the server says has a SQLSTATE. The rest comes from the client: a value that it cannot send is a TypeError
 * or RangeError, and all else (refused, reset, ended, waited too long for a connection) is the connection's.
 */
function failureOf(cause: unknown): SqlFailure {
  const message = cause instanceof Error ? cause.message : String(cause)
  if (cause instanceof DatabaseError) {
    const sqlState = cause.code
    const isPassing =
      sqlState === undefined || sqlState === LOCK_NOT_AVAILABLE || PASSING_CLASSES.has(sqlState.slice(0, 2))
    return new SqlFailure(isPassing ? 'unavailable' : 'refused', message, { sqlState, cause })
  }
  const isValueError = cause instanceof TypeError || cause instanceof RangeError
  return new SqlFailure(isValueError ? 'refused' : 'unavailable', message, { cause })
}

/** Then the connection is as good as before. */
function isStatementError(cause: unknown): boolean {
  return cause instanceof DatabaseError && cause.severity === 'ERROR'
}
