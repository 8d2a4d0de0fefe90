import { TestClock } from '@tributary/topology/testing'
import type { Grant } from '../src/grant.ts'
import { RateLimiter, type LimiterLimits, type LimiterOptions } from '../src/rate-limiter.ts'

export const NEVER: AbortSignal = new AbortController().signal
export const HOUR_MS = 3_600_000
/** Ten minutes before an hour of the clock ends. */
export const TEN_TO: number = Date.parse('2026-03-04T12:50:00Z')

export const ANSWERED = { kind: 'answered', reading: undefined } as const

export interface Asked {
  readonly clock: TestClock
  readonly limiter: RateLimiter
  readonly grants: Grant[]
  readonly errors: { readonly code?: string; readonly retry?: unknown }[]
  ask(options?: { readonly signal?: AbortSignal; readonly isUrgent?: boolean }): void
  /** Whether readiness comes, as it stands when it is looked at. */
  ready(isUrgent?: boolean): { isReady: boolean }
}

/** A limiter of 3 requests in 3 s, unless the test says otherwise, and who asks it. */
export function asked(
  limits: Partial<LimiterLimits> = {},
  options: Partial<LimiterOptions> & { readonly startMs?: number } = {},
): Asked {
  const clock = new TestClock(options.startMs ?? TEN_TO)
  const limiter = new RateLimiter(
    { maxRequests: 3, windowMs: 3_000, maxRequestsPerHour: undefined, handoverMs: 4_000, ...limits },
    { clock, random: () => 1, urgentReserve: 0.1, requestTimeoutMs: 1_000, connections: 1_000, ...options },
  )
  const grants: Grant[] = []
  const errors: Asked['errors'] = []
  return {
    clock,
    limiter,
    grants,
    errors,
    ask: ({ signal = NEVER, isUrgent = true } = {}) => {
      limiter.acquire({ signal, isUrgent }).then(
        grant => grants.push(grant),
        (error: object) => errors.push(error),
      )
    },
    ready: (isUrgent = true) => {
      const state = { isReady: false }
      void limiter.whenReady({ signal: NEVER, isUrgent }).then(() => (state.isReady = true))
      return state
    },
  }
}
