import type { LatencySummary } from '../latency/summary.ts'
import type { TablesSummary } from '../tables/summary.ts'
import type { Summary } from './summary.ts'

/** A figure that the project set itself, and what was measured. */
export interface Objective {
  readonly what: string
  readonly wanted: string
  readonly measured: string
  readonly isReached: boolean
}

interface Limit {
  readonly atLeast?: number
  readonly atMost?: number
}

/** Those that the results say something about. */
export function objectives(results: {
  readonly comparison?: Summary
  readonly latency?: LatencySummary
  readonly tables?: TablesSummary
}): readonly Objective[] {
  return [
    ...(results.comparison === undefined ? [] : ofComparison(results.comparison)),
    ...(results.latency === undefined ? [] : ofLatency(results.latency)),
    ...(results.tables === undefined ? [] : ofTables(results.tables)),
  ]
}

function ofComparison(summary: Summary): readonly Objective[] {
  return [
    objective('records/s, as a multiple of Kafka Streams by default', summary.ratioDefault, { atLeast: 4 }),
    objective('records/s, as a multiple of Kafka Streams tuned, 2 threads', summary.ratioTuned, {
      atLeast: 2.5,
    }),
    objective('the same, two processes against its two threads', summary.ratioTunedTwoProcesses, {
      atLeast: 2.5,
    }),
    objective('CPU per record, as a share of Kafka Streams by default', summary.cpuRatio, { atMost: 0.25 }),
    objective('memory, as a share of Kafka Streams by default', summary.memoryRatio, { atMost: 0.4 }),
  ].filter(each => each !== undefined)
}

function ofLatency(summary: LatencySummary): readonly Objective[] {
  const p99Of = (begin: string): number[] =>
    Object.entries(summary)
      .filter(([name]) => name.startsWith(begin))
      .map(([, { p99 }]) => p99)
  const ours = p99Of('tributary')
  const theirs = p99Of('kafka-streams')
  if (ours.length === 0) return []
  const best = Math.min(...ours)
  return [
    objective('latency p99, ms', best, { atMost: 15 }),
    theirs.length === 0
      ? undefined
      : objective('latency p99, as a share of Kafka Streams at its best', best / Math.min(...theirs), {
          atMost: 1,
        }),
  ].filter(each => each !== undefined)
}

function ofTables(summary: TablesSummary): readonly Objective[] {
  const loaded = summary['tributary'] ?? {}
  const store = summary['slab-store'] ?? {}
  return [
    objective('a large table: rows loaded/s', loaded['loadRowsPerSecond'], { atLeast: 1_000_000 }),
    objective('a large table: RSS, MiB', loaded['loadedRssMiB'], { atMost: 1_200 }),
    objective('a large table: longest pause while loading, ms', loaded['longestLoadPauseMs'], { atMost: 20 }),
    objective('a large table: longest thousand lookups, ms', store['longestThousandLookupsMs'], {
      atMost: 20,
    }),
    objective('a large table: longest update or delete, ms', store['longestChangeMs'], { atMost: 20 }),
    objective('a large table: lookups/s one by one, two fields decoded', store['lookupsPerSecond'], {
      atLeast: 2_000_000,
    }),
    objective('the same, 32 keys known ahead', store['lookupsAheadPerSecond'], { atLeast: 2_000_000 }),
  ].filter(each => each !== undefined)
}

/** Undefined for what was not measured. */
function objective(what: string, measured: number | null | undefined, limit: Limit): Objective | undefined {
  if (measured === null || measured === undefined) return undefined
  const { atLeast = -Infinity, atMost = Infinity } = limit
  return {
    what,
    wanted: limit.atLeast === undefined ? `≤ ${plain(atMost)}` : `≥ ${plain(atLeast)}`,
    measured: plain(measured),
    isReached: measured >= atLeast && measured <= atMost,
  }
}

function plain(value: number): string {
  return value >= 1_000 ? Math.round(value).toLocaleString('en') : String(Math.round(value * 100) / 100)
}
