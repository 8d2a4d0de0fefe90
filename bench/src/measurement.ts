import { relative } from 'node:path'
import { newLogDirectory } from '../../dev/stack/log-directory.ts'
import { ProcessGroup } from '../../dev/stack/process-group.ts'
import { USUAL_CONTESTANTS } from './contestants/all.ts'
import { runGrowth } from './growth/run-growth.ts'
import { growthTable, summarizeGrowth } from './growth/summary.ts'
import { runLatency } from './latency/run-latency.ts'
import { latencyTable, summarizeLatency } from './latency/summary.ts'
import type { BenchOptions, Measurement } from './options.ts'
import { summarize } from './report/summary.ts'
import { resultTable } from './report/table.ts'
import { runBench, type BenchRun } from './run-bench.ts'
import { runTables } from './tables/run-tables.ts'
import { summarizeTables, tablesTable } from './tables/summary.ts'

export interface Outcome {
  /** Of the results file. */
  readonly name: string
  readonly summary: object
  readonly details: object
  /** For the terminal. */
  readonly text: string
}

/** Measurements, one after another. */
export class Measurer {
  readonly #say: (line: string) => void
  #group: ProcessGroup | undefined
  #isStopping = false

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  /** It was interrupted: whatever was under way fails, and nobody wants to know. */
  get isStopping(): boolean {
    return this.#isStopping
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await this.#group?.stop()
  }

  /** On a broker and a registry of its own, which are gone afterwards. @throws BenchError, StackError */
  async measure(measurement: Measurement): Promise<Outcome> {
    const group = new ProcessGroup()
    this.#group = group
    try {
      const logDirectory = await newLogDirectory('bench')
      this.#say(`Logs are in ${relative(process.cwd(), logDirectory)}.`)
      return await outcomeOf(measurement, { group, logDirectory, say: this.#say })
    } finally {
      await group.stop()
    }
  }
}

/** A plain comparison that lacks some of the usual contestants is kept apart from the one that has them. */
function comparisonName({ variant, contestants }: BenchOptions): string {
  const names = contestants.map(({ name }) => name)
  const hasUsual = USUAL_CONTESTANTS.every(name => names.includes(name))
  return variant.name === 'plain' && !hasUsual ? 'others' : variant.name
}

async function outcomeOf(measurement: Measurement, run: BenchRun): Promise<Outcome> {
  switch (measurement.kind) {
    case 'compare': {
      const { options } = measurement
      const runs = await runBench(run, options)
      const summary = summarize(options.size.bookings, runs)
      const text = resultTable(runs, options.contestants)
      return { name: comparisonName(options), summary, details: { runs }, text }
    }
    case 'latency': {
      const runs = await runLatency(run, measurement.options)
      const summary = summarizeLatency(runs)
      const text = latencyTable(summary, measurement.options.contestants)
      return { name: 'latency', summary, details: { runs }, text }
    }
    case 'tables': {
      const runs = await runTables(run, measurement.options)
      const summary = summarizeTables(runs)
      return { name: 'tables', summary, details: { runs }, text: tablesTable(summary) }
    }
    case 'growth': {
      const runs = await runGrowth(run, measurement.options)
      const summary = summarizeGrowth(runs)
      return { name: 'growth', summary, details: { runs }, text: growthTable(summary) }
    }
  }
}
