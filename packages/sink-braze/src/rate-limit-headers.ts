const MAX_PAUSE_MS = 3_600_000
/** Above this a reset is seconds since the epoch (September 2001), below it seconds to go. */
const EPOCH_SECONDS = 1_000_000_000

export type AnswerHeaders = Readonly<Record<string, string | readonly string[] | undefined>>

/**
 * How long a 429 asks to wait, in milliseconds, or undefined when it does not say. Braze's pages describe two dialects:
 * `X-Ratelimit-Retry-After` (https://www.braze.com/docs/api/endpoints/user_data/post_user_track) and `X-RateLimit-Reset`
 * (https://www.braze.com/docs/api/api_limits), the latter as an epoch second or as seconds to go. `Retry-After` is what a
 * proxy in between would say. Nothing longer than an hour is believed, as no limit of Braze's lasts longer.
 */
export function pauseMsOf(headers: AnswerHeaders, nowMs: number): number | undefined {
  const pauseMs =
    secondsMs(headers['x-ratelimit-retry-after']) ??
    retryAfterMs(headers['retry-after'], nowMs) ??
    resetMs(headers['x-ratelimit-reset'], nowMs)
  // A pause that is over already says nothing: the clocks differ, and the request was refused all the same.
  return pauseMs === undefined || pauseMs <= 0 ? undefined : Math.min(pauseMs, MAX_PAUSE_MS)
}

/** What the headers of an answer say about a limit that all processes share. */
export interface LimitReading {
  readonly limit: number
  /** Approximate, in Braze's own words. */
  readonly remaining: number
  /** Until the limit is whole again. */
  readonly resetMs: number
}

/** Undefined unless all three headers are there, in either dialect. */
export function readingOf(headers: AnswerHeaders, nowMs: number): LimitReading | undefined {
  const limit = numberOf(headers['x-ratelimit-limit'])
  const remaining = numberOf(headers['x-ratelimit-remaining'])
  const inMs = resetMs(headers['x-ratelimit-reset'], nowMs)
  if (limit === undefined || remaining === undefined || inMs === undefined) return undefined
  return { limit, remaining, resetMs: Math.min(Math.max(0, inMs), MAX_PAUSE_MS) }
}

/** What a 5xx asks to wait. */
export function retryAfterMs(header: AnswerHeaders[string], nowMs: number): number | undefined {
  const inSeconds = secondsMs(header)
  if (inSeconds !== undefined) return inSeconds
  const at = typeof header === 'string' ? Date.parse(header) : Number.NaN
  return Number.isNaN(at) ? undefined : at - nowMs
}

function resetMs(header: AnswerHeaders[string], nowMs: number): number | undefined {
  const ms = secondsMs(header)
  if (ms === undefined) return undefined
  return ms > EPOCH_SECONDS * 1_000 ? ms - nowMs : ms
}

function secondsMs(header: AnswerHeaders[string]): number | undefined {
  const seconds = numberOf(header)
  return seconds === undefined ? undefined : seconds * 1_000
}

function numberOf(header: AnswerHeaders[string]): number | undefined {
  return typeof header === 'string' && /^\d+(\.\d+)?$/.test(header.trim()) ? Number(header) : undefined
}
