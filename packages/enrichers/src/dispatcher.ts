import { fullJitterMs } from './backoff.ts'
import type { BreakerPermit, CircuitBreaker } from './circuit-breaker.ts'
import type { Clock } from './clock.ts'
import { runWithin } from './clock.ts'
import { EnricherError, reasonOf } from './errors.ts'
import type { Answer, Flight } from './flight.ts'
import type { Limiter } from './limiter.ts'
import type { Counters } from './stats.ts'

/** Where answers come from: one HTTP API, one database. */
export interface Source<Key, Result> {
  /** One call for these keys; the answers stand in the keys' order. Rejects with an EnricherError. */
  call(keys: readonly Key[], signal: AbortSignal): Promise<readonly Answer<Result>[]>
  close(): Promise<void>
}

export interface DispatchSettings {
  readonly name: string
  readonly concurrency: number
  readonly timeoutMs: number
  readonly maxIds: number
  readonly lingerMs: number
  readonly retry: { readonly attempts: number | 'unlimited'; readonly baseMs: number; readonly maxMs: number }
}

export interface DispatchParts<Key, Result> {
  readonly source: Source<Key, Result>
  readonly limiter: Limiter
  readonly breaker: CircuitBreaker | undefined
  readonly counters: Counters
  readonly clock: Clock
  readonly random: () => number
}

/** Keys that go to the source together, through all their attempts. */
interface Call<Key, Result> {
  readonly flights: readonly Flight<Key, Result>[]
  readonly controller: AbortController
  attempts: number
}

/** Why no call may be made just now. `patienceMs`: a longer wait than this is left to the caller. */
interface Gate {
  readonly waitMs: number
  readonly patienceMs: number
  readonly error: () => EnricherError
}

/**
 * Turns waiting keys into calls: gathers them, keeps to the limits, retries, and asks the breaker.
 *
 * Keys are bound to a call as late as possible, when the limiter lets it go. So under load calls fill up to `maxIds`
 * by themselves, and `lingerMs` only matters when there is little to do.
 */
export class Dispatcher<Key, Result> {
  readonly #settings: DispatchSettings
  readonly #parts: DispatchParts<Key, Result>
  /** Keys that are in no call yet, oldest first. */
  readonly #unbound = new Set<Flight<Key, Result>>()
  /** How many of them have lingered long enough. */
  #due = 0
  #cancelLinger: (() => void) | undefined
  /** Calls that are to be made again now. */
  readonly #again = new Set<Call<Key, Result>>()
  /** Every call that has been bound and is not over: under way, waiting for its next attempt, or to be made again. */
  readonly #bound = new Set<Call<Key, Result>>()
  /** Slots asked for and not over, and those of them that have not had their turn. */
  #slots = 0
  #slotsAwaited = 0
  /** The other side asked not to be called before this, by the monotonic clock. */
  #heldUntilMs = 0
  #cancelWake: (() => void) | undefined
  #isClosed = false

  constructor(settings: DispatchSettings, parts: DispatchParts<Key, Result>) {
    this.#settings = settings
    this.#parts = parts
  }

