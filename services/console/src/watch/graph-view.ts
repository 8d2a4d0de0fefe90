import type { StepOutline } from '@tributary/topology'
import type { GraphView, StepView } from '../snapshot.ts'
import { RATE_MS } from './instance-view.ts'
import { DEAD_LETTER_WINDOW_MS, type Watched } from './problems.ts'
import { sumOf } from './prometheus-text.ts'

/** One graph per application, its figures added up over the instances that answer. */
export function graphViews(watched: readonly Watched[]): readonly GraphView[] {
  const answering = watched.filter(({ seen, view }) => view.isReachable && seen.answer?.outline !== undefined)
  return Array.from(
    Map.groupBy(answering, ({ seen }) => seen.answer?.outline?.application ?? ''),
    ([application, members]) => ({
      application,
      steps: (members[0]?.seen.answer?.outline?.steps ?? []).map(step => stepView(step, members)),
    }),
  )
}

function stepView(step: StepOutline, members: readonly Watched[]): StepView {
  const { name, kind, inputs, reads, writes, table } = step
  const labels = { step: name }
  const total = (metric: string): number =>
    members.reduce((sum, { seen }) => sum + (seen.answer ? sumOf(seen.answer.scrape, metric, labels) : 0), 0)
  const perSecond = (metric: string): number =>
    members.reduce((sum, { seen }) => sum + seen.window.perSecond(metric, RATE_MS, labels), 0)
  const ended = ['tributary_dropped_records_total', 'tributary_dead_letters_total'] as const
  return {
    name,
    kind,
    inputs,
    reads,
    writes,
    table,
    in: total('tributary_step_records_in_total'),
    out: total('tributary_step_records_out_total'),
    inPerSecond: perSecond('tributary_step_records_in_total'),
    outPerSecond: perSecond('tributary_step_records_out_total'),
    dropped: byLabel(members, ended[0], { name, label: 'reason' }),
    deadLetters: byLabel(members, ended[1], { name, label: 'code' }),
    endedLastMinute: members.reduce(
      (sum, { seen }) =>
        sum +
        ended.reduce((all, metric) => all + seen.window.increase(metric, DEAD_LETTER_WINDOW_MS, labels), 0),
      0,
    ),
    lag: reads === undefined ? undefined : lagOf(reads, members),
  }
}

function byLabel(
  members: readonly Watched[],
  metric: string,
  { name, label }: { readonly name: string; readonly label: string },
): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const { seen } of members)
    for (const { labels, value } of seen.answer?.scrape.get(metric) ?? []) {
      const key = labels[label] ?? ''
      if (labels['step'] === name) counts[key] = (counts[key] ?? 0) + value
    }
  return counts
}

function lagOf(topic: string, members: readonly Watched[]): number {
  return members
    .flatMap(({ view }) => view.partitions)
    .filter(partition => partition.topic === topic)
    .reduce((sum, { lag }) => sum + Math.max(lag, 0), 0)
}
