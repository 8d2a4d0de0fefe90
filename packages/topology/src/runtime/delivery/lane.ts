import type { DeliveryOutcome } from '../../operators/destination.ts'
import type { RecordContext } from '../../record.ts'
import type { LaneMemory } from './lane-memory.ts'
import type { LanePlace } from './lane-list.ts'

/** How an item ended. */
export type DeliverySettlement = Exclude<DeliveryOutcome, { readonly kind: 'retry' }>

/** One item that a task hands over for delivery. */
export interface PendingDelivery {
  /** Who can drain and forget the item: the task of its partition. Compared by identity. */
  readonly owner: object
  readonly key: unknown
  readonly value: unknown
  /** A copy that may be kept. */
  readonly context: RecordContext
  /** Undefined: no order is kept for the item. */
  readonly laneKey: string | undefined
  /** Towards the bytes of a batch. */
  readonly bytes: number
  /** Its lane goes ahead of lanes without such an item. */
  readonly isUrgent: boolean
  /** What the owner remembers of its lanes, if anything. */
  readonly memory: LaneMemory | undefined
  /**
   * Called exactly once, unless the owner is forgotten first. May hand over further items.
   * @param together the records that became one with the item's and are rejected with it, its own included; empty where it
   * was alone
   */
  settle(outcome: DeliverySettlement, attempts: number, together: readonly RecordContext[]): void
}

/** What is known about the items of one owner. */
export interface OwnerState {
  pending: number
  isForgotten: boolean
}

/** An item inside the stage, and its link in the lane's list. */
export interface Entry {
  readonly item: PendingDelivery
  readonly owner: OwnerState
  readonly lane: Lane
  /** How often it has been handed to the destination. */
  calls: number
  /** Those of the calls that tried to deliver it. */
  attempts: number
  /** It goes into what its lane has in the batch already, and does not count as an item. */
  merges: boolean
  next: Entry | undefined
}

/** What is offered of a sendable lane: the front part that may go in one batch. */
export interface LaneOffer {
  /** The next item has to wait for a later batch. */
  isClosed: boolean
  readonly values: unknown[]
  /** What was remembered of the lane when it was offered. */
  readonly memory: unknown
  /** Where that is remembered still; undefined: something else is by now, or nothing could be read. */
  memoryOf: LaneMemory | undefined
}

/**
 * ```
 *  sendable ─► in-flight ─► sendable         (more waits)
 *                 │  └────► backing-off ─► sendable
 *                 └────────► gone            (nothing waits; from backing-off, too, when the lane has rested)
 * ```
 */
export type LaneState = 'sendable' | 'in-flight' | 'backing-off'

/**
 * The items of one key that are not in a batch, in order. A linked list: what has to be sent again returns to the front
 * in constant time.
 */
export class Lane {
  readonly key: string | symbol
  state: LaneState = 'sendable'
  sendableSinceMs = 0
  /** While it is sendable. */
  place: LanePlace | undefined
  urgentPlace: LanePlace | undefined
  /** Where the destination says how items join; otherwise all of the lane is offered. */
  offer: LaneOffer | undefined
  offeredLength = 0
  /** Without those that merge. */
  offeredItems = 0
  offeredBytes = 0
  cancelBackoff: (() => void) | undefined
  /** It backs off because of what was accepted of it, so it stays although it is empty. */
  isResting = false
  #head: Entry | undefined
  #tail: Entry | undefined
  #length = 0
  #bytes = 0
  #urgent = 0

  constructor(key: string | symbol) {
    this.key = key
  }

  get length(): number {
    return this.#length
  }

  get bytes(): number {
    return this.#bytes
  }

  /** How many of the items are urgent. */
  get urgent(): number {
    return this.#urgent
  }

  peek(): Entry | undefined {
    return this.#head
  }

  push(entry: Entry): void {
    entry.next = undefined
    if (this.#tail === undefined) this.#head = entry
    else this.#tail.next = entry
    this.#tail = entry
    this.#count(entry, 1)
  }

  take(): Entry | undefined {
    const entry = this.#head
    if (entry === undefined) return undefined
    this.#head = entry.next
    if (this.#head === undefined) this.#tail = undefined
    entry.next = undefined
    this.#count(entry, -1)
    return entry
  }

  /** In front of everything that waits; `entries` keep their order among themselves. */
  putBack(entries: readonly Entry[]): void {
    for (let i = entries.length - 1; i >= 0; i -= 1) {
      const entry = entries[i] as Entry
      entry.next = this.#head
      this.#head = entry
      this.#tail ??= entry
      this.#count(entry, 1)
    }
  }

  /** Removes the owner's items and says how many they were. */
  removeOf(owner: OwnerState): number {
    const before = this.#length
    let entry = this.#head
    this.#head = undefined
    this.#tail = undefined
    this.#length = 0
    this.#bytes = 0
    this.#urgent = 0
    while (entry !== undefined) {
      const next: Entry | undefined = entry.next
      if (entry.owner !== owner) this.push(entry)
      entry = next
    }
    return before - this.#length
  }

  *entries(): IterableIterator<Entry> {
    for (let entry = this.#head; entry !== undefined; entry = entry.next) yield entry
  }

  #count(entry: Entry, sign: 1 | -1): void {
    this.#length += sign
    this.#bytes += sign * entry.item.bytes
    if (entry.item.isUrgent) this.#urgent += sign
  }
}
