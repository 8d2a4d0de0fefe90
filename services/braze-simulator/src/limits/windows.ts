/** A limit on requests per span of time. All times are milliseconds since the epoch. */
export interface LimitWindow {
  readonly name: 'burst' | 'hour' | 'minute'
  readonly limit: number
  used(now: number): number
  /** Counts one more request. Only called when `used` is below `limit`. */
  take(now: number): void
  /** When a window that is full lets the next request in; otherwise, when what is used now begins to lapse. */
  resetAt(now: number): number
}

/**
 * At most `limit` requests in every span of `windowMs`, wherever the span begins.
 *
 * Braze says "3,000 requests per three seconds" and not where the three seconds begin. Fixed windows would let twice
 * the limit through within moments, across a boundary that the client cannot see; a client that keeps to every span
 * keeps to every fixed window too. So this is the strict reading.
 */
export class SlidingWindow implements LimitWindow {
  readonly name: 'burst' | 'minute'
  readonly limit: number
  readonly #windowMs: number
  /** The times of the requests of the last span, as a ring. */
  readonly #times: Float64Array
  #oldest = 0
  #count = 0

  constructor(limit: number, windowMs: number, name: 'burst' | 'minute' = 'burst') {
    this.name = name
    this.limit = limit
    this.#windowMs = windowMs
    this.#times = new Float64Array(limit)
  }

  /** Another limit or span, with what has been used of this one. More than the new limit counts as just as much. */
  changed(limit: number, windowMs: number): SlidingWindow {
    const window = new SlidingWindow(limit, windowMs, this.name)
    for (let at = Math.max(0, this.#count - limit); at < this.#count; at++) {
      window.take(this.#times[(this.#oldest + at) % this.limit]!)
    }
    return window
  }

  used(now: number): number {
    while (this.#count > 0 && this.#times[this.#oldest]! <= now - this.#windowMs) {
      this.#oldest = (this.#oldest + 1) % this.limit
      this.#count -= 1
    }
    return this.#count
  }

  take(now: number): void {
    this.#times[(this.#oldest + this.#count) % this.limit] = now
    this.#count += 1
  }

  resetAt(now: number): number {
    return this.used(now) === 0 ? now : this.#times[this.#oldest]! + this.#windowMs
  }
}

const HOUR_MS = 3_600_000

/** At most `limit` requests in each hour of the clock (https://www.braze.com/docs/api/api_limits, "Rate limit reset"). */
export class ClockHour implements LimitWindow {
  readonly name = 'hour'
  readonly limit: number
  #hour = -1
  #count = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** Another limit, with what has been used of this one. */
  changed(limit: number): ClockHour {
    const window = new ClockHour(limit)
    window.#hour = this.#hour
    window.#count = this.#count
    return window
  }

  used(now: number): number {
    const hour = Math.floor(now / HOUR_MS)
    if (hour !== this.#hour) {
      this.#hour = hour
      this.#count = 0
    }
    return this.#count
  }

  take(now: number): void {
    this.#count = this.used(now) + 1
  }

  resetAt(now: number): number {
    return (Math.floor(now / HOUR_MS) + 1) * HOUR_MS
  }
}
