/** Not cumulative: `counts[i]` is of the values up to `bounds[i]`, the last one of those above all bounds. */
export interface HistogramValue {
  readonly bounds: readonly number[]
  readonly counts: readonly number[]
  readonly sum: number
}

/** From milliseconds to a day: a backlog is worked off with latencies of hours, and an alert has to see them apart. */
export const LATENCY_BOUNDS_SECONDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 3_600, 21_600, 86_400,
]

/** Of one call of an outside system. */
export const CALL_BOUNDS_SECONDS: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
]

/** Counts values by bounds that are given. To observe costs a few comparisons and no allocation. */
export class Histogram implements HistogramValue {
  readonly bounds: readonly number[]
  readonly counts: number[]
  sum = 0

  /** @param bounds ascending */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = Array.from({ length: bounds.length + 1 }, () => 0)
  }

  /** `times`: so many values that are all the same, or whose mean this is. */
  observe(value: number, times = 1): void {
    const { bounds } = this
    let bucket = 0
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket += 1
    this.counts[bucket] = (this.counts[bucket] as number) + times
    this.sum += value * times
  }

  snapshot(): HistogramValue {
    return { bounds: this.bounds, counts: [...this.counts], sum: this.sum }
  }
}
