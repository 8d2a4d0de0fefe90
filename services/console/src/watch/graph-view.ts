import type { StepOutline } from '@tributary/topology'
import type { GraphView, PartitionView, StepView } from '../snapshot.ts'
import { RATE_MS } from './instance-view.ts'
import { DEAD_LETTER_WINDOW_MS, type Watched } from './problems.ts'
import { sumOf } from './prometheus-text.ts'

/** One graph per application, its figures added up over the instances that answer. */
export function graphViews(watched: readonly Watched[], lagWarningMs: number): readonly GraphView[] {
  const answering = watched.filter(({ seen, view }) => view.isReachable && seen.answer?.outline !== undefined)
  return Array.from(
    Map.groupBy(answering, ({ seen }) => seen.answer?.outline?.application ?? ''),
    ([application, members]) => ({
      application,
      steps: (members[0]?.seen.answer?.outline?.steps ?? []).map(step =>
        stepView(step, members, lagWarningMs),
      ),
    }),
  )
}

function stepView(step: StepOutline, members: readonly Watched[], lagWarningMs: number): StepView {
  const { name, kind, inputs, reads, writes, table } = step
  const labels = { step: name }
  const total = (metric: string): number =>
    members.reduce((sum, { seen }) => sum + (seen.answer ? sumOf(seen.answer.scrape, metric, labels) : 0), 0)
  const perSecond = (metric: string): number =>
    members.reduce((sum, { seen }) => sum + seen.window.perSecond(metric, RATE_MS, labels), 0)
  const lastMinute = (metric: string): number =>
    members.reduce((sum, { seen }) => sum + seen.window.increase(metric, DEAD_LETTER_WINDOW_MS, labels), 0)
  const partitions = reads === undefined ? [] : partitionsOf(reads, members)
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
    dropped: byLabel(members, DROPPED, { name, label: 'reason' }),
    deadLetters: byLabel(members, DEAD_LETTERS, { name, label: 'code' }),
    droppedLastMinute: lastMinute(DROPPED),
    deadLettersLastMinute: lastMinute(DEAD_LETTERS),
    lag: reads === undefined ? undefined : partitions.reduce((sum, { lag }) => sum + Math.max(lag, 0), 0),
    isLate: partitions.some(({ lag, lagMs }) => lag > 0 && lagMs > lagWarningMs),
  }
}

const DROPPED = 'tributary_dropped_records_total'
const DEAD_LETTERS = 'tributary_dead_letters_total'

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

function partitionsOf(topic: string, members: readonly Watched[]): readonly PartitionView[] {
  return members.flatMap(({ view }) => view.partitions).filter(partition => partition.topic === topic)
}
