/** Records of a join that waited for their rows. */
export interface ParkingCounts {
  /** Now. */
  readonly waiting: number
  readonly total: number
  /** Their row has come. */
  readonly resumed: number
  /** No row has come in time. */
  readonly timedOut: number
}

/** A task that ends gives its records up; `failed` is a lookup that has thrown. */
export type ParkingOutcome = 'resumed' | 'timedOut' | 'failed' | 'given-up'

export interface CounterSnapshot {
  readonly consumed: number
  readonly produced: number
  readonly deadLetters: number
  /** `step → reason → records`. */
  readonly drops: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** By the name of the join. */
  readonly parked: Readonly<Record<string, ParkingCounts>>
  /** `code → records`. */
  readonly deadLettersByCode: Readonly<Record<string, number>>
}

/** What happened to an application's records. Every record that ends without an output is counted here with its reason. */
export class Counters {
  consumed = 0
  produced = 0
  deadLetters = 0
  readonly #drops = new Map<string, Map<string, number>>()
  readonly #parked = new Map<string, { -readonly [Name in keyof ParkingCounts]: number }>()
  readonly #deadLettersByCode = new Map<string, number>()

  /** `reason` is one of a few words: a destination's own, or the engine's `DropReason`. */
  drop(step: string, reason: string): void {
    let reasons = this.#drops.get(step)
    if (reasons === undefined) {
      reasons = new Map()
      this.#drops.set(step, reasons)
    }
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
  }

  /** A record starts to wait. */
  parked(step: string): void {
    let counts = this.#parked.get(step)
    if (counts === undefined) {
      counts = { waiting: 0, total: 0, resumed: 0, timedOut: 0 }
      this.#parked.set(step, counts)
    }
    counts.waiting += 1
    counts.total += 1
  }

  /** It waits no longer. */
  unparked(step: string, outcome: ParkingOutcome): void {
    const counts = this.#parked.get(step)
    if (counts === undefined) return
    counts.waiting -= 1
    if (outcome === 'resumed' || outcome === 'timedOut') counts[outcome] += 1
  }

  deadLetter(error: unknown): void {
    const code =
      typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
        ? error.code
        : 'UNKNOWN'
    this.deadLetters += 1
    this.#deadLettersByCode.set(code, (this.#deadLettersByCode.get(code) ?? 0) + 1)
  }

  snapshot(): CounterSnapshot {
    return {
      consumed: this.consumed,
      produced: this.produced,
      deadLetters: this.deadLetters,
      drops: Object.fromEntries(
        [...this.#drops].map(([step, reasons]) => [step, Object.fromEntries(reasons)]),
      ),
      parked: Object.fromEntries([...this.#parked].map(([step, counts]) => [step, { ...counts }])),
      deadLettersByCode: Object.fromEntries(this.#deadLettersByCode),
    }
  }
}