  dispatch(flight: Flight<Key, Result>): void {
    flight.onAbandoned = () => this.#unbound.delete(flight)
    this.#unbound.add(flight)
    if (this.#settings.maxIds === 1 || this.#settings.lingerMs === 0) this.#due = this.#unbound.size
    else this.#cancelLinger ??= this.#parts.clock.schedule(this.#settings.lingerMs, () => this.#lingered())
    this.#pump()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancelLinger?.()
    this.#cancelWake?.()
    const error = closedError(this.#settings.name)
    this.#turnAway(error)
    for (const call of this.#bound) this.#reject(call, error)
    await this.#parts.limiter.close()
    await this.#parts.source.close()
  }

  #lingered(): void {
    this.#cancelLinger = undefined
    this.#due = this.#unbound.size
    this.#pump()
  }

  /** Asks for as many slots as there are calls to make. Called whenever something changed. */
  #pump(): void {
    if (this.#isClosed || (this.#unbound.size === 0 && this.#again.size === 0)) return
    const gate = this.#gate()
    if (gate !== undefined && gate.waitMs > gate.patienceMs) {
      this.#parts.counters.turnedAway += this.#turnAway(gate.error())
      return
    }
    if (gate !== undefined) {
      this.#cancelWake?.()
      this.#cancelWake = this.#parts.clock.schedule(gate.waitMs, () => this.#pump())
      return
    }
    // Twice the concurrency: while one slot works the next already stands in bottleneck's queue.
    const room = 2 * this.#settings.concurrency - this.#slots
    const wanted = this.#callsToMake() - this.#slotsAwaited
    for (let more = Math.min(room, wanted); more > 0; more--) this.#askForSlot()
  }

  #callsToMake(): number {
    const { breaker } = this.#parts
    if (breaker?.isProbing === true) return 0
    const { maxIds } = this.#settings
    this.#due = Math.min(this.#due, this.#unbound.size)
    const fresh = Math.max(Math.floor(this.#unbound.size / maxIds), Math.ceil(this.#due / maxIds))
    const calls = this.#again.size + fresh
    return breaker === undefined || breaker.state === 'closed' ? calls : Math.min(1, calls)
  }

  #gate(): Gate | undefined {
    const { attempts, maxMs } = this.#settings.retry
    const heldMs = this.#heldUntilMs - this.#parts.clock.monotonicMs()
    if (heldMs > 0) {
      const patienceMs = attempts === 'unlimited' ? Infinity : maxMs
      return { waitMs: heldMs, patienceMs, error: () => heldError(this.#settings.name, heldMs) }
    }
    const openMs = this.#parts.breaker?.waitMs() ?? 0
    if (openMs === 0) return undefined
    const patienceMs = attempts === 'unlimited' ? Infinity : 0
    return { waitMs: openMs, patienceMs, error: () => openError(this.#settings.name, openMs) }
  }

  #askForSlot(): void {
    let isAwaited = true
    const hasTurn = (): void => {
      if (isAwaited) this.#slotsAwaited--
      isAwaited = false
    }
    this.#slots++
    this.#slotsAwaited++
    this.#parts.limiter
      .run(() => {
        hasTurn()
        return this.#step()
      })
      // Only close() takes a slot away, and it has settled every flight.
      .catch(() => {})
      .finally(() => {
        hasTurn()
        this.#slots--
        this.#pump()
      })
  }

  /** Makes the next call, if there is one to make. */
  async #step(): Promise<boolean> {
    if (this.#isClosed || this.#gate() !== undefined || this.#callsToMake() === 0) return false
    const { breaker } = this.#parts
    const permit = breaker === undefined ? NO_BREAKER : breaker.acquire()
    if (permit === undefined) return false
    const call = this.#takeAgain() ?? this.#bind()
    if (call === undefined) {
      permit.cancelled()
      return false
    }
    await this.#attempt(call, permit)
    return true
  }

  #takeAgain(): Call<Key, Result> | undefined {
    for (const call of this.#again) {
      this.#again.delete(call)
      return call
    }
    return undefined
  }

  #bind(): Call<Key, Result> | undefined {
    const flights: Flight<Key, Result>[] = []
    for (const flight of this.#unbound) {
      if (flights.length === this.#settings.maxIds) break
      flights.push(flight)
      this.#unbound.delete(flight)
    }
    this.#due = Math.max(0, this.#due - flights.length)
    return flights.length === 0 ? undefined : this.#newCall(flights)
  }

  #newCall(flights: readonly Flight<Key, Result>[]): Call<Key, Result> {
    const call: Call<Key, Result> = { flights, controller: new AbortController(), attempts: 0 }
    const onAbandoned = (): void => {
      if (!flights.every(flight => flight.isOver)) return
      this.#over(call)
      call.controller.abort(new DOMException('Nobody waits for this call any more', 'AbortError'))
    }
    for (const flight of flights) flight.onAbandoned = onAbandoned
    this.#bound.add(call)
    return call
  }

  async #attempt(call: Call<Key, Result>, permit: BreakerPermit): Promise<void> {
    const { clock, counters, source } = this.#parts
    const { name, timeoutMs } = this.#settings
    call.attempts++
    counters.calls++
    counters.callKeys += call.flights.length
    counters.inFlight++
    if (call.attempts > 1) counters.retries++
    try {
      const limits = {
        clock,
        timeoutMs,
        signal: call.controller.signal,
        timeUp: () => timeoutError(name, timeoutMs),
      }
      const keys = call.flights.map(flight => flight.key)
      const answers = await runWithin(limits, signal => source.call(keys, signal))
      permit.succeeded()
      this.#over(call)
      for (const [index, flight] of call.flights.entries())
        flight.settle(answers[index] ?? { ok: false, error: unansweredError(name) })
    } catch (cause) {
      this.#failed(call, permit, cause)
    } finally {
      counters.inFlight--
      this.#pump()
    }
  }

  #failed(call: Call<Key, Result>, permit: BreakerPermit, cause: unknown): void {
    if (call.controller.signal.aborted) {
      permit.cancelled()
      return
    }
    const error = EnricherError.is(cause) ? cause : unexpectedError(this.#settings.name, cause)
    const { counters } = this.#parts
    counters.failures++
    if (error.code === 'ENRICHER_TIMED_OUT') counters.timeouts++
    const isThrottled = error.code === 'ENRICHER_THROTTLED'
    // An answer that refuses shows that the other side is up; so does "not so fast".
    if (error.retry.kind === 'backoff' && !isThrottled) permit.failed()
    else permit.succeeded()
    if (isThrottled) this.#hold(call, error)
    if (error.retry.kind === 'never') this.#refused(call, error)
    else if (this.#isLastAttempt(call)) this.#reject(call, error)
    else if (isThrottled) this.#again.add(call)
    else this.#againAfterBackoff(call)
  }

  /** A call about several keys is refused as a whole, though often one key is at fault: halving finds it. */
  #refused(call: Call<Key, Result>, error: EnricherError): void {
    if (call.flights.length === 1) {
      this.#reject(call, error)
      return
    }
    this.#over(call)
    const middle = Math.ceil(call.flights.length / 2)
    for (const half of [call.flights.slice(0, middle), call.flights.slice(middle)]) {
      const flights = half.filter(flight => !flight.isOver)
      if (flights.length > 0) this.#again.add(this.#newCall(flights))
    }
  }

  /** The limit is the other side's, not this call's: everybody waits. */
  #hold(call: Call<Key, Result>, error: EnricherError): void {
    const { clock, counters, random } = this.#parts
    counters.throttled++
    const jitterMs = fullJitterMs(call.attempts, this.#settings.retry, random)
    const waitMs = error.retry.kind === 'after' ? error.retry.ms : jitterMs
    this.#heldUntilMs = Math.max(this.#heldUntilMs, clock.monotonicMs() + waitMs)
  }

  #isLastAttempt(call: Call<Key, Result>): boolean {
    const { attempts } = this.#settings.retry
    return attempts !== 'unlimited' && call.attempts >= attempts
  }

  #againAfterBackoff(call: Call<Key, Result>): void {
    const { clock, random } = this.#parts
    const waitMs = fullJitterMs(call.attempts, this.#settings.retry, random)
    const cancel = clock.schedule(waitMs, () => {
      this.#again.add(call)
      this.#pump()
    })
    call.controller.signal.addEventListener('abort', cancel, { once: true })
  }

  #reject(call: Call<Key, Result>, error: EnricherError): void {
    this.#over(call)
    for (const flight of call.flights) flight.settle({ ok: false, error })
    call.controller.abort(error)
  }

