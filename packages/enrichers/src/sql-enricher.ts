import type { Source } from './dispatcher.ts'
import type { Enricher } from './enricher.ts'
import { createEnricher } from './enricher.ts'
import { EnricherError, reasonOf } from './errors.ts'
import type { Answer } from './flight.ts'
import type { EnricherKey, KeyIdentity } from './key.ts'
import { identityOf, isEnricherKey, showKey } from './key.ts'
import type { EnricherOptions, EnricherSettings } from './options.ts'
import { enricherTable } from './options.ts'
import type { OptionTable } from './option-rules.ts'
import { group, integer, milliseconds, readOptions, required } from './option-rules.ts'
import type { SqlPort, SqlStatement } from './sql-port.ts'
import { SqlFailure } from './sql-port.ts'

/** How to ask one statement for many keys, and how to read its rows. */
export interface SqlQueryOptions<Input, Key extends EnricherKey, Row, Result> extends EnricherOptions<
  Input,
  Key,
  Result
> {
  /** A statement for all of these keys, such as `… WHERE customer_id = ANY($1)` with `[keys]`. */
  readonly query: (keys: readonly NoInfer<Key>[]) => SqlStatement
  /** Which key a row belongs to. Of the same type as the key: what a driver gives as a string may need `Number`. */
  readonly rowKey: (row: Row) => NoInfer<Key>
  /** The key's rows in the statement's order, maybe none. Whatever it throws is final, for this key alone. */
  readonly parse: (rows: readonly NoInfer<Row>[], key: NoInfer<Key>) => Result
  readonly batch?: {
    /** Keys per statement. Default: 100. */
    readonly maxIds?: number
    /** How long the first key waits for others when there is a free slot. Default: 5. */
    readonly lingerMs?: number
  }
}

export interface SqlEnricherOptions<Input, Key extends EnricherKey, Row, Result> extends SqlQueryOptions<
  Input,
  Key,
  Row,
  Result
> {
  readonly database: SqlPort
}

export interface SqlSettings<Input, Key extends EnricherKey, Row, Result> extends EnricherSettings<
  Input,
  Key,
  Result
> {
  readonly query: (keys: readonly Key[]) => SqlStatement
  readonly rowKey: (row: Row) => Key
  readonly parse: (rows: readonly Row[], key: Key) => Result
  readonly batch: { readonly maxIds: number; readonly lingerMs: number }
}

/**
 * An enricher that asks a SQL database through a {@link SqlPort}; closing the enricher closes the port.
 * @throws EnricherError `ENRICHER_OPTION_INVALID`; the function that is returned rejects with the other codes
 */
export function sqlEnricher<Input, const Key extends EnricherKey, Row, Result>(
  options: SqlEnricherOptions<Input, Key, Row, Result>,
): Enricher<Input, Result> {
  const table = { ...sqlTable<Input, Key, Row, Result>(), database: required<SqlPort>('object') }
  const settings = readOptions(options, table, 'sqlEnricher')
  return createSqlEnricher(settings, settings.database)
}

export function createSqlEnricher<Input, Key extends EnricherKey, Row, Result>(
  settings: SqlSettings<Input, Key, Row, Result>,
  database: SqlPort,
): Enricher<Input, Result> {
  return createEnricher(settings, settings.batch, new SqlSource(settings, database))
}

export function sqlTable<Input, Key extends EnricherKey, Row, Result>(): OptionTable<
  SqlSettings<Input, Key, Row, Result>
> {
  type Settings = SqlSettings<Input, Key, Row, Result>
  return {
    ...enricherTable<Input, Key, Result>(),
    query: required<Settings['query']>('function'),
    rowKey: required<Settings['rowKey']>('function'),
    parse: required<Settings['parse']>('function'),
    batch: group<Settings['batch']>({
      maxIds: integer({ min: 1, max: 100_000, default: 100 }),
      lingerMs: milliseconds({ default: 5 }),
    }),
  }
}

class SqlSource<Input, Key extends EnricherKey, Row, Result> implements Source<Key, Result> {
  readonly #settings: SqlSettings<Input, Key, Row, Result>
  readonly #database: SqlPort

  constructor(settings: SqlSettings<Input, Key, Row, Result>, database: SqlPort) {
    this.#settings = settings
    this.#database = database
  }

  async call(keys: readonly Key[], signal: AbortSignal): Promise<readonly Answer<Result>[]> {
    const statement = this.#statementFor(keys)
    let rows: readonly Row[]
    try {
      rows = (await this.#database.query(statement, signal)) as readonly Row[]
    } catch (cause) {
      throw this.#databaseError(cause)
    }
    const byKey = this.#group(keys, rows)
    return keys.map(key => this.#parse(byKey.get(identityOf(key)) ?? [], key))
  }

  async close(): Promise<void> {
    await this.#database.close()
  }

  #statementFor(keys: readonly Key[]): SqlStatement {
    try {
      return this.#settings.query(keys)
    } catch (cause) {
      const message = `Enricher ${this.#settings.name} cannot make a query of this input: ${reasonOf(cause)}`
      throw new EnricherError('ENRICHER_INPUT_INVALID', message, { cause })
    }
  }

  #databaseError(cause: unknown): EnricherError {
    const { name } = this.#settings
    const { kind, sqlState } =
      cause instanceof SqlFailure ? cause : new SqlFailure('refused', reasonOf(cause))
    const state = sqlState === undefined ? {} : { sqlState }
    if (kind === 'refused') {
      const message = `Enricher ${name}: the database refused the statement: ${reasonOf(cause)}`
      return new EnricherError('ENRICHER_STATEMENT_FAILED', message, { ...state, cause })
    }
    const message = `Enricher ${name} got no answer from the database: ${reasonOf(cause)}`
    return new EnricherError('ENRICHER_NETWORK_FAILED', message, {
      ...state,
      retry: { kind: 'backoff' },
      cause,
    })
  }

  /**
   * A row whose key nobody asked for is an error and not left out: a driver's `'7'` for a 7 would otherwise look
   * like "no rows" for every key.
   */
  #group(keys: readonly Key[], rows: readonly Row[]): ReadonlyMap<KeyIdentity, readonly Row[]> {
    const groups = new Map<KeyIdentity, Row[]>(keys.map(key => [identityOf(key), []]))
    for (const row of rows) {
      const key = this.#rowKey(row)
      const group = isEnricherKey(key) ? groups.get(identityOf(key)) : undefined
      if (group === undefined)
        throw this.#answerError(`a row's key is ${shown(key)}, which was not asked for`)
      group.push(row)
    }
    return groups
  }

  #rowKey(row: Row): Key {
    try {
      return this.#settings.rowKey(row)
    } catch (cause) {
      throw this.#answerError(`rowKey threw: ${reasonOf(cause)}`, cause)
    }
  }

  #parse(rows: readonly Row[], key: Key): Answer<Result> {
    try {
      return { ok: true, result: this.#settings.parse(rows, key) }
    } catch (cause) {
      return { ok: false, error: this.#answerError(`parse threw: ${reasonOf(cause)}`, cause) }
    }
  }

  #answerError(what: string, cause?: unknown): EnricherError {
    const message = `Enricher ${this.#settings.name} cannot read the rows: ${what}`
    return new EnricherError('ENRICHER_ANSWER_INVALID', message, { cause })
  }
}

function shown(key: unknown): string {
  return isEnricherKey(key) ? `${showKey(key)} (${typeof key})` : typeof key
}
