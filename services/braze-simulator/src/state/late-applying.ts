import type { Clock } from '../clock.ts'

/** Numbers from 0 to below 1 (mulberry32): the same ones for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/**
 * Work that is done after its request was answered, in an order of its own: Braze takes requests into a queue and does not
 * promise to process separate calls in the order in which they were sent
 * (https://www.braze.com/docs/user_guide/messaging/ab_testing/concepts/race_conditions).
 */
export class LateApplying {
  readonly #clock: Clock
  readonly #closing: AbortSignal
  readonly #random: () => number
  #epoch = 0
  #waiting = 0

  constructor(clock: Clock, seed: number, closing: AbortSignal) {
    this.#clock = clock
    this.#random = randomNumbers(seed)
    this.#closing = closing
  }

  /** Answered and not applied yet. */
  get waiting(): number {
    return this.#waiting
  }

  /** Does it at once when `withinMs` is 0, else after a random part of that time. */
  apply(withinMs: number, work: () => void): void {
    if (withinMs === 0) {
      work()
      return
    }
    const epoch = this.#epoch
    this.#waiting += 1
    void this.#clock.sleep(Math.floor(this.#random() * (withinMs + 1)), this.#closing).then(() => {
      if (epoch !== this.#epoch) return
      this.#waiting -= 1
      work()
    })
  }

  /** Forgets what is waiting. */
  reset(): void {
    this.#epoch += 1
    this.#waiting = 0
  }
}
