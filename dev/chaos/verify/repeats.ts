import type { Repeat, Timeline } from './timeline.ts'

/** An input whose output has been there. */
export interface DoneInput {
  readonly partition: number
  readonly offset: number
  /** Milliseconds since the epoch. */
  readonly arrivedAt: number
  /** Of its outputs, in their order. */
  readonly times: readonly number[]
  /** Whether it is done in its turn, and not when a call is answered. */
  readonly isDoneInTurn: boolean
}

/** How many of those before it: of one a row may have changed, and it does not come out again. */
const LOOKED_AT = 3
/** From reading the commit to the first outputs. A commit that was under way may come between the two. */
const TAKES_OVER_WITHIN_MS = 3_000

/**
 * Tells repeats that at-least-once accounts for from others. With faults as dense as here nearly every moment is near one,
 * so the time alone says little. But whoever takes over begins behind the last commit: with an input those right before it
 * come out again, back to the one that is committed.
 */
export class Repeats {
  readonly #timeline: Timeline
  /** In the order of their offsets. */
  readonly #doneInTurn: ReadonlyMap<number, readonly DoneInput[]>

  constructor(done: readonly DoneInput[], timeline: Timeline) {
    this.#timeline = timeline
    const inTurn = done.filter(({ isDoneInTurn }) => isDoneInTurn)
    const inOrder = inTurn.toSorted((one, other) => one.offset - other.offset)
    this.#doneInTurn = Map.groupBy(inOrder, ({ partition }) => partition)
  }

  isExplained(input: DoneInput, times: Repeat): boolean {
    const { partition, offset, arrivedAt } = input
    if (this.#timeline.mayComeLate(arrivedAt, times)) return true
    return this.#timeline.mayBeRepeated(partition, offset, times) && this.#isOfAPass(input, times)
  }

  #isOfAPass({ partition, offset }: DoneInput, { before, again }: Repeat): boolean {
    const lane = this.#doneInTurn.get(partition) ?? []
    const place = lane.findIndex(other => other.offset >= offset)
    const lower = lane.slice(0, place === -1 ? lane.length : place).slice(-LOOKED_AT)
    if (lower.some(({ times }) => times.some(time => time > before))) return true
    const begins = this.#timeline.committedBetween(partition, again - TAKES_OVER_WITHIN_MS, again)
    return [...begins].some(
      begin => begin <= offset && lower.filter(other => other.offset >= begin).length < LOOKED_AT,
    )
  }
}
