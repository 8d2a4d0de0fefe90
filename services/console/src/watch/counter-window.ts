import { sumOf, type Scrape } from './prometheus-text.ts'

interface Reading {
  readonly atMs: number
  readonly scrape: Scrape
}

/** The latest scrapes of one process, for what its counters have done since. */
export class CounterWindow {
  readonly #lengthMs: number
  #readings: Reading[] = []

  constructor(lengthMs: number) {
    this.#lengthMs = lengthMs
  }

  push(atMs: number, scrape: Scrape): void {
    // One reading stays from before the window, so that the whole of it is covered.
    const first = this.#readings.findLastIndex(reading => reading.atMs <= atMs - this.#lengthMs)
    this.#readings = [...this.#readings.slice(Math.max(first, 0)), { atMs, scrape }]
  }

  /** How much the counter has grown within the last `overMs`. A process that began anew counts from 0. */
  increase(name: string, overMs: number, labels: Readonly<Record<string, string>> = {}): number {
    const [from, to] = this.#span(overMs)
    if (from === undefined || to === undefined) return 0
    const [before, now] = [sumOf(from.scrape, name, labels), sumOf(to.scrape, name, labels)]
    return now >= before ? now - before : now
  }

  perSecond(name: string, overMs: number, labels: Readonly<Record<string, string>> = {}): number {
    const [from, to] = this.#span(overMs)
    if (from === undefined || to === undefined || to.atMs <= from.atMs) return 0
    return (this.increase(name, overMs, labels) * 1_000) / (to.atMs - from.atMs)
  }

  #span(overMs: number): readonly [Reading | undefined, Reading | undefined] {
    const to = this.#readings.at(-1)
    if (to === undefined) return [undefined, undefined]
    const from = this.#readings.findLast(reading => reading.atMs <= to.atMs - overMs) ?? this.#readings[0]
    return [from, to]
  }
}
