import { newLogDirectory } from '../stack/log-directory.ts'
import type { ProcessGroup } from '../stack/process-group.ts'
import { refusal, type DrillOptions } from './options.ts'
import { judgeBacklog, measureBacklog, type BacklogFigures, type BacklogOptions } from './real/backlog.ts'
import { RealGround } from './real/ground.ts'
import { realScenarios } from './real/scenarios.ts'
import { backlogText, outcomeText, resultOf, type DrillResult } from './report.ts'
import { runScenario } from './run-scenario.ts'
import type { Outcome } from './scenario.ts'
import { answers } from './scenarios/answers.ts'
import { brokenAnswers } from './scenarios/broken.ts'
import { limits } from './scenarios/limits.ts'
import { order } from './scenarios/order.ts'
import { outages } from './scenarios/outages.ts'
import { replicas } from './scenarios/replicas.ts'
import { shaping } from './scenarios/shaping.ts'
import { shutOuts } from './scenarios/shut-out.ts'
import { tombstones } from './scenarios/tombstones.ts'

export interface DrillRun {
  readonly options: DrillOptions
  /** Stops everything that the drill has started. */
  readonly group: ProcessGroup
  readonly say: (line: string) => void
}

const GROUPS = [answers, shutOuts, limits, outages, brokenAnswers, shaping, tombstones, order, replicas]
const BACKLOG = 'backlog: the limit is used, never exceeded, and requests are full'
const FULL = { objects: 300_000, requestsPerSecond: 400 }
/** A run of tests shares its machine: the limit is one that it can reach all the same. */
const SHORT = { objects: 22_500, requestsPerSecond: 50 }

/** @throws DrillError, StackError */
export async function runDrill(run: DrillRun): Promise<DrillResult> {
  const { options, say } = run
  const isWanted = ({ name }: { readonly name: string }): boolean =>
    options.only === undefined || name.includes(options.only)
  const outcomes: Outcome[] = []
  const note = (outcome: Outcome): void => {
    outcomes.push(outcome)
    say(outcomeText(outcome))
  }
  const real = options.isShort ? [] : realScenarios.filter(isWanted)
  const hasBacklog = isWanted({ name: BACKLOG })
  // It gets ready while the scenarios are played whose clock does not mind.
  const starting = real.length > 0 || hasBacklog ? startGround(run.group) : undefined
  for (const group of GROUPS) {
    const scenarios = group.scenarios.filter(isWanted)
    if (scenarios.length > 0) say(group.name)
    for (const scenario of scenarios) {
      if (run.group.isStopping) break
      note(await runScenario(scenario, options.seed))
    }
  }
  let backlog: BacklogFigures | undefined
  if (starting !== undefined) {
    const ground = await starting
    say('processes')
    for (const scenario of real) note(await scenario.play(ground))
    if (hasBacklog) {
      const measured = { ...(options.isShort ? SHORT : FULL), seed: options.seed }
      backlog = await measureBacklog(ground, measured)
      note(backlogOutcome(backlog, measured))
      say(backlogText(backlog))
    }
  }
  if (outcomes.length === 0) throw refusal(`--only is '${options.only}', which no scenario's name holds`)
  return resultOf(outcomes, backlog)
}

function startGround(group: ProcessGroup): Promise<RealGround> {
  const starting = newLogDirectory('drill').then(logDirectory => RealGround.start({ group, logDirectory }))
  // Whoever waits for it hears of a failure; nobody may be waiting yet.
  starting.catch(() => undefined)
  return starting
}

function backlogOutcome(figures: BacklogFigures, options: BacklogOptions): Outcome {
  const { requests, requestsOverLimit, lost, userOrderViolations, seconds } = figures
  return {
    name: BACKLOG,
    problems: judgeBacklog(figures, { isLimitUseJudged: options.objects >= FULL.objects }),
    requests,
    requestsOverLimit,
    lost,
    userOrderViolations,
    seconds,
  }
}
