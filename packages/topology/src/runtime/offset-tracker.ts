import { Fifo } from '../fifo.ts'

/**
 * How far one source partition is finished (law 1). Records are handed to the chain in order of their offsets; one that
 * outlives the call (an asynchronous step, a delivery) holds its offset until the last of its branches lets go.
 */
export class OffsetTracker {
  #position: number
  readonly #holds = new Map<number, number>()
  /** Held offsets in ascending order; those already let go are skipped lazily. */
  readonly #order = new Fifo<number>()
  /** The timestamps of the records at those offsets. */
  readonly #timestampsMs = new Fifo<number>()

  constructor(position: number) {
    this.#position = position
  }

  /** The next offset to hand to the chain. */
  get position(): number {
    return this.#position
  }

  /** The next offset to commit: everything below it is finished, apart from outputs still on their way to the broker. */
  get committable(): number {
    for (let offset = this.#order.peek(); offset !== undefined; offset = this.#order.peek()) {
      if (this.#holds.has(offset)) return offset
      this.#order.take()
      this.#timestampsMs.take()
    }
    return this.#position
  }

  /** The timestamp of the record that stands at `committable` and is held; undefined when none is. */
  get heldTimestampMs(): number | undefined {
    return this.committable < this.#position ? this.#timestampsMs.peek() : undefined
  }

  get heldCount(): number {
    return this.#holds.size
  }

  /** Everything below `position` has been handed to the chain. */
  advance(position: number): void {
    this.#position = position
  }

  /** May be called several times for one offset; each hold needs its own release. The first comes in offset order. */
  hold(offset: number, timestampMs: number): void {
    const holds = this.#holds.get(offset)
    if (holds === undefined) {
      this.#order.push(offset)
      this.#timestampsMs.push(timestampMs)
    }
    this.#holds.set(offset, (holds ?? 0) + 1)
  }

  release(offset: number): void {
    const holds = this.#holds.get(offset)
    if (holds === undefined) throw new RangeError(`offset ${offset} is not held`)
    if (holds === 1) this.#holds.delete(offset)
    else this.#holds.set(offset, holds - 1)
  }
}
