import type { LimitReading } from './rate-limit-headers.ts'

/** Below this part of its limit the rest of a window is spread over the time that it has to last. */
const LOW = 0.1
/** A reset as an epoch second may look later by as much: it is rounded up, and the clocks differ. */
const LATER_MS = 5_000

/**
 * Slows down ahead of a limit that Braze's headers show to be nearly spent: what remains, times this process's share of it,
 * is to last until the reset. It knows of requests that other programs make with the same limit, which a count of one's own
 * does not. Times are monotonic.
 */
export class Pacer {
  readonly #windowMs: number
  #latest: LimitReading | undefined
  /** A limit that was seen to last longer than the own window. */
  #longLimit: number | undefined
  #resetMs = 0
  #intervalMs = 0
  #isLow = false
  #lastGrantMs = Number.NEGATIVE_INFINITY

  /** @param windowMs what the limiter holds itself: a reading of a window no longer than that says nothing new */
  constructor(windowMs: number) {
    this.#windowMs = windowMs
  }

  get latest(): LimitReading | undefined {
    return this.#latest
  }

  /** @param own of what remains: the share of this process, and its requests under way that Braze may not have counted */
  observe(
    reading: LimitReading,
    nowMs: number,
    own: { readonly share: number; readonly underWay: number },
  ): void {
    this.#latest = reading
    const { limit, remaining, resetMs } = reading
    if (resetMs > this.#windowMs + LATER_MS) this.#longLimit = limit
    this.#isLow = limit === this.#longLimit && remaining < limit * LOW
    if (!this.#isLow) return
    const left = remaining * own.share - own.underWay
    this.#resetMs = nowMs + resetMs
    this.#intervalMs = left > 0 ? resetMs / left : Infinity
  }

  granted(nowMs: number): void {
    this.#lastGrantMs = nowMs
  }

  isSlow(nowMs: number): boolean {
    return this.#isLow && nowMs < this.#resetMs
  }

  /** How long until one more request may go; 0 for now. */
  waitMs(nowMs: number): number {
    if (!this.isSlow(nowMs)) return 0
    return Math.max(0, Math.min(this.#lastGrantMs + this.#intervalMs, this.#resetMs) - nowMs)
  }
}
