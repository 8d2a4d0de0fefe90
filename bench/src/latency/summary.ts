import type { Contestant } from '../contestants/contestant.ts'
import { median } from '../measure/statistics.ts'
import { alignedText } from '../report/table.ts'
import type { LatencyResult } from './run-latency.ts'

/** Milliseconds, medians over a contestant's runs; of the largest the largest. */
export interface LatencyFigures {
  readonly runs: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
}

/** By contestant. */
export type LatencySummary = Readonly<Record<string, LatencyFigures>>

export function summarizeLatency(runs: readonly LatencyResult[]): LatencySummary {
  const names = [...new Set(runs.map(({ contestant }) => contestant))]
  return Object.fromEntries(
    names.map(name => {
      const own = runs.filter(({ contestant }) => contestant === name)
      const middle = (share: 'p50' | 'p99' | 'p999'): number => rounded(median(own.map(run => run[share])))
      return [
        name,
        {
          runs: own.length,
          p50: middle('p50'),
          p99: middle('p99'),
          p999: middle('p999'),
          max: rounded(Math.max(...own.map(({ max }) => max))),
        },
      ]
    }),
  )
}

export function latencyTable(summary: LatencySummary, contestants: readonly Contestant[]): string {
  const rows = contestants.flatMap(({ name, title }) => {
    const figures = summary[name]
    if (figures === undefined) return []
    const { runs, p50, p99, p999, max } = figures
    return [[title, String(runs), ...[p50, p99, p999, max].map(ms => ms.toFixed(1))]]
  })
  return alignedText([['', 'runs', 'p50 ms', 'p99 ms', 'p99.9 ms', 'max ms'], ...rows])
}

function rounded(ms: number): number {
  return Math.round(ms * 100) / 100
}
