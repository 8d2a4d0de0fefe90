import type { RateLimitHeaders } from '../options.ts'
import type { WindowReading } from './rate-limiter.ts'

export type Headers = Readonly<Record<string, string>>

/** How one of Braze's pages describes the limits in headers. Times are milliseconds since the epoch. */
interface Dialect {
  /** On an answer other than 429. */
  readonly admitted: (window: WindowReading, now: number) => Headers
  /** On a 429; `window.resetAt` is when the next request would be let in. */
  readonly refused: (window: WindowReading, now: number) => Headers
}

const seconds = (ms: number): number => Math.ceil(ms / 1_000)

function triple(limit: number, remaining: number, reset: number): Headers {
  return {
    'x-ratelimit-limit': String(limit),
    'x-ratelimit-remaining': String(remaining),
    'x-ratelimit-reset': String(reset),
  }
}

// Lower-case names: that is how Braze sends them.
export const dialects: Readonly<Record<RateLimitHeaders, Dialect>> = {
  /** https://www.braze.com/docs/api/api_limits: on every answer, the reset as a UTC epoch second. */
  general: {
    admitted: ({ limit, remaining, resetAt }) => triple(limit, remaining, seconds(resetAt)),
    refused: ({ limit, resetAt }) => triple(limit, 0, seconds(resetAt)),
  },
  /**
   * https://www.braze.com/docs/api/endpoints/user_data/post_user_track, contracts by monthly active users: the reset as
   * seconds to go, and on a 429 the seconds to wait in place of the three.
   */
  mau: {
    admitted: ({ limit, remaining, resetAt }, now) => triple(limit, remaining, seconds(resetAt - now)),
    refused: ({ resetAt }, now) => ({
      'x-ratelimit-retry-after': String(Math.max(1, seconds(resetAt - now))),
    }),
  },
}