  #over(call: Call<Key, Result>): void {
    this.#bound.delete(call)
    this.#again.delete(call)
  }

  /** Answers everyone who is in no call under way with this error; says how many keys that were. */
  #turnAway(error: EnricherError): number {
    let keys = this.#unbound.size
    for (const flight of this.#unbound) flight.settle({ ok: false, error })
    this.#unbound.clear()
    for (const call of this.#again) {
      keys += call.flights.length
      this.#reject(call, error)
    }
    return keys
  }
}

const NO_BREAKER: BreakerPermit = { succeeded: () => {}, failed: () => {}, cancelled: () => {} }

export function closedError(name: string): EnricherError {
  return new EnricherError('ENRICHER_CLOSED', `Enricher ${name} is closed`, { retry: { kind: 'backoff' } })
}

function heldError(name: string, ms: number): EnricherError {
  const wait = Math.ceil(ms)
  const message = `Enricher ${name} makes no calls for another ${wait} ms: the other side asked for a pause`
  return new EnricherError('ENRICHER_THROTTLED', message, { retry: { kind: 'after', ms: wait } })
}

function openError(name: string, ms: number): EnricherError {
  const wait = Math.ceil(ms)
  const message = `Enricher ${name} makes no calls for another ${wait} ms: too many of the last ones failed`
  return new EnricherError('ENRICHER_CIRCUIT_OPEN', message, { retry: { kind: 'after', ms: wait } })
}

function timeoutError(name: string, ms: number): EnricherError {
  const message = `Enricher ${name} got no complete answer within ${ms} ms`
  return new EnricherError('ENRICHER_TIMED_OUT', message, { retry: { kind: 'backoff' } })
}

function unansweredError(name: string): EnricherError {
  return new EnricherError('ENRICHER_ANSWER_INVALID', `Enricher ${name} got fewer answers than it asked for`)
}

function unexpectedError(name: string, cause: unknown): EnricherError {
  const message = `Enricher ${name} failed: ${reasonOf(cause)}`
  return new EnricherError('ENRICHER_ANSWER_INVALID', message, { cause })
}
