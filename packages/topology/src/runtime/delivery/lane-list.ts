import type { Lane } from './lane.ts'

/** Where a lane stands in a list. */
export interface LanePlace {
  readonly lane: Lane
  previous: LanePlace | undefined
  next: LanePlace | undefined
}

/** A queue out of whose middle a lane can be taken in constant time. */
export class LaneList {
  #first: LanePlace | undefined
  #last: LanePlace | undefined

  get first(): Lane | undefined {
    return this.#first?.lane
  }

  push(lane: Lane): LanePlace {
    const place: LanePlace = { lane, previous: this.#last, next: undefined }
    if (this.#last === undefined) this.#first = place
    else this.#last.next = place
    this.#last = place
    return place
  }

  remove({ previous, next }: LanePlace): void {
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
  }

  *[Symbol.iterator](): IterableIterator<Lane> {
    for (let place = this.#first; place !== undefined; place = place.next) yield place.lane
  }
}
