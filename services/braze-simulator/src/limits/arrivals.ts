import { BoundedLog } from '../state/bounded-log.ts'
import type { RequestStatus } from '../state/state.ts'

/** One request as it came in, whatever became of it. */
export interface ArrivalRecord {
  readonly request: number
  /** Milliseconds since the epoch. */
  readonly at: number
  /** `null` while it is under way. */
  status: RequestStatus | null
}

/** What the limits would say if nothing were ever refused. Requests with a wrong key are of no company and not in it. */
export interface ArrivalSummary {
  readonly total: number
  readonly firstAt: number | null
  readonly lastAt: number | null
  /** The most in any span of the burst window, wherever it begins. */
  readonly mostInWindow: number
  /** The most in an hour of the clock. */
  readonly mostInHour: number
  /** Requests that made a span, or an hour, hold more than its limit; those that were answered 429 are among them. */
  readonly overLimit: number
}

export interface Limits {
  readonly burstRequests: number
  readonly burstWindowMs: number
  readonly hourlyRequests: number | undefined
}

const HOUR_MS = 3_600_000

/**
 * Every arrival of one endpoint. Unlike the limiter, which forgets what it refuses, it counts what the sender sent: that a
 * sender kept to a limit by itself is seen here, exactly.
 */
export class Arrivals {
  readonly #limits: () => Limits
  readonly #log: BoundedLog<ArrivalRecord>
  /** The times within the window, oldest first. */
  #window = new BoundedLog<number>()
  #total = 0
  #firstAt: number | null = null
  #lastAt: number | null = null
  #mostInWindow = 0
  #hour = { number: -1, count: 0 }
  #mostInHour = 0
  #overLimit = 0

  constructor(limits: () => Limits, keep: number) {
    this.#limits = limits
    this.#log = new BoundedLog(keep)
  }

  /** A request has arrived. Its status is set when it is known. */
  add(request: number, at: number, hasKey: boolean): ArrivalRecord {
    const record: ArrivalRecord = { request, at, status: null }
    this.#log.push(record)
    if (hasKey) this.#count(at)
    return record
  }

  #count(at: number): void {
    const { burstRequests, burstWindowMs, hourlyRequests } = this.#limits()
    this.#total += 1
    this.#firstAt ??= at
    this.#lastAt = at
    this.#window.push(at)
    while ((this.#window.oldest ?? at) <= at - burstWindowMs) this.#window.dropOldest()
    this.#mostInWindow = Math.max(this.#mostInWindow, this.#window.size)
    const hour = Math.floor(at / HOUR_MS)
    this.#hour = { number: hour, count: hour === this.#hour.number ? this.#hour.count + 1 : 1 }
    this.#mostInHour = Math.max(this.#mostInHour, this.#hour.count)
    const isOver =
      this.#window.size > burstRequests || this.#hour.count > (hourlyRequests ?? Number.POSITIVE_INFINITY)
    if (isOver) this.#overLimit += 1
  }

  summary(): ArrivalSummary {
    return {
      total: this.#total,
      firstAt: this.#firstAt,
      lastAt: this.#lastAt,
      mostInWindow: this.#mostInWindow,
      mostInHour: this.#mostInHour,
      overLimit: this.#overLimit,
    }
  }

  /** The latest, oldest first; those with a wrong key are among them. */
  list(): readonly ArrivalRecord[] {
    return this.#log.snapshot()
  }

  reset(): void {
    this.#log.clear()
    this.#window.clear()
    this.#total = 0
    this.#firstAt = null
    this.#lastAt = null
    this.#mostInWindow = 0
    this.#hour = { number: -1, count: 0 }
    this.#mostInHour = 0
    this.#overLimit = 0
  }
}
