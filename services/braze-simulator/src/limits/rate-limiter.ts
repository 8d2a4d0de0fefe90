import type { ResolvedOptions } from '../options.ts'
import { ClockHour, SlidingWindow } from './windows.ts'
import type { LimitWindow } from './windows.ts'

/** What a limit's headers say. Times are milliseconds since the epoch. */
export interface WindowReading {
  readonly name: LimitWindow['name']
  readonly limit: number
  readonly remaining: number
  readonly resetAt: number
}

function read(window: LimitWindow, now: number): WindowReading {
  return {
    name: window.name,
    limit: window.limit,
    remaining: window.limit - window.used(now),
    resetAt: window.resetAt(now),
  }
}

/** Lets requests in, and says what its headers are to say. A request that is refused uses up nothing. */
export interface Limiter {
  /** Lets one request in. @returns the window that has no room for it, or `undefined` when it was let in */
  admit(now: number): WindowReading | undefined
  /** The window that headers describe. */
  reported(now: number): WindowReading
  readings(now: number): readonly WindowReading[]
  reset(): void
}

type LimitOptions = Pick<ResolvedOptions, 'burstRequests' | 'burstWindowMs' | 'hourlyRequests'>

/** Of `/users/track`: the burst limit and, where there is one, the hourly limit. */
export class RateLimiter implements Limiter {
  #options: LimitOptions
  #burst: SlidingWindow
  #hour: ClockHour | undefined

  constructor(options: LimitOptions) {
    this.#options = options
    this.#burst = new SlidingWindow(options.burstRequests, options.burstWindowMs)
    this.#hour = options.hourlyRequests === undefined ? undefined : new ClockHour(options.hourlyRequests)
  }

  /** Other limits, with what has been used of the present ones. */
  change(options: LimitOptions): void {
    const { burstRequests, burstWindowMs, hourlyRequests } = options
    this.#options = options
    this.#burst = this.#burst.changed(burstRequests, burstWindowMs)
    this.#hour =
      hourlyRequests === undefined
        ? undefined
        : (this.#hour?.changed(hourlyRequests) ?? new ClockHour(hourlyRequests))
  }

  reset(): void {
    const { burstRequests, burstWindowMs, hourlyRequests } = this.#options
    this.#burst = new SlidingWindow(burstRequests, burstWindowMs)
    this.#hour = hourlyRequests === undefined ? undefined : new ClockHour(hourlyRequests)
  }

  admit(now: number): WindowReading | undefined {
    const full = this.#windows().find(window => window.used(now) >= window.limit)
    if (full !== undefined) return read(full, now)
    this.#hour?.take(now)
    this.#burst.take(now)
    return undefined
  }

  /** The hourly one where there is one, else the burst window. */
  reported(now: number): WindowReading {
    return read(this.#hour ?? this.#burst, now)
  }

  readings(now: number): readonly WindowReading[] {
    return this.#windows().map(window => read(window, now))
  }

  #windows(): readonly LimitWindow[] {
    return this.#hour === undefined ? [this.#burst] : [this.#hour, this.#burst]
  }
}

const MINUTE_MS = 60_000

/**
 * What `/users/delete` shares with `/users/alias/new`, `/alias/update`, `/identify` and `/merge`, which are not here:
 * https://www.braze.com/docs/api/api_limits. Like the burst, it holds for every span of a minute.
 */
export class MinuteLimiter implements Limiter {
  #window: SlidingWindow

  constructor(limit: number) {
    this.#window = new SlidingWindow(limit, MINUTE_MS, 'minute')
  }

  change(limit: number): void {
    this.#window = this.#window.changed(limit, MINUTE_MS)
  }

  reset(): void {
    this.#window = new SlidingWindow(this.#window.limit, MINUTE_MS, 'minute')
  }

  admit(now: number): WindowReading | undefined {
    if (this.#window.used(now) >= this.#window.limit) return read(this.#window, now)
    this.#window.take(now)
    return undefined
  }

  reported(now: number): WindowReading {
    return read(this.#window, now)
  }

  readings(now: number): readonly WindowReading[] {
    return [read(this.#window, now)]
  }
}
