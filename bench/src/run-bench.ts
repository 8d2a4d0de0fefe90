import type { ProcessGroup } from '../../dev/stack/process-group.ts'
import { prepareContestants } from './contestants/prepare.ts'
import { prepareGround } from './ground.ts'
import { prepareJob } from './job/job.ts'
import { JobRecords } from './job/records.ts'
import { runContestant, type RunResult } from './measure/one-run.ts'
import type { BenchOptions } from './options.ts'
import { runLine } from './report/table.ts'

export interface BenchRun {
  readonly group: ProcessGroup
  readonly logDirectory: string
  readonly say: (line: string) => void
}

const PREFIX = 'bench'

/** All runs, in the order in which they were made. @throws BenchError, StackError */
export async function runBench(run: BenchRun, options: BenchOptions): Promise<readonly RunResult[]> {
  const { say } = run
  const ground = await prepareGround(run.group, run.logDirectory)
  const ready = await prepareContestants(ground, options, say)
  const records = new JobRecords(options.seed, options.variant, options.size)
  const job = await prepareJob(ground, records, { prefix: PREFIX, say })
  const results: RunResult[] = []
  // In turns, so that what slows the machine down for a while meets them all.
  for (let round = 1; round <= options.runs; round += 1) {
    for (const { contestant, command } of ready) {
      const result = await runContestant(ground, job, { contestant, command, prefix: PREFIX, round })
      results.push(result)
      say(runLine(result))
    }
  }
  return results
}
