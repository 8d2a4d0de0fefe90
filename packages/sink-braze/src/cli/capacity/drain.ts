import { HOUR_OPENING } from '../../hour-budget.ts'
import { HOUR_SECONDS, placeSeconds, type Limits, type Load } from './load.ts'

const TEN_YEARS_SECONDS = 10 * 365 * 24 * HOUR_SECONDS

/** A part of each hour in which requests leave at one rate. */
interface Phase {
  readonly seconds: number
  readonly requestsPerSecond: number
}

/**
 * How long a backlog takes while new events go on arriving, from the beginning of the first hour. Full requests leave at the
 * burst limit until the hour's opening is spent, and from then on as the rest of its budget accrues. Infinity when the backlog
 * does not shrink over all the given hours, or not within ten years.
 */
export function drainSeconds(load: Load, limits: Limits, objectsPerEvent: number): number {
  const phases = phasesOf(limits, placeSeconds(load))
  let left = (load.backlog ?? 0) / load.fill
  for (let elapsed = 0; elapsed < TEN_YEARS_SECONDS;) {
    const before = left
    for (const eventsPerSecond of load.hours) {
      const arriving = (eventsPerSecond * objectsPerEvent) / load.fill
      for (const { seconds, requestsPerSecond } of phases) {
        const shrinking = requestsPerSecond - arriving
        if (left <= shrinking * seconds) return elapsed + left / shrinking
        left -= shrinking * seconds
        elapsed += seconds
      }
    }
    if (left >= before) return Infinity
  }
  return Infinity
}

function phasesOf({ perWindow, perHour }: Limits, windowSeconds: number): readonly Phase[] {
  const burst = perWindow / windowSeconds
  const accruing = perHour === undefined ? Infinity : (perHour * (1 - HOUR_OPENING)) / HOUR_SECONDS
  if (perHour === undefined || accruing >= burst) return [{ seconds: HOUR_SECONDS, requestsPerSecond: burst }]
  const opening = Math.min(HOUR_SECONDS, (perHour * HOUR_OPENING) / (burst - accruing))
  return [
    { seconds: opening, requestsPerSecond: burst },
    { seconds: HOUR_SECONDS - opening, requestsPerSecond: accruing },
  ]
}
