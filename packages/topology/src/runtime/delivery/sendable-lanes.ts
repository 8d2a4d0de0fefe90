import type { Destination } from '../../operators/destination.ts'
import type { Entry, Lane, LaneOffer, OwnerState } from './lane.ts'
import { LaneList } from './lane-list.ts'

export interface Batch {
  /** What is still to be delivered: shrinks when an owner is forgotten while the batch waits for its retry. */
  entries: readonly Entry[]
  readonly lanes: readonly Lane[]
  /** It has an urgent item, or goes in the place of one. */
  isUrgent: boolean
  /** Between two calls. */
  isWaiting: boolean
  /** Aborts when the stage ends, and when nothing is wanted any more of a batch that waits for its retry. */
  readonly stopping: AbortController
}

export interface BatchLimits {
  readonly maxBatchItems: number
  readonly maxBatchBytes: number
  readonly joins?: NonNullable<Destination<unknown>['joins']> | undefined
}

/** Of the batches that urgent items could fill, every so many-th takes the lanes that wait longest. */
const FAIR_TURN = 8

/**
 * The lanes whose first item may be sent now, in the order in which they became so: no lane waits for another's later
 * items. Lanes that hold an urgent item come first, and what room they leave is filled up with others; so that none waits
 * for ever, every eighth batch in a row that would have been theirs alone goes by the time of waiting.
 *
 * Of each lane the front part is offered that may go together (`Destination.joins`); what is behind it waits until the lane
 * becomes sendable again.
 */
export class SendableLanes {
  readonly #limits: BatchLimits
  readonly #byAge = new LaneList()
  readonly #urgent = new LaneList()
  /** Offered. */
  #length = 0
  /** Those of them that count towards a batch's items. */
  #items = 0
  #bytes = 0
  /** Batches in a row that took none but urgent lanes, though others waited. */
  #passedOver = 0

  constructor(limits: BatchLimits) {
    this.#limits = limits
  }

  get length(): number {
    return this.#length
  }

  get hasUrgent(): boolean {
    return this.#urgent.first !== undefined
  }

  get isBatchFull(): boolean {
    return this.#items >= this.#limits.maxBatchItems || this.#bytes >= this.#limits.maxBatchBytes
  }

  /** When the lane that waits longest became sendable. */
  get oldestSinceMs(): number | undefined {
    return this.#byAge.first?.sendableSinceMs
  }

  add(lane: Lane, nowMs: number): void {
    lane.state = 'sendable'
    lane.sendableSinceMs = nowMs
    lane.place = this.#byAge.push(lane)
    if (lane.urgent > 0) lane.urgentPlace = this.#urgent.push(lane)
    this.#offer(lane)
  }

  /** An item was pushed to a lane that is sendable already. */
  grew(entry: Entry): void {
    const { lane } = entry
    if (entry.item.isUrgent) lane.urgentPlace ??= this.#urgent.push(lane)
    this.#include(entry)
  }

  removeOf(owner: OwnerState, lane: Lane): number {
    this.#withdraw(lane)
    const removed = lane.removeOf(owner)
    if (lane.length === 0) this.#remove(lane)
    else this.#offer(lane)
    if (lane.urgent === 0) this.#removeUrgent(lane)
    return removed
  }

