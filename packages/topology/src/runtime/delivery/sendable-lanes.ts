import { Fifo } from '../../fifo.ts'
import type { Entry, Lane, OwnerState } from './lane.ts'

export interface Batch {
  /** What is still to be delivered: shrinks when an owner is forgotten while the batch waits for its retry. */
  entries: readonly Entry[]
  readonly lanes: readonly Lane[]
  /** Ends the wait for the batch's retry at once. */
  wake: (() => void) | undefined
}

export interface BatchLimits {
  readonly maxBatchItems: number
  readonly maxBatchBytes: number
}

/**
 * The lanes whose first item may be sent now, in the order in which they became so: no lane waits for another's later
 * items, and a batch's first item is always the one that lingers longest.
 */
export class SendableLanes {
  readonly #limits: BatchLimits
  readonly #queue = new Fifo<Lane>()
  #items = 0
  #bytes = 0

  constructor(limits: BatchLimits) {
    this.#limits = limits
  }

  get items(): number {
    return this.#items
  }

  get isBatchFull(): boolean {
    return this.#items >= this.#limits.maxBatchItems || this.#bytes >= this.#limits.maxBatchBytes
  }

  /** When the first of the next batch became sendable. */
  get oldestSinceMs(): number | undefined {
    return this.#first()?.sendableSinceMs
  }

  add(lane: Lane, nowMs: number): void {
    lane.state = 'sendable'
    lane.sendableSinceMs = nowMs
    this.#queue.push(lane)
    this.#count(lane, 1)
  }

  /** An item was pushed to a lane that is sendable already. */
  grew(entry: Entry): void {
    this.#items += 1
    this.#bytes += entry.item.bytes
  }

  removeOf(owner: OwnerState, lane: Lane): number {
    this.#count(lane, -1)
    const removed = lane.removeOf(owner)
    this.#count(lane, 1)
    return removed
  }

  /** Takes items as far as the limits allow, but at least one, however large. Their lanes are in flight from now on. */
  cut(): Batch {
    const { maxBatchItems, maxBatchBytes } = this.#limits
    const entries: Entry[] = []
    const lanes: Lane[] = []
    let bytes = 0
    const fits = (entry: Entry | undefined): entry is Entry =>
      entry !== undefined &&
      entries.length < maxBatchItems &&
      (entries.length === 0 || bytes + entry.item.bytes <= maxBatchBytes)
    for (let lane = this.#first(); lane !== undefined && fits(lane.peek()); lane = this.#first()) {
      this.#queue.take()
      this.#count(lane, -1)
      lane.state = 'in-flight'
      lanes.push(lane)
      while (fits(lane.peek())) {
        const entry = lane.take() as Entry
        entries.push(entry)
        bytes += entry.item.bytes
      }
    }
    return { entries, lanes, wake: undefined }
  }

  /** Linear; asked only while less than a full batch is sendable. */
  hasItemOf(owner: OwnerState): boolean {
    for (const lane of this.#queue) {
      for (const entry of lane.entries()) if (entry.owner === owner) return true
    }
    return false
  }

  /** A lane that lost its last item to `removeOf` stays in the queue until it comes to the front. */
  #first(): Lane | undefined {
    let lane = this.#queue.peek()
    while (lane !== undefined && lane.length === 0) {
      this.#queue.take()
      lane = this.#queue.peek()
    }
    return lane
  }

  #count(lane: Lane, sign: 1 | -1): void {
    this.#items += sign * lane.length
    this.#bytes += sign * lane.bytes
  }
}
