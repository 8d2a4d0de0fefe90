const MIN_ITEMS_TO_COMPACT = 1_024

/** Items in order of arrival, the oldest of which go when there are more than `limit`. */
export class BoundedLog<T> {
  readonly #limit: number
  #items: (T | undefined)[] = []
  #start = 0
  #dropped = 0

  constructor(limit: number = Number.POSITIVE_INFINITY) {
    this.#limit = limit
  }

  get size(): number {
    return this.#items.length - this.#start
  }

  get oldest(): T | undefined {
    return this.#items[this.#start]
  }

  clear(): void {
    this.#items = []
    this.#start = 0
    this.#dropped = 0
  }

  /** How many have gone. */
  get dropped(): number {
    return this.#dropped
  }

  /** Adds an item. @returns the item that had to go for it */
  push(item: T): T | undefined {
    this.#items.push(item)
    return this.size > this.#limit ? this.dropOldest() : undefined
  }

  dropOldest(): T | undefined {
    if (this.size === 0) return undefined
    const item = this.#items[this.#start]
    this.#items[this.#start] = undefined
    this.#start += 1
    this.#dropped += 1
    // The empty slots before the start go in one go, once they are more than half: constant work per item.
    if (this.#start > MIN_ITEMS_TO_COMPACT && this.#start * 2 > this.#items.length) {
      this.#items = this.#items.slice(this.#start)
      this.#start = 0
    }
    return item
  }

  /** A copy of what is there, oldest first: it stays as it is while the log moves on. */
  snapshot(): readonly T[] {
    return this.#items.slice(this.#start) as T[]
  }
}
