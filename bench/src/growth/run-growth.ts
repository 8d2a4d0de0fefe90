import { prepareContestants } from '../contestants/prepare.ts'
import { GROWING_CONTESTANT } from '../contestants/all.ts'
import { prepareGround } from '../ground.ts'
import { prepareJob } from '../job/job.ts'
import { JobRecords } from '../job/records.ts'
import { PLAIN } from '../job/variant.ts'
import { runContestant, type RunResult } from '../measure/one-run.ts'
import { dropTopics } from '../measure/processes.ts'
import type { GrowthOptions } from '../options.ts'
import { runLine } from '../report/table.ts'
import type { BenchRun } from '../run-bench.ts'
import type { AxisName } from './axes.ts'

export interface GrowthResult extends RunResult {
  readonly axis: AxisName
  readonly point: number
}

/**
 * Tributary alone, point by point. What comes out is verified at every point, as in the comparison.
 * @throws BenchError, StackError
 */
export async function runGrowth(run: BenchRun, options: GrowthOptions): Promise<readonly GrowthResult[]> {
  const { say } = run
  const ground = await prepareGround(run.group, run.logDirectory)
  const contestants = [GROWING_CONTESTANT]
  const [ready] = await prepareContestants(ground, { contestants, variant: PLAIN }, say)
  const results: GrowthResult[] = []
  for (const axis of options.axes) {
    for (const point of axis.points) {
      if (axis.name === 'rows' && point > options.maxRows) continue
      const { variant, size } = axis.at(point, options.bookings)
      const prefix = `growth-${axis.name}-${point}`
      say(`${point} ${axis.title}:`)
      const job = await prepareJob(ground, new JobRecords(options.seed, variant, size), { prefix, say })
      for (let round = 1; round <= options.runs; round += 1) {
        const result = await runContestant(ground, job, { ...ready!, prefix, round })
        results.push({ ...result, axis: axis.name, point })
        say(runLine(result))
      }
      await dropTopics(ground, prefix)
    }
  }
  return results
}
