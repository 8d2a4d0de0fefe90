import { HOUR_SECONDS, WINDOW_SECONDS, type Limits, type Load } from './load.ts'

const TEN_YEARS_SECONDS = 10 * 365 * 24 * HOUR_SECONDS

/**
 * How long a backlog takes while new events go on arriving, from the beginning of the first hour. Full requests leave at the
 * burst limit until the hour's budget is spent; for the rest of that hour nothing does, and what arrives joins the backlog.
 * Infinity when it does not shrink over all the given hours, or not within ten years.
 */
export function drainSeconds(load: Load, limits: Limits, objectsPerEvent: number): number {
  const burst = limits.perWindow / WINDOW_SECONDS
  const sendingSeconds = Math.min(HOUR_SECONDS, (limits.perHour ?? Infinity) / burst)
  let left = (load.backlog ?? 0) / load.fill
  for (let elapsed = 0; elapsed < TEN_YEARS_SECONDS;) {
    const before = left
    for (const eventsPerSecond of load.hours) {
      const arriving = (eventsPerSecond * objectsPerEvent) / load.fill
      const shrinking = burst - arriving
      if (left <= shrinking * sendingSeconds) return elapsed + left / shrinking
      left -= shrinking * sendingSeconds
      left += arriving * (HOUR_SECONDS - sendingSeconds)
      elapsed += HOUR_SECONDS
    }
    if (left >= before) return Infinity
  }
  return Infinity
}
