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

  first(): number | undefined {
    return this.#length === 0 ? undefined : this.#values[this.#start]
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
