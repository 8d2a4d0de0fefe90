import type { Clock } from '../../clock.ts'
import { Fifo } from '../../fifo.ts'

export interface SlicedWork {
  /** Works while `hasTime()`, asked now and then, and tells whether there is more to do. Must not throw. */
  work(hasTime: () => boolean): boolean
}

/** Between two slices the event loop gets to its sockets: heartbeats are sent and other partitions move. */
const SLICE_MS = 8

/**
 * Shares slices of the event loop's time among all who have work waiting, in turns, so that loading a table of any size
 * never holds up the loop for longer than a slice, however many partitions load at once.
 */
export class WorkSlices {
  readonly #clock: Clock
  readonly #defer: (turn: () => void) => void
  readonly #waiting = new Fifo<SlicedWork>()
  readonly #members = new Set<SlicedWork>()
  #isScheduled = false
  #sliceEndMs = 0

  /** `defer` calls back once other events had their turn: `setImmediate`, or something that a test steers. */
  constructor(clock: Clock, defer: (turn: () => void) => void) {
    this.#clock = clock
    this.#defer = defer
  }

  /** Adding what is waiting already changes nothing. */
  add(work: SlicedWork): void {
    if (this.#members.has(work)) return
    this.#members.add(work)
    this.#waiting.push(work)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#defer(() => this.#turn())
  }

  #turn(): void {
    this.#isScheduled = false
    this.#sliceEndMs = this.#clock.monotonicMs() + SLICE_MS
    do {
      const work = this.#waiting.take()
      if (work === undefined) return
      this.#members.delete(work)
      if (work.work(this.#hasTime)) this.add(work)
    } while (this.#hasTime())
    if (this.#waiting.length > 0) this.#schedule()
  }

  readonly #hasTime = (): boolean => this.#clock.monotonicMs() < this.#sliceEndMs
}
