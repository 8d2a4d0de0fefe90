import type { Entry, Lane } from './lane.ts'

/** What a lane waits for before it goes on. */
export interface LaneWait {
  /** To be sent again, in order. */
  readonly entries: Entry[]
  waitMs: number
  /** It is for what was accepted, so it holds for whatever comes, too. */
  isRest: boolean
}

/** The lanes of one batch that do not go on at once. */
export class LaneWaits {
  readonly #waits = new Map<Lane, LaneWait>()

  of(lane: Lane): LaneWait | undefined {
    return this.#waits.get(lane)
  }

  retry(entry: Entry, waitMs: number): void {
    this.#for(entry.lane, waitMs).entries.push(entry)
  }

  rest(lane: Lane, restMs: number): void {
    // Nothing comes after an item without a key.
    if (restMs > 0 && typeof lane.key === 'string') this.#for(lane, restMs).isRest = true
  }

  #for(lane: Lane, waitMs: number): LaneWait {
    let wait = this.#waits.get(lane)
    if (wait === undefined) {
      wait = { entries: [], waitMs, isRest: false }
      this.#waits.set(lane, wait)
    }
    wait.waitMs = Math.max(wait.waitMs, waitMs)
    return wait
  }
}
