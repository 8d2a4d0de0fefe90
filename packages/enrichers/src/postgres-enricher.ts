import { Pool } from 'pg'
import type { Enricher } from './enricher.ts'
import type { EnricherKey } from './key.ts'
import { readOptions, text } from './option-rules.ts'
import { postgresPort } from './postgres-port.ts'
import type { SqlQueryOptions } from './sql-enricher.ts'
import { createSqlEnricher, sqlTable } from './sql-enricher.ts'

export interface PostgresEnricherOptions<Input, Key extends EnricherKey, Row, Result> extends SqlQueryOptions<
  Input,
  Key,
  Row,
  Result
> {
  /** As libpq takes it: `postgres://user:password@host:5432/database`. */
  readonly connectionString: string
}

/**
 * An enricher that asks Postgres over a pool of its own, with as many connections as `concurrency`. For a pool that
 * you have already: `sqlEnricher({ database: postgresPort(pool), … })`.
 *
 * @example
 * const customers = postgresEnricher({
 *   name: 'customers',
 *   connectionString,
 *   key: (booking: Booking) => booking.customerId,
 *   query: ids => ({ text: 'SELECT id, name, city FROM customers WHERE id = ANY($1)', values: [ids] }),
 *   rowKey: (row: CustomerRow) => row.id,
 *   parse: ([row]) => row,
 *   cache: { ttlMs: 300_000 },
 * })
 * @throws EnricherError `ENRICHER_OPTION_INVALID`; the function that is returned rejects with the other codes
 */
export function postgresEnricher<Input, const Key extends EnricherKey, Row, Result>(
  options: PostgresEnricherOptions<Input, Key, Row, Result>,
): Enricher<Input, Result> {
  const table = { ...sqlTable<Input, Key, Row, Result>(), connectionString: text() }
  const settings = readOptions(options, table, 'postgresEnricher')
  const pool = new Pool({
    connectionString: settings.connectionString,
    max: settings.concurrency,
    application_name: settings.name,
    connectionTimeoutMillis: settings.timeoutMs,
    // The server gives up when the caller does, and does not work on for nobody.
    statement_timeout: settings.timeoutMs,
    keepAlive: true,
  })
  return createSqlEnricher(settings, { ...postgresPort(pool), close: () => pool.end() })
}
