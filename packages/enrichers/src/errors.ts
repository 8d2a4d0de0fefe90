/** What a caller should do with a failed enrichment. Travels as data: the topology's `enrich` step reads it. */
export type RetryAdvice =
  { readonly kind: 'never' } | { readonly kind: 'backoff' } | { readonly kind: 'after'; readonly ms: number }

/**
 * - `ENRICHER_OPTION_INVALID`: an option is missing, unknown or out of bounds; thrown at construction.
 * - `ENRICHER_INPUT_INVALID`: the author's `key`, `request` or `query` function threw, or made no usable request.
 * - `ENRICHER_NETWORK_FAILED`: no answer: refused, reset, cut in the middle, not HTTP.
 * - `ENRICHER_TIMED_OUT`: no complete answer within `timeoutMs`.
 * - `ENRICHER_THROTTLED`: the other side asked for a pause (429, or 503 with Retry-After).
 * - `ENRICHER_STATUS_REFUSED`: an HTTP status that is no answer; `status` has it.
 * - `ENRICHER_STATEMENT_FAILED`: the database refused the statement; `sqlState` has the reason.
 * - `ENRICHER_ANSWER_INVALID`: an answer came, and it is not what was asked for.
 * - `ENRICHER_CIRCUIT_OPEN`: too many failures just now; no call was made.
 * - `ENRICHER_CLOSED`: the enricher was closed before the answer came.
 */
export type EnricherErrorCode =
  | 'ENRICHER_OPTION_INVALID'
  | 'ENRICHER_INPUT_INVALID'
  | 'ENRICHER_NETWORK_FAILED'
  | 'ENRICHER_TIMED_OUT'
  | 'ENRICHER_THROTTLED'
  | 'ENRICHER_STATUS_REFUSED'
  | 'ENRICHER_STATEMENT_FAILED'
  | 'ENRICHER_ANSWER_INVALID'
  | 'ENRICHER_CIRCUIT_OPEN'
  | 'ENRICHER_CLOSED'

export interface EnricherErrorOptions {
  /** Default: never. */
  readonly retry?: RetryAdvice
  readonly status?: number
  readonly sqlState?: string
  readonly cause?: unknown
}

const NEVER: RetryAdvice = { kind: 'never' }

/** The one error class of this package: `code` says which failure it is, `retry` what to do about it. */
export class EnricherError extends Error {
  override readonly name = 'EnricherError'
  readonly code: EnricherErrorCode
  readonly retry: RetryAdvice
  /** The HTTP status, where there was one. */
  readonly status: number | undefined
  /** The five characters of SQLSTATE, where there were some. */
  readonly sqlState: string | undefined

  constructor(code: EnricherErrorCode, message: string, options: EnricherErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retry = options.retry ?? NEVER
    this.status = options.status
    this.sqlState = options.sqlState
  }

  static is(error: unknown): error is EnricherError {
    return error instanceof EnricherError
  }
}

/** A thrown value's message, for the middle of a sentence. */
export function reasonOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
