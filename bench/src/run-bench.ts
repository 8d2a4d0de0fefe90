import type { ProcessGroup } from '../../dev/stack/process-group.ts'
import { prepareContestants } from './contestants/prepare.ts'
import { prepareGround } from './ground.ts'
import { expectedOutput } from './job/expected.ts'
import { publishInputs } from './job/publish.ts'
import { JobRecords } from './job/records.ts'
import { runContestant, type RunResult } from './measure/one-run.ts'
import type { BenchOptions } from './options.ts'
import { runLine } from './report/table.ts'

export interface BenchRun {
  readonly group: ProcessGroup
  readonly logDirectory: string
  readonly say: (line: string) => void
}

/** All runs, in the order in which they were made. @throws BenchError, StackError */
export async function runBench(run: BenchRun, options: BenchOptions): Promise<readonly RunResult[]> {
  const { say } = run
  const ground = await prepareGround(run.group, run.logDirectory)
  const ready = await prepareContestants(ground, options.contestants, say)
  const records = new JobRecords(options.seed, options.variant, options.size)
  const startedAt = performance.now()
  await publishInputs(ground, records)
  const job = { records, expected: expectedOutput(records) }
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1)
  say(
    `${options.size.bookings} bookings published and recomputed in ${seconds} s; ${job.expected.count} outputs, SHA-256 ${job.expected.sha256.slice(0, 12)}.`,
  )
  const results: RunResult[] = []
  // In turns, so that what slows the machine down for a while meets them all.
  for (let round = 1; round <= options.runs; round += 1) {
    for (const { contestant, command } of ready) {
      const result = await runContestant(ground, job, { contestant, command, round })
      results.push(result)
      say(runLine(result))
    }
  }
  return results
}
