import { LRUCache } from 'lru-cache'
import type { Clock } from './clock.ts'
import type { KeyIdentity } from './key.ts'

export interface CacheSettings<Result> {
  readonly maxEntries: number
  readonly maxBytes: number
  readonly ttlMs: number
  readonly staleWhileRevalidateMs: number
  readonly sizeOf: (result: Result) => number
}

/** In a box, because lru-cache takes `undefined` for "not there", and an author's answer may well be undefined. */
interface Boxed<Result> {
  readonly result: Result
}

export interface CachedAnswer<Result> extends Boxed<Result> {
  readonly isFresh: boolean
}

/**
 * Answers by key, bounded in entries, bytes and age.
 *
 * lru-cache's own `fetch` is not used for the one flight per key. It keeps the flight in the entry's place, so an
 * eviction aborts a call that callers wait for; it ties the flight to the first caller's signal; and it serves
 * stale entries however old they are. What is stale here is still inside lru-cache's time to live, which is
 * `ttlMs + staleWhileRevalidateMs`.
 */
export class AnswerCache<Result> {
  readonly #entries: LRUCache<KeyIdentity, Boxed<Result>>
  readonly #staleWhileRevalidateMs: number

  constructor(settings: CacheSettings<Result>, clock: Clock) {
    this.#staleWhileRevalidateMs = settings.staleWhileRevalidateMs
    this.#entries = new LRUCache({
      max: settings.maxEntries,
      maxSize: settings.maxBytes,
      sizeCalculation: ({ result }) => Math.max(1, Math.ceil(settings.sizeOf(result))),
      ttl: settings.ttlMs + settings.staleWhileRevalidateMs,
      // Otherwise it remembers the time for a millisecond by a timer of its own.
      ttlResolution: 0,
      // To lru-cache an entry that was stored at 0 never ages.
      perf: { now: () => clock.monotonicMs() + 1 },
    })
  }

  get entries(): number {
    return this.#entries.size
  }

  get bytes(): number {
    return this.#entries.calculatedSize
  }

  find(identity: KeyIdentity): CachedAnswer<Result> | undefined {
    const boxed = this.#entries.get(identity)
    if (boxed === undefined) return undefined
    const isFresh = this.#entries.getRemainingTTL(identity) >= this.#staleWhileRevalidateMs
    return { result: boxed.result, isFresh }
  }

  store(identity: KeyIdentity, result: Result): void {
    this.#entries.set(identity, { result })
  }

  clear(): void {
    this.#entries.clear()
  }
}
