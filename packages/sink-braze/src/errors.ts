import type { DeliverySent, RetryAdvice } from '@tributary/topology'

/**
 * - `BRAZE_OPTION_INVALID`: an option is missing, unknown or out of bounds; thrown at construction.
 * - `BRAZE_KEY_UNUSABLE`: there is no API key that could be sent, such as an empty file.
 * - `BRAZE_UNAUTHORIZED`: 401; the key is wrong, of another instance or workspace, or may not call the endpoint.
 * - `BRAZE_FORBIDDEN`: 403; the plan or the account is inactive, or the URL has a trailing slash.
 * - `BRAZE_NOT_FOUND`: 404; the URL is wrong.
 * - `BRAZE_UNSUPPORTED_MEDIA_TYPE`: 415.
 * - `BRAZE_UNEXPECTED_STATUS`: a status that Braze does not document. After this one and the five before it nothing is sent
 *   but one request at a time to try, until one is let in; no object is at fault and none is given up.
 * - `BRAZE_RATE_LIMITED`: 429, or a limit of our own holds requests back; `retry` says until when.
 * - `BRAZE_UNAVAILABLE`: 5xx.
 * - `BRAZE_TIMED_OUT`: no complete answer within `requestTimeoutMs`; the objects may have arrived.
 * - `BRAZE_NETWORK_FAILED`: no answer: refused, reset, cut in the middle; the objects may have arrived.
 * - `BRAZE_ANSWER_INVALID`: a 2xx whose body is not Braze's.
 * - `BRAZE_OBJECT_INVALID`: an object that Braze would refuse or lose; it was not sent.
 * - `BRAZE_OBJECT_REFUSED`: Braze refused the object.
 */
export type BrazeErrorCode =
  | 'BRAZE_OPTION_INVALID'
  | 'BRAZE_KEY_UNUSABLE'
  | 'BRAZE_UNAUTHORIZED'
  | 'BRAZE_FORBIDDEN'
  | 'BRAZE_NOT_FOUND'
  | 'BRAZE_UNSUPPORTED_MEDIA_TYPE'
  | 'BRAZE_UNEXPECTED_STATUS'
  | 'BRAZE_RATE_LIMITED'
  | 'BRAZE_UNAVAILABLE'
  | 'BRAZE_TIMED_OUT'
  | 'BRAZE_NETWORK_FAILED'
  | 'BRAZE_ANSWER_INVALID'
  | 'BRAZE_OBJECT_INVALID'
  | 'BRAZE_OBJECT_REFUSED'

export interface BrazeErrorOptions {
  /** Default: never. */
  readonly retry?: RetryAdvice
  /** The HTTP status, where there was one. */
  readonly status?: number
  readonly cause?: unknown
  /** What an item of the call became that failed (`DeliveryFailure`). */
  readonly sentOf?: (index: number) => DeliverySent | undefined
}

const NEVER: RetryAdvice = { kind: 'never' }

/**
 * The one error class of this package: `code` says which failure it is, `retry` what to do about it. Neither the API key
 * nor a value of an object is ever part of a message.
 */
export class BrazeError extends Error {
  override readonly name = 'BrazeError'
  readonly code: BrazeErrorCode
  readonly retry: RetryAdvice
  readonly status: number | undefined
  readonly #sentOf: BrazeErrorOptions['sentOf']

  constructor(code: BrazeErrorCode, message: string, options: BrazeErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.retry = options.retry ?? NEVER
    this.status = options.status
    this.#sentOf = options.sentOf
  }

  /** For dead letters: nothing that is printed or logged of the error shows it. */
  sentOf(index: number): DeliverySent | undefined {
    return this.#sentOf?.(index)
  }

  static is(error: unknown): error is BrazeError {
    return error instanceof BrazeError
  }
}
