import type { Fault, FaultKind } from '../faults.ts'
import type { CommitSample } from '../watch.ts'

/** How long after a fault its traces may show; also what recovering from one may take. */
export interface TimelineOptions {
  readonly faults: readonly Fault[]
  readonly samples: readonly CommitSample[]
  readonly recoveryMs: number
}

/** When an output was there, and when it was there again. */
export interface Repeat {
  readonly before: number
  readonly again: number
}

/** A commit is seen a little after it was made, and what was sent is appended a little later. */
const SEEN_WITHIN_MS = 1_500
/** After these a member is gone without having said so: what it did since its last commit is done again. */
const ENDS_WITHOUT_NOTICE: ReadonlySet<FaultKind> = new Set(['kill', 'freeze', 'silence', 'halfOpen'])
const COMES_BACK: ReadonlySet<FaultKind> = new Set(['freeze', 'silence', 'halfOpen'])
const IS_OF_THE_API: ReadonlySet<FaultKind> = new Set(['apiOutage', 'apiSlow', 'apiErrors'])
/** A table follows its topic within this time while nothing is broken. */
const TABLE_LAG_MS = 5_000

/** What is known about when things happened. */
export class Timeline {
  readonly #faults: readonly Fault[]
  readonly #samples: readonly CommitSample[]
  readonly #recoveryMs: number

  constructor({ faults, samples, recoveryMs }: TimelineOptions) {
    this.#faults = faults
    this.#samples = samples
    this.#recoveryMs = recoveryMs
  }

  /**
   * The earliest state of the lookup topics that an event may have been joined with. A table follows its topic at once, and
   * one that a fault cuts off holds what it had when the fault began.
   */
  oldestTableView(arrivedAt: number, doneAt: number): number {
    let oldest = arrivedAt - TABLE_LAG_MS
    for (const { kind, beganAt, endedAt } of this.#faults) {
      if (IS_OF_THE_API.has(kind)) continue
      const isAround = beganAt <= doneAt && endedAt + this.#recoveryMs >= arrivedAt - TABLE_LAG_MS
      if (isAround) oldest = Math.min(oldest, beganAt - TABLE_LAG_MS)
    }
    return oldest
  }

  /** When it was seen first that the group had committed past an offset; Infinity: never. */
  committedPastAt(partition: number, offset: number): number {
    let low = 0
    let high = this.#samples.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#samples[middle]!.offsets[partition] ?? -1) > offset) high = middle
      else low = middle + 1
    }
    return this.#samples[low]?.answeredAt ?? Infinity
  }

  /** What the group had committed for sure at a moment. */
  committedBefore(partition: number, time: number): number {
    const sample = this.#samples.findLast(({ answeredAt }) => answeredAt <= time)
    return sample?.offsets[partition] ?? -1
  }

  /** Whatever the group had committed at some time between the two. */
  committedBetween(partition: number, from: number, to: number): ReadonlySet<number> {
    const seen = this.#samples.filter(({ answeredAt }) => answeredAt >= from && answeredAt <= to)
    return new Set([
      this.committedBefore(partition, from),
      ...seen.map(({ offsets }) => offsets[partition] ?? -1),
    ])
  }

  /**
   * Whether at-least-once may do an input again: between the two times a member was gone without notice, the input was not
   * committed before that, and nobody had committed past it since. While the API fails, what waits for it also keeps what
   * is behind it from being committed; then a member that leaves in peace repeats it too.
   */
  mayBeRepeated(partition: number, offset: number, { before, again }: Repeat): boolean {
    const committedPastAt = this.committedPastAt(partition, offset) + SEEN_WITHIN_MS
    return this.#faults.some(
      fault =>
        fault.beganAt <= again &&
        // What a member did while it was cut off from the group may arrive when it is back.
        before <=
          (fault.kind === 'kill' ? fault.beganAt + SEEN_WITHIN_MS : fault.endedAt + this.#recoveryMs) &&
        again <= Math.max(fault.endedAt + this.#recoveryMs, committedPastAt) &&
        offset >= this.committedBefore(partition, fault.beganAt) &&
        (ENDS_WITHOUT_NOTICE.has(fault.kind) || this.#hitTheApi(fault)),
    )
  }

  /**
   * Whether what a member had in its hands when it was cut off can have come behind what its successor did of it. A frozen
   * one has read nothing more meanwhile.
   */
  mayComeLate(arrivedAt: number, { before, again }: Repeat): boolean {
    return this.#faults.some(
      ({ kind, beganAt, endedAt }) =>
        COMES_BACK.has(kind) &&
        arrivedAt <= (kind === 'freeze' ? beganAt : endedAt) + SEEN_WITHIN_MS &&
        before >= beganAt &&
        again >= endedAt &&
        again <= endedAt + this.#recoveryMs,
    )
  }

  /** Of the disturbances between two moments the time of the last; undefined where there was none. */
  lastDisturbance(from: number, to: number): number | undefined {
    let last: number | undefined
    for (const { beganAt, endedAt } of this.#faults) {
      if (endedAt < from || beganAt > to) continue
      last = Math.max(last ?? -Infinity, Math.min(endedAt, to))
    }
    return last
  }

  /** Sentences: offsets that were committed and then moved back. */
  commitsThatWentBack(): readonly string[] {
    const sentences: string[] = []
    let before: CommitSample | undefined
    for (const sample of this.#samples) {
      for (const [partition, offset] of sample.offsets.entries()) {
        const earlier = before?.offsets[partition] ?? -1
        if (offset < earlier) {
          sentences.push(
            `The committed offset of partition ${partition} went back from ${earlier} to ${offset} before ${iso(sample.answeredAt)}.`,
          )
        }
      }
      before = sample
    }
    return sentences
  }

  /** The faults around a moment, for messages. */
  around(time: number): string {
    const near = this.#faults.filter(
      ({ beganAt, endedAt }) => beganAt - 1_000 <= time && time <= endedAt + this.#recoveryMs,
    )
    return near.map(({ what, beganAt }) => `${iso(beganAt)} ${what}`).join('; ') || 'no fault'
  }

  #hitTheApi(fault: Fault): boolean {
    return this.#faults.some(
      ({ kind, beganAt, endedAt }) =>
        IS_OF_THE_API.has(kind) &&
        beganAt <= fault.endedAt &&
        endedAt + 2 * this.#recoveryMs >= fault.beganAt &&
        !IS_OF_THE_API.has(fault.kind),
    )
  }
}

export function iso(time: number): string {
  return Number.isFinite(time) ? new Date(time).toISOString().slice(11, 23) : 'never'
}
