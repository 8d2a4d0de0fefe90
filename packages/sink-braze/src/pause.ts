const PAUSE = { baseMs: 1_000, maxMs: 60_000 }
/** After a pause this part of the window is used, and a tenth of it more in each window that follows. */
const COMEBACK = { factor: 0.5, step: 0.1, least: 0.05 }

/** What a limiter does about a 429: it pauses once, for everybody, and comes back gently. Times are monotonic. */
export class Pause {
  readonly #windowMs: number
  readonly #random: () => number
  #untilMs = 0
  #sinceMs = 0
  #refusals = 0
  #factor = 1
  #count = 0

  constructor(windowMs: number, random: () => number) {
    this.#windowMs = windowMs
    this.#random = random
  }

  get untilMs(): number {
    return this.#untilMs
  }

  /** Pauses so far. Several refusals of one moment are one. */
  get count(): number {
    return this.#count
  }

  /**
   * A request that was sent at `startedMs` was refused for its rate. Refusals of requests that were sent before the pause
   * began do not lengthen it, unless they name a later end. Without `pauseMs` it doubles from refusal to refusal.
   */
  begin(startedMs: number, nowMs: number, pauseMs: number | undefined): void {
    const isNew = this.#refusals === 0 || startedMs > this.#sinceMs
    if (isNew) {
      this.#factor = Math.max(COMEBACK.least, this.factorAt(nowMs) * COMEBACK.factor)
      this.#refusals += 1
      this.#sinceMs = nowMs
      this.#count += 1
    }
    const ceiling = Math.min(PAUSE.maxMs, PAUSE.baseMs * 2 ** Math.min(this.#refusals - 1, 30))
    const ownMs = isNew ? ceiling * (0.5 + this.#random() / 2) : 0
    this.#untilMs = Math.max(this.#untilMs, nowMs + (pauseMs ?? ownMs))
  }

  /** A request that was sent at `startedMs` was not refused. */
  passed(startedMs: number): void {
    if (startedMs >= this.#untilMs) this.#refusals = 0
  }

  /** The part of the window that may be used, 0 to 1. */
  factorAt(nowMs: number): number {
    if (this.#factor === 1) return 1
    const windows = Math.max(0, Math.floor((nowMs - this.#untilMs) / this.#windowMs))
    const factor = this.#factor + windows * COMEBACK.step
    if (factor < 1) return factor
    this.#factor = 1
    return 1
  }

  /** How long until `factorAt` grows; undefined when it does not. */
  growsInMs(nowMs: number): number | undefined {
    if (this.factorAt(nowMs) === 1) return undefined
    if (nowMs < this.#untilMs) return this.#untilMs + this.#windowMs - nowMs
    return this.#windowMs - ((nowMs - this.#untilMs) % this.#windowMs)
  }
}
