import type { Clock } from '@tributary/topology'
import { BrazeError } from './errors.ts'
import type { BrazeLimits } from './options.ts'
import { Ring } from './ring.ts'

const HOUR_MS = 3_600_000
const PAUSE = { baseMs: 1_000, maxMs: 60_000 }

/** The right to send one request. */
export interface Grant {
  readonly startedMs: number
  /** The answer is in, or the request was given up. To be called exactly once, for every grant. */
  end(): void
}

interface Waiter {
  readonly kind: 'grant' | 'ready'
  resolve(): void
  reject(error: Error): void
}

/**
 * At most `maxRequests` in any span of `windowMs`, as Braze sees them arrive, and `maxRequestsPerHour` per hour of the clock.
 *
 * A request arrives somewhere between its grant and its answer. Therefore its place in the window is taken from the grant on
 * and becomes free `windowMs` after the answer: had Braze counted more arrivals than allowed in one span, the last granted of
 * them would have been granted while all the others still had their places. In the same way a request that is under way
 * when the hour turns counts in both hours.
 *
 * A pause (a 429) and a spent hour hold everything back: calls that wait for a grant are sent away with the time to come
 * again, so that nobody's call lasts as long as a pause.
 */
export class RateLimiter {
  readonly #limits: BrazeLimits
  readonly #clock: Clock
  readonly #random: () => number
  /** When the answers came whose places are still taken; in order. */
  readonly #answeredMs: Ring
  readonly #waiters = new Set<Waiter>()
  #underWay = 0
  #hour = -1
  #usedInHour = 0
  #pausedUntilMs = 0
  #pausedSinceMs = 0
  #refusals = 0
  #cancelTimer: (() => void) | undefined

  constructor(
    limits: BrazeLimits,
    { clock, random }: { readonly clock: Clock; readonly random: () => number },
  ) {
    this.#limits = limits
    this.#clock = clock
    this.#random = random
    this.#answeredMs = new Ring(limits.maxRequests)
  }

  /** Requests that count in the window now, those under way included. */
  get used(): number {
    this.#expire()
    return this.#underWay + this.#answeredMs.length
  }

  get waiting(): number {
    return this.#waiters.size
  }

  /** How long a pause or a spent hour still holds everything back. */
  get heldMs(): number {
    const nowMs = this.#clock.monotonicMs()
    return Math.max(0, this.#pausedUntilMs - nowMs, this.#hourSpentMs())
  }

  /** Resolves when a grant would be given at once. Takes nothing. */
  async whenReady(signal: AbortSignal): Promise<void> {
    await this.#queue('ready', signal)
  }

  /** @throws BrazeError BRAZE_RATE_LIMITED with the time to come again, when everything is held back */
  async acquire(signal: AbortSignal): Promise<Grant> {
    await this.#queue('grant', signal)
    const startedMs = this.#clock.monotonicMs()
    return { startedMs, end: () => this.#end() }
  }

  /**
   * A request was refused for its rate. One pause for all of them: refusals of requests that were sent before it began do
   * not lengthen it, unless they name a later end. Without `pauseMs` it doubles from refusal to refusal.
   */
  pause(grant: Grant, pauseMs: number | undefined): void {
    const nowMs = this.#clock.monotonicMs()
    const isNew = this.#refusals === 0 || grant.startedMs > this.#pausedSinceMs
    if (isNew) {
      this.#refusals += 1
      this.#pausedSinceMs = nowMs
    }
    const ceiling = Math.min(PAUSE.maxMs, PAUSE.baseMs * 2 ** Math.min(this.#refusals - 1, 30))
    const ownMs = isNew ? ceiling * (0.5 + this.#random() / 2) : 0
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, nowMs + (pauseMs ?? ownMs))
    this.#serve()
  }

  /** A request that was sent after the pause was not refused. */
  resume(grant: Grant): void {
    if (grant.startedMs >= this.#pausedUntilMs) this.#refusals = 0
  }

  #end(): void {
    // First: if the hour has turned meanwhile, the request counts in the new one too.
    this.#turnHour()
    this.#underWay -= 1
    this.#answeredMs.push(this.#clock.monotonicMs())
    this.#serve()
  }

  #queue(kind: Waiter['kind'], signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiters.delete(waiter)
        signal.removeEventListener('abort', onAbort)
      }
      const onAbort = (): void => waiter.reject(signal.reason as Error)
      const waiter: Waiter = {
        kind,
        resolve: () => {
          leave()
          resolve()
        },
        reject: error => {
          leave()
          reject(error)
        },
      }
      signal.addEventListener('abort', onAbort, { once: true })
      this.#waiters.add(waiter)
      this.#serve()
    })
  }

  #serve(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    const { heldMs } = this
    if (heldMs > 0) this.#sendAway(heldMs)
    for (const waiter of this.#waiters) {
      const waitMs = Math.max(heldMs, this.#windowFullMs(), this.#hourSpentMs())
      if (waitMs > 0) {
        // Without a time to wait for, it is an answer that will make room.
        if (waitMs !== Infinity)
          this.#cancelTimer = this.#clock.schedule(Math.ceil(waitMs), () => this.#serve())
        return
      }
      if (waiter.kind === 'grant') {
        this.#underWay += 1
        this.#usedInHour += 1
      }
      waiter.resolve()
    }
  }

  #sendAway(heldMs: number): void {
    for (const waiter of this.#waiters) {
      if (waiter.kind === 'grant') waiter.reject(rateLimited(heldMs))
    }
  }

  #windowFullMs(): number {
    if (this.used < this.#limits.maxRequests) return 0
    const oldest = this.#answeredMs.first()
    return oldest === undefined ? Infinity : oldest + this.#limits.windowMs - this.#clock.monotonicMs()
  }

  #hourSpentMs(): number {
    const { maxRequestsPerHour } = this.#limits
    if (maxRequestsPerHour === undefined) return 0
    this.#turnHour()
    if (this.#usedInHour < maxRequestsPerHour) return 0
    return (this.#hour + 1) * HOUR_MS - this.#clock.now()
  }

  #turnHour(): void {
    const hour = Math.floor(this.#clock.now() / HOUR_MS)
    // A clock that is set back does not give an hour's requests twice.
    if (hour <= this.#hour) return
    this.#hour = hour
    this.#usedInHour = this.#underWay
  }

  #expire(): void {
    const { windowMs } = this.#limits
    const nowMs = this.#clock.monotonicMs()
    for (let first = this.#answeredMs.first(); first !== undefined; first = this.#answeredMs.first()) {
      if (nowMs < first + windowMs) return
      this.#answeredMs.shift()
    }
  }
}

/** @param heldMs until the limiter lets requests through again */
export function rateLimited(heldMs: number, options: { readonly status?: number } = {}): BrazeError {
  const ms = Math.ceil(heldMs)
  return new BrazeError('BRAZE_RATE_LIMITED', `Braze takes no requests for another ${ms} ms`, {
    retry: { kind: 'after', ms },
    ...options,
  })
}
