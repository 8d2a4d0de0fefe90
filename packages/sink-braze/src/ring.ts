/** The latest numbers, first in first out, in a fixed amount of memory. */
export class Ring {
  readonly #values: Float64Array
  #start = 0
  #length = 0

  constructor(capacity: number) {
    this.#values = new Float64Array(capacity)
  }

  get length(): number {
    return this.#length
  }

  /** The one that came in `index` after the first; undefined beyond the last. */
  at(index: number): number | undefined {
    return index < this.#length ? this.#values[(this.#start + index) % this.#values.length] : undefined
  }

  push(value: number): void {
    this.#values[(this.#start + this.#length) % this.#values.length] = value
    this.#length += 1
  }

  shift(): void {
    this.#start = (this.#start + 1) % this.#values.length
    this.#length -= 1
  }
}
