import type { RunResult } from '../measure/one-run.ts'
import { median, medianRatio, type RoundPair } from '../measure/statistics.ts'

/** Medians over a contestant's runs. */
export interface Figures {
  readonly recordsPerSecond: number
  readonly cpuSecondsPerMillion: number
  readonly peakRssMiB: number
  readonly tableRowsPerSecond: number | null
}

/** The last line of `--json`. Null for what did not take part. */
export interface Summary {
  readonly records: number
  readonly tributary: Figures | null
  readonly kafkaStreams: Figures | null
  readonly kafkaStreamsTuned: Figures | null
  readonly handWritten: Figures | null
  /** As many as Kafka Streams, tuned, has threads. */
  readonly tributaryTwoProcesses: Figures | null
  /** Records per second; more than 1 is in our favour. */
  readonly ratioDefault: number | null
  /** One process, and thus one thread, against its two. */
  readonly ratioTuned: number | null
  /** Two against two. */
  readonly ratioTunedTwoProcesses: number | null
  /** Processor time per record and memory against Kafka Streams' default; less than 1 is in our favour. */
  readonly cpuRatio: number | null
  readonly memoryRatio: number | null
}

type Measure = 'recordsPerSecond' | 'cpuSecondsPerMillion' | 'peakRssMiB'

/** One thread, at its defaults but for the stores; the faster one of those that ran is what we are held against. */
const DEFAULTS = ['kafka-streams', 'kafka-streams-in-memory']

export function summarize(records: number, runs: readonly RunResult[]): Summary {
  const theirDefault = DEFAULTS.filter(name => runs.some(run => run.contestant === name)).toSorted(
    (a, b) => medianOf(runs, b, 'recordsPerSecond') - medianOf(runs, a, 'recordsPerSecond'),
  )[0]
  const ratio = (theirs: string | undefined, measure: Measure): number | null =>
    theirs === undefined ? null : ratioOf(runs, ['tributary', theirs], measure)
  return {
    records,
    tributary: figuresOf(runs, 'tributary'),
    kafkaStreams: theirDefault === undefined ? null : figuresOf(runs, theirDefault),
    kafkaStreamsTuned: figuresOf(runs, 'kafka-streams-tuned'),
    handWritten: figuresOf(runs, 'hand-written'),
    tributaryTwoProcesses: figuresOf(runs, 'tributary-two-processes'),
    ratioDefault: ratio(theirDefault, 'recordsPerSecond'),
    ratioTuned: ratio('kafka-streams-tuned', 'recordsPerSecond'),
    ratioTunedTwoProcesses: ratioOf(
      runs,
      ['tributary-two-processes', 'kafka-streams-tuned'],
      'recordsPerSecond',
    ),
    cpuRatio: ratio(theirDefault, 'cpuSecondsPerMillion'),
    memoryRatio: ratio(theirDefault, 'peakRssMiB'),
  }
}

/** Null for a contestant that did not take part. */
export function figuresOf(runs: readonly RunResult[], contestant: string): Figures | null {
  const own = runs.filter(run => run.contestant === contestant)
  if (own.length === 0) return null
  const loads = own.map(run => run.tableRowsPerSecond).filter(value => value !== undefined)
  return {
    recordsPerSecond: Math.round(medianOf(runs, contestant, 'recordsPerSecond')),
    cpuSecondsPerMillion: rounded(medianOf(runs, contestant, 'cpuSecondsPerMillion')),
    peakRssMiB: Math.round(medianOf(runs, contestant, 'peakRssMiB')),
    tableRowsPerSecond: loads.length === 0 ? null : Math.round(median(loads)),
  }
}

/** Of the first named to the second, round by round. Null without a common round. */
export function ratioOf(
  runs: readonly RunResult[],
  [ours, theirs]: readonly [string, string],
  measure: Measure,
): number | null {
  const pairs = runs.flatMap((run): RoundPair[] => {
    if (run.contestant !== ours) return []
    const other = runs.find(each => each.contestant === theirs && each.round === run.round)
    return other === undefined ? [] : [{ round: run.round, ours: run[measure], theirs: other[measure] }]
  })
  return pairs.length === 0 ? null : rounded(medianRatio(pairs))
}

function medianOf(runs: readonly RunResult[], contestant: string, measure: Measure): number {
  return median(runs.filter(run => run.contestant === contestant).map(run => run[measure]))
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
