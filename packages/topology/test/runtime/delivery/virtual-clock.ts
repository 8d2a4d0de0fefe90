import type { Clock } from '../../../src/clock.ts'

interface Timer {
  readonly atMs: number
  readonly order: number
  readonly callback: () => void
}

/** Time in the test's hand: it stands still until `advance`. */
export class VirtualClock implements Clock {
  #nowMs = 0
  #order = 0
  readonly #timers = new Set<Timer>()

  now(): number {
    return 1_700_000_000_000 + this.#nowMs
  }

  monotonicMs(): number {
    return this.#nowMs
  }

  schedule(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#nowMs + ms, order: this.#order, callback }
    this.#order += 1
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  sleep(ms: number, { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.schedule(ms, resolve)
      signal?.addEventListener('abort', () => {
        cancel()
        reject(signal.reason as Error)
      })
    })
  }

  get timers(): number {
    return this.#timers.size
  }

  /** Runs what falls due on the way, in order, and lets promises settle after each step. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#nowMs + ms
    await settled()
    for (let timer = this.#next(untilMs); timer !== undefined; timer = this.#next(untilMs)) {
      this.#timers.delete(timer)
      this.#nowMs = timer.atMs
      timer.callback()
      await settled()
    }
    this.#nowMs = untilMs
  }

  /** To the next timer; false when there is none. */
  async step(): Promise<boolean> {
    await settled()
    const timer = this.#next(Number.POSITIVE_INFINITY)
    if (timer === undefined) return false
    await this.advance(timer.atMs - this.#nowMs)
    return true
  }

  #next(untilMs: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.atMs > untilMs) continue
      if (first === undefined || timer.atMs < first.atMs) first = timer
      else if (timer.atMs === first.atMs && timer.order < first.order) first = timer
    }
    return first
  }
}

/** Every promise that can settle without time passing has settled. */
export function settled(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}
