import type { ApplicationView } from '../snapshot.ts'
import { sloOf } from './objective.ts'
import { sumOf } from './prometheus-text.ts'
import { DEAD_LETTER_WINDOW_MS, type Watched } from './problems.ts'

/** The instances that answer, by their application. */
export function applicationViews(watched: readonly Watched[]): readonly ApplicationView[] {
  const known = watched.filter(({ view }) => view.isReachable && view.application !== undefined)
  return Array.from(
    Map.groupBy(known, ({ view }) => view.application ?? ''),
    ([name, members]) => applicationView(name, members),
  )
}

function applicationView(name: string, members: readonly Watched[]): ApplicationView {
  const partitions = members.flatMap(({ view }) => view.partitions)
  const total = (metric: string): number =>
    members.reduce((sum, { seen }) => sum + (seen.answer ? sumOf(seen.answer.scrape, metric) : 0), 0)
  return {
    name,
    instances: members.length,
    partitions: partitions.length,
    lagRecords: partitions.reduce((sum, { lag }) => sum + Math.max(lag, 0), 0),
    lagMs: Math.max(0, ...partitions.map(({ lagMs }) => lagMs)),
    inPerSecond: members.reduce((sum, { view }) => sum + view.inPerSecond, 0),
    outPerSecond: members.reduce((sum, { view }) => sum + view.outPerSecond, 0),
    deadLettersLastMinute: members.reduce(
      (sum, { seen }) => sum + seen.window.increase('tributary_dead_letters_total', DEAD_LETTER_WINDOW_MS),
      0,
    ),
    deadLetters: total('tributary_dead_letters_total'),
    slo: sloOf(members),
  }
}
