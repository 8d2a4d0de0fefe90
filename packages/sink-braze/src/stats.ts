import { Histogram, type HistogramValue } from '@tributary/topology'
import type { Encoded } from './encoding.ts'
import type { ShapingStats } from './shaping-stats.ts'
import type { SenderStats } from './track-sender.ts'

export interface BrazeStats extends SenderStats {
  /** Answers by status. */
  readonly answers: Readonly<Record<string, number>>
  /** Requests without one: timed out, or the connection failed. */
  readonly unanswered: number
  /** In requests that were answered, repeated ones included; by the answers' sum they give the mean fill. */
  readonly objectsSent: number
  readonly bytesSent: number
  /** How many objects those requests had. */
  readonly requestObjects: HistogramValue
  readonly accepted: number
  /** Objects that Braze refused, and those that were not sent because it would. */
  readonly refused: number
  readonly invalid: number
  /** Requests that were sent again in halves to find an object at fault. */
  readonly splits: number
  /** Errors in a 201 that did not say which object they meant. */
  readonly unlocatedErrors: number
  /** What was done to objects before they were sent. */
  readonly shaping: ShapingStats
}

/** Braze takes 75 objects in all, or in each of the three arrays. */
const REQUEST_OBJECT_BOUNDS = [1, 5, 10, 20, 30, 40, 50, 60, 70, 74, 75, 150, 225]

export class BrazeCounters {
  readonly #answers = new Map<number, number>()
  #objectsSent = 0
  #bytesSent = 0
  readonly #requestObjects = new Histogram(REQUEST_OBJECT_BOUNDS)
  unanswered = 0
  accepted = 0
  refused = 0
  invalid = 0
  splits = 0
  unlocatedErrors = 0

  answered(status: number, objects: readonly { readonly encoded: Encoded }[]): void {
    this.#answers.set(status, (this.#answers.get(status) ?? 0) + 1)
    this.#objectsSent += objects.length
    this.#requestObjects.observe(objects.length)
    for (const { encoded } of objects) this.#bytesSent += encoded.bytes
  }

  snapshot(): Omit<BrazeStats, 'shaping' | keyof SenderStats> {
    const { unanswered, accepted, refused, invalid, splits, unlocatedErrors } = this
    return {
      answers: Object.fromEntries(this.#answers),
      unanswered,
      objectsSent: this.#objectsSent,
      bytesSent: this.#bytesSent,
      requestObjects: this.#requestObjects.snapshot(),
      accepted,
      refused,
      invalid,
      splits,
      unlocatedErrors,
    }
  }
}