  /** Takes items as far as the limits allow, but at least one, however large. Their lanes are in flight from now on. */
  cut(): Batch {
    const isUrgent = this.hasUrgent
    const isFairTurn = this.#passedOver === FAIR_TURN - 1
    const entries: Entry[] = []
    const lanes: Lane[] = []
    const taken = { items: 0, bytes: 0 }
    let hasPatient = false
    for (;;) {
      const lane = (isFairTurn ? undefined : this.#urgent.first) ?? this.#byAge.first
      if (lane === undefined || !this.#fits(lane.peek(), entries, taken)) break
      hasPatient ||= lane.urgentPlace === undefined
      this.#take(lane, entries, taken)
      lanes.push(lane)
    }
    this.#passedOver = isUrgent && !hasPatient && this.#byAge.first !== undefined ? this.#passedOver + 1 : 0
    return { entries, lanes, isUrgent, isWaiting: false, stopping: new AbortController() }
  }

  /** Linear; asked only while less than a full batch is sendable. */
  hasItemOf(owner: OwnerState): boolean {
    for (const lane of this.#byAge) {
      for (const entry of lane.entries()) if (entry.owner === owner) return true
    }
    return false
  }

  #take(lane: Lane, entries: Entry[], taken: { items: number; bytes: number }): void {
    this.#withdraw(lane)
    this.#remove(lane)
    lane.state = 'in-flight'
    for (let offered = lane.offeredLength; offered > 0; offered -= 1) {
      if (!this.#fits(lane.peek(), entries, taken)) return
      const entry = lane.take() as Entry
      entries.push(entry)
      if (!entry.merges) taken.items += 1
      taken.bytes += entry.item.bytes
    }
  }

  #fits(
    entry: Entry | undefined,
    entries: readonly Entry[],
    taken: { readonly items: number; readonly bytes: number },
  ): boolean {
    if (entry === undefined || entries.length === 0) return entry !== undefined
    const { maxBatchItems, maxBatchBytes } = this.#limits
    return (entry.merges || taken.items < maxBatchItems) && taken.bytes + entry.item.bytes <= maxBatchBytes
  }

  #remove(lane: Lane): void {
    if (lane.place !== undefined) this.#byAge.remove(lane.place)
    lane.place = undefined
    this.#removeUrgent(lane)
  }

  #removeUrgent(lane: Lane): void {
    if (lane.urgentPlace !== undefined) this.#urgent.remove(lane.urgentPlace)
    lane.urgentPlace = undefined
  }

  #offer(lane: Lane): void {
    if (this.#limits.joins === undefined) {
      lane.offeredLength = lane.length
      lane.offeredItems = lane.length
      lane.offeredBytes = lane.bytes
      this.#length += lane.length
      this.#items += lane.length
      this.#bytes += lane.bytes
      return
    }
    lane.offeredLength = 0
    lane.offeredItems = 0
    lane.offeredBytes = 0
    lane.offer = { isClosed: false, values: [], ...remembered(lane) }
    for (const entry of lane.entries()) {
      this.#include(entry)
      if (lane.offer.isClosed) return
    }
  }

  #withdraw({ offeredLength, offeredItems, offeredBytes }: Lane): void {
    this.#length -= offeredLength
    this.#items -= offeredItems
    this.#bytes -= offeredBytes
  }

  #include(entry: Entry): void {
    const { lane, item } = entry
    if (lane.offer !== undefined && !this.#joins(entry, lane.offer)) return
    lane.offeredLength += 1
    lane.offeredBytes += item.bytes
    this.#length += 1
    this.#bytes += item.bytes
    if (entry.merges) return
    lane.offeredItems += 1
    this.#items += 1
  }

  /** False when the entry, and all behind it, waits for a later batch. */
  #joins(entry: Entry, offer: LaneOffer): boolean {
    if (offer.isClosed) return false
    const { value, memory } = entry.item
    const isFirst = offer.values.length === 0
    const isAsked = !isFirst || memory !== undefined
    const joining = (isAsked && this.#limits.joins?.(value, offer.values, offer.memory)) || 'counts'
    entry.merges = joining === 'merges'
    offer.isClosed = joining === 'waits' && !isFirst
    if (offer.isClosed) return false
    offer.values.push(value)
    return true
  }
}

const NOTHING: Pick<LaneOffer, 'memory' | 'memoryOf'> = { memory: undefined, memoryOf: undefined }

/** A memory that cannot be read just now (its task is about to be forgotten) says nothing of what fits together. */
function remembered(lane: Lane): Pick<LaneOffer, 'memory' | 'memoryOf'> {
  const item = lane.peek()?.item
  if (item?.memory === undefined || item.laneKey === undefined) return NOTHING
  try {
    return { memory: item.memory.recall(item.laneKey), memoryOf: item.memory }
  } catch {
    return NOTHING
  }
}
