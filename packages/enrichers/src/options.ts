import type { BreakerSettings } from './circuit-breaker.ts'
import type { Clock } from './clock.ts'
import { systemClock } from './clock.ts'
import type { CacheSettings } from './answer-cache.ts'
import type { EnricherKey } from './key.ts'
import type { OptionTable } from './option-rules.ts'
import {
  group,
  integer,
  invalidOption,
  milliseconds,
  number,
  optional,
  orWord,
  required,
  text,
  withDefault,
} from './option-rules.ts'
import { estimateBytes } from './size-estimate.ts'

export interface CacheOptions<Result> {
  /** How long an answer is given out as it is. */
  readonly ttlMs: number
  /** How much longer it is given out while a newer one is fetched behind it. Default: 0. */
  readonly staleWhileRevalidateMs?: number
  /** Default: 10,000. */
  readonly maxEntries?: number
  /** Default: 64 MiB. */
  readonly maxBytes?: number
  /** A result's size in bytes. Default: an estimate of its strings, numbers, arrays and fields. */
  readonly sizeOf?: (result: Result) => number
}

export interface RetryOptions {
  /**
   * Calls in all, the first included. Default: 3, enough for a lost connection or a node that is being replaced.
   * The step that calls the enricher goes on for as long as it takes, and it can pause its input meanwhile; an
   * enricher that never gave up would hide the outage from it.
   */
  readonly attempts?: number | 'unlimited'
  /** The n-th wait is random between 0 and `baseMs * 2 ** (n - 1)`, but `maxMs` at most. Default: 100. */
  readonly baseMs?: number
  /** Also the longest pause, asked for by Retry-After, that is waited for here. Default: 2,000. */
  readonly maxMs?: number
}

export interface BreakerOptions {
  /** Default: 5. */
  readonly failures?: number
  /** Default: 10. */
  readonly ofLast?: number
  /** Default: 1,000. */
  readonly openMs?: number
  /** Default: 30,000. */
  readonly maxOpenMs?: number
}

/** What every enricher can be told, wherever it gets its answers from. */
export interface EnricherOptions<Input, Key extends EnricherKey, Result> {
  /** Stands in error messages, and is the function's name. */
  readonly name: string
  /** What the answer depends on. Two inputs with equal keys get the same answer. */
  readonly key: (input: Input) => Key
  /** Left out: nothing is kept, though callers who ask for a key at the same time still share one call. */
  readonly cache?: CacheOptions<Result>
  /** Calls under way at once. Default: 8. */
  readonly concurrency?: number
  /** Calls begun in any second, retries included. Default: no limit. */
  readonly ratePerSecond?: number
  /** For one call, from asking for a connection to the end of the answer. Default: 5,000. */
  readonly timeoutMs?: number
  readonly retry?: RetryOptions
  /** `false`: none. */
  readonly breaker?: BreakerOptions | false
  readonly clock?: Clock
  /** From 0 to 1, for the jitter. Default: Math.random. */
  readonly random?: () => number
}

export interface EnricherSettings<Input, Key extends EnricherKey, Result> {
  readonly name: string
  readonly key: (input: Input) => Key
  readonly cache: CacheSettings<Result> | undefined
  readonly concurrency: number
  readonly ratePerSecond: number | undefined
  readonly timeoutMs: number
  readonly retry: { readonly attempts: number | 'unlimited'; readonly baseMs: number; readonly maxMs: number }
  readonly breaker: BreakerSettings | false
  readonly clock: Clock
  readonly random: () => number
}

export function enricherTable<Input, Key extends EnricherKey, Result>(): OptionTable<
  EnricherSettings<Input, Key, Result>
> {
  return {
    name: text(),
    key: required<(input: Input) => Key>('function'),
    cache: optional(cacheRule<Result>()),
    concurrency: integer({ min: 1, max: 10_000, default: 8 }),
    ratePerSecond: optional(number({ min: 0.001, max: 100_000 })),
    timeoutMs: milliseconds({ min: 1, default: 5_000 }),
    retry: group({
      attempts: orWord('unlimited', integer({ min: 1, max: 1_000, default: 3 })),
      baseMs: milliseconds({ default: 100 }),
      maxMs: milliseconds({ default: 2_000 }),
    }),
    breaker: orWord(false, breakerRule),
    clock: withDefault(required<Clock>('object'), systemClock),
    random: withDefault(required<() => number>('function'), Math.random),
  }
}

function cacheRule<Result>() {
  const read = group<CacheSettings<Result>>({
    ttlMs: milliseconds({ min: 1 }),
    staleWhileRevalidateMs: milliseconds({ default: 0 }),
    maxEntries: integer({ min: 1, max: 10_000_000, default: 10_000 }),
    maxBytes: integer({ min: 1, max: Number.MAX_SAFE_INTEGER, default: 64 * 1_024 * 1_024 }),
    sizeOf: withDefault(required<(result: Result) => number>('function'), estimateBytes),
  })
  return read
}

const readBreaker = group<BreakerSettings>({
  failures: integer({ min: 1, max: 10_000, default: 5 }),
  ofLast: integer({ min: 1, max: 10_000, default: 10 }),
  openMs: milliseconds({ min: 1, default: 1_000 }),
  maxOpenMs: milliseconds({ min: 1, default: 30_000 }),
})

function breakerRule(value: unknown, path: string): BreakerSettings {
  const settings = readBreaker(value, path)
  if (settings.failures > settings.ofLast)
    throw invalidOption(
      `${path}.failures`,
      `must not be more than ofLast (${settings.ofLast})`,
      settings.failures,
    )
  if (settings.openMs > settings.maxOpenMs)
    throw invalidOption(
      `${path}.openMs`,
      `must not be more than maxOpenMs (${settings.maxOpenMs})`,
      settings.openMs,
    )
  return settings
}
