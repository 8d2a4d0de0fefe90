import type { Problem, SloView } from '../snapshot.ts'
import { duration, percent } from '../words.ts'
import type { Watched } from './problems.ts'
import { sumOf } from './prometheus-text.ts'

const SECONDS = 'tributary_slo_seconds_total'
const GOOD = 'tributary_slo_good_seconds_total'
const MINUTE_MS = 60_000

/** Undefined as long as none of them has been judged. */
export function sloOf(members: readonly Watched[]): SloView | undefined {
  const each = (metric: string): number[] =>
    members.map(({ seen }) => (seen.answer ? sumOf(seen.answer.scrape, metric) : 0))
  const total = (metric: string): number => each(metric).reduce((sum, value) => sum + value, 0)
  const seconds = total(SECONDS)
  if (seconds === 0) return undefined
  const objective = Math.max(...each('tributary_slo_objective_ratio'))
  return { objective, good: total(GOOD) / seconds, seconds }
}

/** The objective looks at all of the time, so it can be missed while all is well: that is said, and how long it takes. */
export function objectiveMissed(
  name: string,
  members: readonly Watched[],
  isBehind: boolean,
): readonly Problem[] {
  const slo = sloOf(members)
  if (slo === undefined || slo.good >= slo.objective) return []
  const { objective, good } = slo
  // Seconds of all processes; what is told is by the clock on the wall.
  const wallMs = (seconds: number): number => (seconds * 1_000) / members.length
  const lostOfLate = members.reduce(
    (sum, { seen: { window } }) =>
      sum + window.increase(SECONDS, MINUTE_MS) - window.increase(GOOD, MINUTE_MS),
    0,
  )
  const text = `${name} has missed its objective since the start: without lag for ${percent(good)} of the time, and ${percent(objective)} is asked for.`
  if (lostOfLate >= 1)
    return [
      {
        severity: 'warning',
        text,
        advice: `It is being missed: ${duration(wallMs(lostOfLate))} of the last minute were lost. The page Lag says which application is behind, an instance which of its partitions is not OK.`,
        page: '#/lag',
      },
    ]
  return [
    {
      severity: 'notice',
      text,
      advice: `${isBehind ? '' : 'It is well now, and nothing has to be done: '}${duration(wallMs((1 - good) * slo.seconds))} were lost, ${recovery(slo, wallMs)}. When it was is on the page Lag, as far back as this console has looked.`,
      page: '#/lag',
    },
  ]
}

/** Lost seconds are the allowed part of a time that is so much longer. */
function recovery({ objective, good, seconds }: SloView, wallMs: (seconds: number) => number): string {
  if (objective >= 1) return 'which an objective of 100 % never forgives'
  const neededSeconds = ((1 - good) * seconds) / (1 - objective) - seconds
  return `which ${duration(wallMs(neededSeconds))} without any lag make up for`
}
