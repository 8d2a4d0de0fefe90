export interface SqlStatement {
  readonly text: string
  readonly values: readonly unknown[]
}

/**
 * All that the enricher needs of a database. Reads only: a statement may be sent more than once.
 * @see postgresPort for the one that comes with this package
 */
export interface SqlPort {
  /**
   * Rejects with a {@link SqlFailure}; anything else is taken for `refused`. When the signal aborts, the connection
   * must not be given to the next caller while the statement may still run on it.
   */
  query(statement: SqlStatement, signal: AbortSignal): Promise<readonly unknown[]>
  close(): Promise<void>
}

/**
 * - `unavailable`: the database could not be asked, or could not finish: another try can help.
 * - `refused`: it says that the statement or its values are wrong, and will say so again.
 */
export type SqlFailureKind = 'unavailable' | 'refused'

export class SqlFailure extends Error {
  override readonly name = 'SqlFailure'
  readonly kind: SqlFailureKind
  readonly sqlState: string | undefined

  constructor(
    kind: SqlFailureKind,
    message: string,
    options: { readonly sqlState?: string | undefined; readonly cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.kind = kind
    this.sqlState = options.sqlState
  }
}
