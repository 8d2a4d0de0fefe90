/**
 * Numbers that follow from a seed. The purpose separates streams of one seed, so that more draws for one thing do not
 * change another: the customers are the same whatever the number of events.
 *
 * The generator is mulberry32; the state is mixed from seed and purpose by FNV-1a.
 */
export class Random {
  #state: number

  constructor(seed: number, purpose: string) {
    let hash = 0x811c9dc5 ^ seed
    for (const byte of Buffer.from(purpose)) hash = Math.imul(hash ^ byte, 0x01000193)
    this.#state = hash >>> 0
  }

  /** From 0 up to, and not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number, both bounds included. */
  between(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.between(0, choices.length - 1)]!
  }
}
