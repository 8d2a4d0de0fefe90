import type { EnricherError } from './errors.ts'

/** What became of one key in a call. */
export type Answer<Result> =
  { readonly ok: true; readonly result: Result } | { readonly ok: false; readonly error: EnricherError }

/**
 * One key that is being asked for, and everyone who waits for it. A caller that gives up leaves alone; when the last
 * one has left the flight is abandoned, and a call whose flights are all abandoned is stopped.
 */
export class Flight<Key, Result> {
  readonly key: Key
  readonly #ended = Promise.withResolvers<Result>()
  readonly #onSettled: (answer: Answer<Result>) => Answer<Result>
  readonly #onGone: () => void
  #waiting = 0
  #isOver = false
  /** For whoever carries the flight at the moment. */
  onAbandoned: () => void = () => {}

  /**
   * @param on.settled sees the answer before the callers do, and may put another in its place
   * @param on.gone called once, when the flight is settled or abandoned
   */
  constructor(
    key: Key,
    on: { readonly settled: (answer: Answer<Result>) => Answer<Result>; readonly gone: () => void },
  ) {
    this.key = key
    this.#onSettled = on.settled
    this.#onGone = on.gone
    // Every caller sees a rejection by its own promise; when all of them have left nobody has to.
    this.#ended.promise.catch(() => {})
  }

  /** Settled or abandoned: its answer is of no use to anyone any more. */
  get isOver(): boolean {
    return this.#isOver
  }

  join(signal?: AbortSignal): Promise<Result> {
    this.#waiting++
    if (signal === undefined) return this.#ended.promise
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        reject(signal.reason as Error)
        if (--this.#waiting === 0) this.#abandon()
      }
      signal.addEventListener('abort', leave, { once: true })
      void this.#ended.promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave))
    })
  }

  settle(found: Answer<Result>): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#onGone()
    const answer = this.#onSettled(found)
    if (answer.ok) this.#ended.resolve(answer.result)
    else this.#ended.reject(answer.error)
  }

  #abandon(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#onGone()
    this.onAbandoned()
  }
}
