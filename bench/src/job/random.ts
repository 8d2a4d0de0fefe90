/**
 * Numbers that follow from a seed, a purpose and an index, so that the millionth record is made without the ones before it.
 * The generator is mulberry32, its start mixed by FNV-1a.
 */
export class IndexedRandom {
  readonly #start: number
  #state = 0

  constructor(seed: number, purpose: string) {
    let hash = 0x811c9dc5 ^ seed
    for (const byte of Buffer.from(purpose)) hash = Math.imul(hash ^ byte, 0x01000193)
    this.#start = hash >>> 0
  }

  /** The draws that follow are those of this index. */
  seek(index: number): void {
    this.#state = (this.#start ^ Math.imul(index + 1, 0x9e3779b1)) >>> 0
  }

  /** From 0 up to, and not including, 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 up to, and not including, `count`. */
  below(count: number): number {
    return Math.floor(this.next() * count)
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)]!
  }
}
