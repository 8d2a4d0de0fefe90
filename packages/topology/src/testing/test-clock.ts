import type { Clock } from '../clock.ts'

interface Timer {
  readonly atMs: number
  readonly order: number
  readonly callback: () => void
}

/** Time in the test's hand: it stands still until `advance`. */
export class TestClock implements Clock {
  readonly #startMs: number
  readonly #timers = new Set<Timer>()
  #elapsedMs = 0
  #order = 0

  /** @param startMs milliseconds since the epoch. */
  constructor(startMs = 1_700_000_000_000) {
    this.#startMs = startMs
  }

  /** Timers that have not fired. */
  get timers(): number {
    return this.#timers.size
  }

  now(): number {
    return this.#startMs + this.#elapsedMs
  }

  monotonicMs(): number {
    return this.#elapsedMs
  }

  schedule(ms: number, callback: () => void): () => void {
    const timer = { atMs: this.#elapsedMs + ms, order: this.#order, callback }
    this.#order += 1
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  sleep(ms: number, { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        cancel()
        reject(signal?.reason as Error)
      }
      const cancel = this.schedule(ms, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      if (signal?.aborted) onAbort()
      else signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** Fires what falls due on the way, in order, and lets promises settle after each timer. */
  async advance(ms: number): Promise<void> {
    const untilMs = this.#elapsedMs + ms
    await settled()
    for (let timer = this.#next(untilMs); timer !== undefined; timer = this.#next(untilMs)) {
      this.#timers.delete(timer)
      this.#elapsedMs = timer.atMs
      timer.callback()
      await settled()
    }
    this.#elapsedMs = untilMs
  }

  /** Goes to the next timer and fires it; false when there is none. */
  async step(): Promise<boolean> {
    await settled()
    const timer = this.#next(Number.POSITIVE_INFINITY)
    if (timer === undefined) return false
    await this.advance(timer.atMs - this.#elapsedMs)
    return true
  }

  #next(untilMs: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.atMs > untilMs) continue
      const isEarlier =
        first === undefined ||
        timer.atMs < first.atMs ||
        (timer.atMs === first.atMs && timer.order < first.order)
      if (isEarlier) first = timer
    }
    return first
  }
}

/** Resolves when every promise that can settle without time passing has settled. */
export function settled(): Promise<void> {
  return new Promise(resolve => {
    setImmediate(resolve)
  })
}
