export type BreakerState = 'closed' | 'open' | 'half-open'
type BreakerEvent = 'tripped' | 'waited' | 'probe-succeeded' | 'probe-failed'

const NEXT: Readonly<Record<BreakerState, Partial<Record<BreakerEvent, BreakerState>>>> = {
  closed: { tripped: 'open' },
  open: { waited: 'half-open' },
  'half-open': { 'probe-succeeded': 'closed', 'probe-failed': 'open' },
}

export interface BreakerSettings {
  /** Opens when this many … */
  readonly failures: number
  /** … of this many last calls found the other side down. */
  readonly ofLast: number
  /** Stays open this long before it tries one call; twice as long after each try that fails. */
  readonly openMs: number
  readonly maxOpenMs: number
}

/** The right to make one call. Exactly one of its methods is called, once. */
export interface BreakerPermit {
  succeeded(): void
  failed(): void
  /** The call was given up before it could tell anything. */
  cancelled(): void
}

/** Stops calling a dependency that is down, and finds out with one call at a time when it is back. */
export class CircuitBreaker {
  readonly #settings: BreakerSettings
  readonly #nowMs: () => number
  #state: BreakerState = 'closed'
  /** Counts state changes, so that a call which began before the last one can no longer move the breaker. */
  #epoch = 0
  #recent: boolean[] = []
  #oldest = 0
  #failures = 0
  #openedAt = 0
  #openMs: number
  #isProbing = false

  constructor(settings: BreakerSettings, nowMs: () => number) {
    this.#settings = settings
    this.#nowMs = nowMs
    this.#openMs = settings.openMs
  }

  get state(): BreakerState {
    return this.#state
  }

  /** Milliseconds until a call may be tried; 0 when the breaker is not in the way. */
  waitMs(): number {
    return this.#state === 'open' ? Math.max(0, this.#openedAt + this.#openMs - this.#nowMs()) : 0
  }

  /** True while the one call that decides is under way. */
  get isProbing(): boolean {
    return this.#isProbing
  }

  acquire(): BreakerPermit | undefined {
    if (this.#state === 'open' && this.waitMs() === 0) this.#move('waited')
    if (this.#state === 'closed') return this.#permit(hasFailed => this.#record(hasFailed))
    if (this.#state === 'open' || this.#isProbing) return undefined
    this.#isProbing = true
    return this.#permit(hasFailed => this.#move(hasFailed ? 'probe-failed' : 'probe-succeeded'))
  }

  #permit(report: (hasFailed: boolean) => void): BreakerPermit {
    const epoch = this.#epoch
    const end = (hasFailed?: boolean): void => {
      if (epoch !== this.#epoch) return
      this.#isProbing = false
      if (hasFailed !== undefined) report(hasFailed)
    }
    return { succeeded: () => end(false), failed: () => end(true), cancelled: () => end() }
  }

  #record(hasFailed: boolean): void {
    if (this.#recent.length < this.#settings.ofLast) this.#recent.push(hasFailed)
    else {
      if (this.#recent[this.#oldest]) this.#failures--
      this.#recent[this.#oldest] = hasFailed
      this.#oldest = (this.#oldest + 1) % this.#settings.ofLast
    }
    if (hasFailed && ++this.#failures >= this.#settings.failures) this.#move('tripped')
  }

  #move(event: BreakerEvent): void {
    const next = NEXT[this.#state][event]
    if (next === undefined) return
    if (event === 'probe-failed') this.#openMs = Math.min(this.#settings.maxOpenMs, this.#openMs * 2)
    if (next === 'closed') this.#openMs = this.#settings.openMs
    if (next === 'open') this.#openedAt = this.#nowMs()
    this.#state = next
    this.#epoch++
    this.#isProbing = false
    this.#recent = []
    this.#oldest = 0
    this.#failures = 0
  }
}
