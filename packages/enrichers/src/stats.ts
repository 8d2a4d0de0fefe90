import type { BreakerState } from './circuit-breaker.ts'

/** Counts since construction, and the present state. A snapshot: read it again for newer numbers. */
export interface EnricherStats {
  /** Answered from the cache, within its time to live. */
  readonly hits: number
  /** Answered from the cache past its time to live, while a newer answer was being fetched. */
  readonly staleHits: number
  /** Not in the cache, and nobody was asking yet. */
  readonly misses: number
  /** Not in the cache, and waited for a call that was already under way for the same key. */
  readonly joins: number
  /** Calls made, retries included. */
  readonly calls: number
  /** Keys in those calls: `callKeys / calls` is the mean fill of gathered calls. */
  readonly callKeys: number
  /** Calls that brought no answer. */
  readonly failures: number
  readonly timeouts: number
  /** Calls answered by "not so fast". */
  readonly throttled: number
  /** Calls made again after a failure. */
  readonly retries: number
  /** Keys turned away without a call: the breaker was open, or the asked-for pause was too long to wait here. */
  readonly turnedAway: number
  /** Refreshes of stale entries that failed; the stale answer was used. */
  readonly refreshFailures: number
  /** Calls under way. */
  readonly inFlight: number
  /** Keys that nobody has an answer for yet, those in flight included. */
  readonly waiting: number
  readonly cachedEntries: number
  /** By `sizeOf`, or estimated. */
  readonly cachedBytes: number
  readonly breaker: BreakerState
}

type CountedStats =
  | 'hits'
  | 'staleHits'
  | 'misses'
  | 'joins'
  | 'calls'
  | 'callKeys'
  | 'failures'
  | 'timeouts'
  | 'throttled'
  | 'retries'
  | 'turnedAway'
  | 'refreshFailures'
  | 'inFlight'

export type Counters = { -readonly [Name in CountedStats]: number }

export function newCounters(): Counters {
  return {
    hits: 0,
    staleHits: 0,
    misses: 0,
    joins: 0,
    calls: 0,
    callKeys: 0,
    failures: 0,
    timeouts: 0,
    throttled: 0,
    retries: 0,
    turnedAway: 0,
    refreshFailures: 0,
    inFlight: 0,
  }
}
