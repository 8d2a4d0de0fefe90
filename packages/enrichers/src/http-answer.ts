import type { IncomingHttpHeaders } from 'node:http'
import { EnricherError, reasonOf } from './errors.ts'
import type { RetryAdvice } from './errors.ts'

/** What an HTTP API answered. */
export class HttpAnswer {
  readonly status: number
  /** Names in lower case. */
  readonly headers: IncomingHttpHeaders
  /** The body, as UTF-8. */
  readonly text: string

  constructor(status: number, headers: IncomingHttpHeaders, text: string) {
    this.status = status
    this.headers = headers
    this.text = text
  }

  /** @throws EnricherError `ENRICHER_ANSWER_INVALID` when the body is not JSON */
  json(): unknown {
    try {
      return JSON.parse(this.text)
    } catch (cause) {
      const size = Buffer.byteLength(this.text)
      const message = `The answer (status ${this.status}, ${size} bytes) is not JSON: ${reasonOf(cause)}`
      throw new EnricherError('ENRICHER_ANSWER_INVALID', message, { status: this.status, cause })
    }
  }
}

/** A pause longer than this is taken for a mistake: the API is asked again after it, and can ask for more. */
const MAX_RETRY_AFTER_MS = 600_000

/**
 * The pause that a Retry-After header asks for, in milliseconds: seconds, or a date (RFC 9110, section 10.2.3).
 * @param nowMs milliseconds since the epoch
 */
export function retryAfterMs(header: string | string[] | undefined, nowMs: number): number | undefined {
  const value = (Array.isArray(header) ? header[0] : header)?.trim()
  if (value === undefined || value === '') return undefined
  // `Date.parse` alone would take a bare number for a year or a month.
  const ms = /^\d+$/.test(value)
    ? Number(value) * 1_000
    : value.endsWith('GMT')
      ? Date.parse(value) - nowMs
      : NaN
  return Number.isNaN(ms) ? undefined : Math.min(MAX_RETRY_AFTER_MS, Math.max(0, ms))
}

/**
 * The failure that a status means which the author did not declare an answer.
 *
 * | status | advice | because |
 * |---|---|---|
 * | 429; 503 with Retry-After | after, or backoff | the API is up and asks for a pause |
 * | 408, 425, 5xx | backoff | it did not get to an answer |
 * | 401, 407 | backoff | the credentials are at fault, not this input: an operator mends them, nothing is dropped |
 * | other 4xx, 1xx, 3xx | never | the same request will be refused again |
 */
export function statusFailure(
  enricher: string,
  answer: { readonly status: number; readonly headers: IncomingHttpHeaders },
  nowMs: number,
): EnricherError {
  const { status } = answer
  const pauseMs = retryAfterMs(answer.headers['retry-after'], nowMs)
  if (status === 429 || (status === 503 && pauseMs !== undefined)) {
    const retry: RetryAdvice = pauseMs === undefined ? { kind: 'backoff' } : { kind: 'after', ms: pauseMs }
    const pause = pauseMs === undefined ? 'without saying for how long' : `for ${pauseMs} ms`
    const message = `Enricher ${enricher} was asked to pause ${pause} (status ${status})`
    return new EnricherError('ENRICHER_THROTTLED', message, { retry, status })
  }
  const isPassing = status >= 500 || status === 401 || status === 407 || status === 408 || status === 425
  return new EnricherError(
    'ENRICHER_STATUS_REFUSED',
    `Enricher ${enricher} got status ${status}, which is no answer unless answerStatuses has it`,
    { retry: { kind: isPassing ? 'backoff' : 'never' }, status },
  )
}
