import { AnswerCache } from './answer-cache.ts'
import { CircuitBreaker } from './circuit-breaker.ts'
import type { Source } from './dispatcher.ts'
import { closedError, Dispatcher } from './dispatcher.ts'
import { EnricherError, reasonOf } from './errors.ts'
import type { Answer } from './flight.ts'
import { Flight } from './flight.ts'
import type { EnricherKey, KeyIdentity } from './key.ts'
import { identityOf, isEnricherKey } from './key.ts'
import { Limiter } from './limiter.ts'
import type { EnricherSettings } from './options.ts'
import type { EnricherStats } from './stats.ts'
import { newCounters } from './stats.ts'

/**
 * Answers one input by asking an outside system. Rejects with an {@link EnricherError} whose `retry` says whether
 * asking again can help, or with the signal's reason once that aborts.
 */
export interface Enricher<Input, Result> {
  (input: Input, context?: { readonly signal?: AbortSignal }): Promise<Result>
  readonly name: string
  readonly stats: EnricherStats
  /** Gives up what is under way, with `ENRICHER_CLOSED`, and lets go of connections. */
  close(): Promise<void>
}

/** Keys per call, and how long the first of them waits for company. */
export interface Gathering {
  readonly maxIds: number
  readonly lingerMs: number
}

class EnricherCore<Input, Key extends EnricherKey, Result> {
  readonly #settings: EnricherSettings<Input, Key, Result>
  readonly #cache: AnswerCache<Result> | undefined
  readonly #breaker: CircuitBreaker | undefined
  readonly #dispatcher: Dispatcher<Key, Result>
  readonly #flights = new Map<KeyIdentity, Flight<Key, Result>>()
  readonly #counters = newCounters()
  #closing: Promise<void> | undefined

  constructor(
    settings: EnricherSettings<Input, Key, Result>,
    gathering: Gathering,
    source: Source<Key, Result>,
  ) {
    const { clock, random } = settings
    this.#settings = settings
    this.#cache = settings.cache && new AnswerCache(settings.cache, clock)
    this.#breaker = settings.breaker
      ? new CircuitBreaker(settings.breaker, () => clock.monotonicMs())
      : undefined
    const limiter = new Limiter(settings)
    this.#dispatcher = new Dispatcher(
      { ...settings, ...gathering },
      { source, limiter, breaker: this.#breaker, counters: this.#counters, clock, random },
    )
  }

  async enrich(input: Input, signal: AbortSignal | undefined): Promise<Result> {
    signal?.throwIfAborted()
    if (this.#closing !== undefined) throw closedError(this.#settings.name)
    const key = this.#keyOf(input)
    const identity = identityOf(key)
    const cached = this.#cache?.find(identity)
    if (cached?.isFresh) {
      this.#counters.hits++
      return cached.result
    }
    if (cached !== undefined) {
      this.#counters.staleHits++
      this.#refresh(identity, key)
      return cached.result
    }
    const underway = this.#flights.get(identity)
    if (underway === undefined) this.#counters.misses++
    else this.#counters.joins++
    return (underway ?? this.#ask(identity, key)).join(signal)
  }

  stats(): EnricherStats {
    return {
      ...this.#counters,
      waiting: this.#flights.size,
      cachedEntries: this.#cache?.entries ?? 0,
      cachedBytes: this.#cache?.bytes ?? 0,
      breaker: this.#breaker?.state ?? 'closed',
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#dispatcher.close().finally(() => this.#cache?.clear())
    return this.#closing
  }

  #keyOf(input: Input): Key {
    let key: unknown
    try {
      key = this.#settings.key(input)
    } catch (cause) {
      throw this.#inputError(`its key function threw: ${reasonOf(cause)}`, cause)
    }
    if (isEnricherKey(key)) return key as Key
    throw this.#inputError(
      `its key must be a string, a number, a bigint or an array of such, not ${typeof key}`,
    )
  }

  #inputError(what: string, cause?: unknown): EnricherError {
    const message = `Enricher ${this.#settings.name} cannot take this input: ${what}`
    return new EnricherError('ENRICHER_INPUT_INVALID', message, { cause })
  }

  /** Begins to ask for a key that nobody is asking for. */
  #ask(identity: KeyIdentity, key: Key): Flight<Key, Result> {
    const flight = new Flight<Key, Result>(key, {
      settled: answer => this.#keep(identity, answer),
      gone: () => this.#flights.delete(identity),
    })
    this.#flights.set(identity, flight)
    this.#dispatcher.dispatch(flight)
    return flight
  }

  #keep(identity: KeyIdentity, answer: Answer<Result>): Answer<Result> {
    if (!answer.ok) return answer
    try {
      this.#cache?.store(identity, answer.result)
      return answer
    } catch (cause) {
      const message = `Enricher ${this.#settings.name} cannot keep an answer, its size is unknown: ${reasonOf(cause)}`
      return { ok: false, error: new EnricherError('ENRICHER_ANSWER_INVALID', message, { cause }) }
    }
  }

  #refresh(identity: KeyIdentity, key: Key): void {
    if (this.#flights.has(identity)) return
    this.#ask(identity, key)
      .join()
      .catch(() => void this.#counters.refreshFailures++)
  }
}

export function createEnricher<Input, Key extends EnricherKey, Result>(
  settings: EnricherSettings<Input, Key, Result>,
  gathering: Gathering,
  source: Source<Key, Result>,
): Enricher<Input, Result> {
  const core = new EnricherCore(settings, gathering, source)
  const enrich = (input: Input, context?: { readonly signal?: AbortSignal }): Promise<Result> =>
    core.enrich(input, context?.signal)
  Object.defineProperties(enrich, {
    name: { value: settings.name },
    stats: { get: () => core.stats(), enumerable: true },
    close: { value: () => core.close(), enumerable: true },
  })
  return enrich as Enricher<Input, Result>
}
