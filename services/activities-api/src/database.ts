import { Pool } from 'pg'

/** What the service needs of a `pg.Pool`. */
export interface Database {
  query(text: string, values?: unknown[]): Promise<{ readonly rows: unknown[] }>
}

/** A `Database` of several connections, which says how many there are. */
export interface DatabasePool extends Database {
  /** Connections, those that are being opened included. */
  readonly totalCount: number
  readonly idleCount: number
  /** Queries that wait for a connection. */
  readonly waitingCount: number
}

/**
 * A pool for this service. A request never waits longer for the database than these timeouts together.
 * @param onLost told when an idle connection breaks; the pool replaces it by itself
 */
export function openDatabase(url: string, onLost: (error: Error) => void = () => {}): Pool {
  const pool = new Pool({
    connectionString: url,
    application_name: 'activities-api',
    max: 10,
    connectionTimeoutMillis: 2_000,
    statement_timeout: 3_000,
    keepAlive: true,
  })
  pool.on('error', onLost)
  // While a connection is lent the pool does not listen, and an 'error' event that nobody hears ends the process.
  pool.on('connect', client => client.on('error', () => {}))
  return pool
}

/** Any number; it only has to be the same in every instance. */
const MIGRATION_LOCK = 7_236_001

/**
 * The tables, made where they are missing. One simple query is one transaction. The lock keeps instances that start
 * together apart: `IF NOT EXISTS` alone lets two of them try, and one fail.
 *
 * Collation C sorts by bytes, so that the order does not depend on the server's locale. Milliseconds are what the
 * answers have, so that `after` an answer's own `startsAt` never gives the same booking again.
 */
const SCHEMA = `
SELECT pg_advisory_xact_lock(${MIGRATION_LOCK});
CREATE TABLE IF NOT EXISTS bookings (
  booking_id text COLLATE "C" PRIMARY KEY,
  customer_id text COLLATE "C" NOT NULL,
  activity_id text NOT NULL,
  title text NOT NULL,
  city text NOT NULL,
  country text NOT NULL,
  starts_at timestamptz(3) NOT NULL
);
CREATE INDEX IF NOT EXISTS bookings_upcoming ON bookings (customer_id, starts_at, booking_id);
`

export async function migrate(database: Database): Promise<void> {
  await database.query(SCHEMA)
}
