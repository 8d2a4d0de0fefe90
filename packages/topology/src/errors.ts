/** What a caller should do with a failed operation. The decision travels as data; nothing matches on message text. */
export type RetryAdvice =
  | { readonly kind: 'never' }
  | ({ readonly kind: 'backoff' } & RetryCount)
  | ({ readonly kind: 'after'; readonly ms: number } & RetryCount)

interface RetryCount {
  /** False: what failed was no attempt, so a bound on attempts does not count it. Default true. */
  readonly isAttempt?: boolean
}

/** Every error code of this package. `docs/reference/errors.md` explains each; a test compares the two. */
export type TopologyErrorCode =
  | 'TOPOLOGY_CONFIG_INVALID'
  | 'TOPOLOGY_PLAN_INVALID'
  | 'TOPOLOGY_REPARTITION_REQUIRED'
  | 'TOPOLOGY_TOPIC_MISSING'
  | 'TOPOLOGY_PARTITION_COUNT_MISMATCH'
  | 'TOPOLOGY_PARTITIONER_MISMATCH'
  | 'TOPOLOGY_STATE_INVALID'
  | 'TOPOLOGY_TABLE_FAILED'
  | 'TOPOLOGY_DESERIALIZATION_FAILED'
  | 'TOPOLOGY_SERIALIZATION_FAILED'
  | 'TOPOLOGY_PROCESSING_FAILED'
  | 'TOPOLOGY_ENRICHMENT_FAILED'
  | 'TOPOLOGY_DELIVERY_FAILED'
  | 'TOPOLOGY_DELIVERY_REJECTED'
  | 'TOPOLOGY_JOIN_MISSED'
  | 'TOPOLOGY_KEY_MISSING'
  | 'TOPOLOGY_SCHEMA_INVALID'
  | 'TOPOLOGY_SCHEMA_UNKNOWN'
  | 'TOPOLOGY_SCHEMA_INCOMPATIBLE'
  | 'TOPOLOGY_REGISTRY_UNAVAILABLE'
  | 'TOPOLOGY_RECORD_TOO_LARGE'
  | 'TOPOLOGY_TIMESTAMP_INVALID'
  | 'TOPOLOGY_CHOICE_INVALID'
  | 'TOPOLOGY_BATCH_CORRUPT'
  | 'TOPOLOGY_OFFSET_OUT_OF_RANGE'
  | 'TOPOLOGY_MEMBER_FENCED'
  | 'TOPOLOGY_PRODUCER_FENCED'
  | 'TOPOLOGY_TRANSACTION_ABORTED'
  | 'TOPOLOGY_AUTHORIZATION_FAILED'
  | 'TOPOLOGY_BROKER_UNAVAILABLE'
  | 'TOPOLOGY_BROKER_ERROR'
  | 'TOPOLOGY_CLOSED'

export interface TopologyErrorOptions {
  /** Default: never. */
  readonly retry?: RetryAdvice
  readonly cause?: unknown
}

const NEVER: RetryAdvice = { kind: 'never' }

/**
 * The one error class of this package. The `code` says which failure it is, `retry` what to do about it;
 * the message says what failed, where (topic-partition@offset), what was seen and what is allowed.
 */
export class TopologyError extends Error {
  override readonly name = 'TopologyError'
  readonly code: TopologyErrorCode
  readonly retry: RetryAdvice

  constructor(code: TopologyErrorCode, message: string, options: TopologyErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retry = options.retry ?? NEVER
  }

  static is(error: unknown): error is TopologyError {
    return error instanceof TopologyError
  }
}

/** The retry advice that any error carries structurally (`error.retry.kind`), or `fallback` when it carries none. */
export function retryAdviceOf(error: unknown, fallback: RetryAdvice): RetryAdvice {
  if (typeof error !== 'object' || error === null || !('retry' in error)) return fallback
  const advice = error.retry
  if (typeof advice !== 'object' || advice === null || !('kind' in advice)) return fallback
  if (advice.kind === 'never') return NEVER
  const count = 'isAttempt' in advice && advice.isAttempt === false ? { isAttempt: false } : {}
  if (advice.kind === 'backoff') return { kind: 'backoff', ...count }
  if (advice.kind === 'after' && 'ms' in advice && typeof advice.ms === 'number')
    return { kind: 'after', ms: advice.ms, ...count }
  return fallback
}

/**
 * The advice for an error of a caller's function that carries none: taken for an outage and tried again. Errors of the
 * language itself are faults of the code, which no retry mends; a TypeError with a cause is how `fetch` reports a broken
 * connection.
 */
export function adviceForUnknown(error: unknown): RetryAdvice {
  const isFaultOfCode =
    error instanceof ReferenceError ||
    error instanceof RangeError ||
    error instanceof SyntaxError ||
    (error instanceof TypeError && error.cause === undefined)
  return isFaultOfCode ? NEVER : { kind: 'backoff' }
}
