import { systemClock } from '../clock.ts'
import type { CliContext } from './context.ts'

const EVERY_MS = 2_000

/** Tells whoever waits how far reading has come, every two seconds, on standard error. */
export class Progress {
  readonly #context: CliContext
  readonly #what: string
  readonly #total: number
  #done = 0
  #toldAtMs: number

  constructor(context: CliContext, what: string, total: number) {
    this.#context = context
    this.#what = what
    this.#total = total
    this.#toldAtMs = this.#nowMs()
  }

  add(count: number): void {
    this.#done += count
    const nowMs = this.#nowMs()
    if (nowMs - this.#toldAtMs < EVERY_MS) return
    this.#toldAtMs = nowMs
    const [done, total] = [this.#done.toLocaleString('en'), this.#total.toLocaleString('en')]
    this.#context.complain(`${this.#what}: ${done} of up to ${total} records\n`)
  }

  #nowMs(): number {
    return (this.#context.clock ?? systemClock).monotonicMs()
  }
}
