import type { DropReason } from '../plan/compiled.ts'

export interface CounterSnapshot {
  readonly consumed: number
  readonly produced: number
  readonly deadLetters: number
  /** `step → reason → records`. */
  readonly drops: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** `code → records`. */
  readonly deadLettersByCode: Readonly<Record<string, number>>
}

/** What happened to an application's records. Every record that ends without an output is counted here with its reason. */
export class Counters {
  consumed = 0
  produced = 0
  deadLetters = 0
  readonly #drops = new Map<string, Map<DropReason, number>>()
  readonly #deadLettersByCode = new Map<string, number>()

  drop(step: string, reason: DropReason): void {
    let reasons = this.#drops.get(step)
    if (reasons === undefined) {
      reasons = new Map()
      this.#drops.set(step, reasons)
    }
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
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
      deadLettersByCode: Object.fromEntries(this.#deadLettersByCode),
    }
  }
}
