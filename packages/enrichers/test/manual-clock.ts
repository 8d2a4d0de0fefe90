import type { Clock } from '../src/clock.ts'

/** Time in the test's hand. Starts at a second past the epoch, and stands still until `advance`. */
export class ManualClock implements Clock {
  #nowMs = 1_000
  readonly #timers = new Set<{ readonly atMs: number; readonly callback: () => void }>()

  readonly now = (): number => this.#nowMs
  readonly monotonicMs = (): number => this.#nowMs - 1_000

  readonly schedule = (ms: number, callback: () => void): (() => void) => {
    const timer = { atMs: this.#nowMs + ms, callback }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  readonly sleep = (ms: number, { signal }: { readonly signal?: AbortSignal } = {}): Promise<void> =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error)
        return
      }
      const cancel = this.schedule(ms, resolve)
      signal?.addEventListener('abort', () => {
        cancel()
        reject(signal.reason as Error)
      })
    })

  get timers(): number {
    return this.#timers.size
  }

  /** Milliseconds until the next timer is due. */
  get nextTimerMs(): number | undefined {
    const due = Math.min(...[...this.#timers].map(timer => timer.atMs))
    return Number.isFinite(due) ? due - this.#nowMs : undefined
  }

  /** Runs the timers that come due, in their order. */
  advance(ms: number): void {
    const endMs = this.#nowMs + ms
    for (;;) {
      const [next] = [...this.#timers]
        .filter(timer => timer.atMs <= endMs)
        .toSorted((a, b) => a.atMs - b.atMs)
      if (next === undefined) break
      this.#timers.delete(next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.callback()
    }
    this.#nowMs = endMs
  }
}
