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

type LimitOptions = Pick<ResolvedOptions, 'burstRequests' | 'burstWindowMs' | 'hourlyRequests'>

/** The burst limit and, where there is one, the hourly limit. A request that is refused uses up neither. */
export class RateLimiter {
  readonly #options: LimitOptions
  #windows: readonly LimitWindow[] = []

  constructor(options: LimitOptions) {
    this.#options = options
    this.reset()
  }

  reset(): void {
    const { burstRequests, burstWindowMs, hourlyRequests } = this.#options
    const burst = new SlidingWindow(burstRequests, burstWindowMs)
    this.#windows = hourlyRequests === undefined ? [burst] : [new ClockHour(hourlyRequests), burst]
  }

  /** Lets one request in. @returns the window that has no room for it, or `undefined` when it was let in */
  admit(now: number): WindowReading | undefined {
    const full = this.#windows.find(window => window.used(now) >= window.limit)
    if (full !== undefined) return read(full, now)
    for (const window of this.#windows) window.take(now)
    return undefined
  }

  /** The window that headers describe: the hourly one where there is one, else the burst window. */
  reported(now: number): WindowReading {
    return read(this.#windows[0]!, now)
  }

  readings(now: number): readonly WindowReading[] {
    return this.#windows.map(window => read(window, now))
  }
}
