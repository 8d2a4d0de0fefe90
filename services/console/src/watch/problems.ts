import type { InstanceView, PartitionView, Problem } from '../snapshot.ts'
import { duration, plural, some } from '../words.ts'
import type { Observation } from './instance-view.ts'
import { objectiveMissed } from './objective.ts'
import { sumOf } from './prometheus-text.ts'

export const DEAD_LETTER_WINDOW_MS = 60_000

/** One process, as observed and as shown. */
export interface Watched {
  readonly seen: Observation
  readonly view: InstanceView
}

/** What is wrong, in words, the worst first. What one cause explains is said once. */
export function problemsOf(
  watched: readonly Watched[],
  { nowMs, lagWarningMs }: { readonly nowMs: number; readonly lagWarningMs: number },
): readonly Problem[] {
  const answering = watched.filter(({ view }) => view.isReachable)
  const applications = byApplication(answering)
  const found = [
    ...watched.filter(({ view }) => !view.isReachable).map(({ view }) => unreachable(view, nowMs)),
    ...answering.flatMap(notReady),
    ...deliveriesShutOut(answering),
    ...answering.flatMap(tablesNotLive),
    ...applications.flatMap(each => lagging(each, lagWarningMs)),
    ...applications.flatMap(deadLettersArriving),
    ...applications.flatMap(each => {
      const isBehind = lagging(each, lagWarningMs).length + deliveriesShutOut(each.members).length > 0
      return objectiveMissed(each.name, each.members, isBehind)
    }),
  ]
  // A stable sort: within a severity the order above stays.
  return found.toSorted((a, b) => rank(a) - rank(b))
}

function rank({ severity }: Problem): number {
  return ['critical', 'warning', 'notice'].indexOf(severity)
}

function unreachable({ name, failure, seenAtMs }: InstanceView, nowMs: number): Problem {
  const since =
    seenAtMs === undefined ? 'has not answered yet' : `last answered ${duration(nowMs - seenAtMs)} ago`
  return {
    severity: 'critical',
    text: `${name} cannot be reached: ${failure ?? 'not asked yet'}.`,
    advice: `It ${since}. If it is gone, the others take its partitions over when its session ends.`,
    page: '#/',
  }
}

/** Tables and deliveries have sentences of their own. */
function notReady({ view }: Watched): readonly Problem[] {
  if (view.state === 'failed')
    return [
      {
        severity: 'critical',
        text: `${view.name} has failed and processes nothing.`,
        advice: 'Its log says why; it must be started anew.',
        page: '#/',
      },
    ]
  const reasons = view.reasons.filter(reason => !reason.startsWith('table ') && !/^[^ ]+: /.test(reason))
  if (reasons.length === 0) return []
  return [
    {
      severity: 'warning',
      text: `${view.name} is not ready: ${reasons.join('; ')}.`,
      advice: 'While it starts, closes or rebalances this passes by itself.',
      page: '#/',
    },
  ]
}

/** Processes that are shut out for one reason are told as one. */
function deliveriesShutOut(watched: readonly Watched[]): readonly Problem[] {
  const found = watched.flatMap(each => {
    const cause = shutOutBy(each)
    return cause === undefined ? [] : [{ name: each.view.name, ...cause }]
  })
  return Array.from(
    Map.groupBy(found, ({ text }) => text),
    ([text, members]) => ({
      severity: 'critical',
      text: `${some(members.map(({ name }) => name))} ${members.length === 1 ? 'delivers' : 'deliver'} nothing to ${text}.`,
      advice: `Nothing is lost: records wait in Kafka, uncommitted, and are delivered once it is over.${members[0]?.inFull ?? ''}`,
      page: '#/sink',
    }),
  )
}

function shutOutBy(each: Watched): { readonly text: string; readonly inFull: string } | undefined {
  const { scrape } = each.seen.answer ?? {}
  const isShutOut = scrape !== undefined && sumOf(scrape, 'tributary_braze_problem') > 0
  const reason = deliveryReason(each.view)
  if (!isShutOut && reason === undefined) return undefined
  const brief = briefReason(each)
  return {
    text: `${isShutOut ? 'Braze' : 'its destination'}: ${brief ?? 'it is shut out'}`,
    inFull: brief === reason ? '' : ` In full: ${reason}.`,
  }
}

/** What Braze said is short; where it is behind the reason, it stands for it. */
export function briefReason({ seen, view }: Watched): string | undefined {
  const reason = deliveryReason(view)
  const { says, status } = seen.answer?.status.braze?.latestErrors?.[0] ?? {}
  return says !== undefined && status !== undefined && reason?.includes(says) === true
    ? `it says “${says}” (${status})`
    : reason
}

/** Of the reasons that a process gives for being unready, the one that begins with the step that delivers. */
export function deliveryReason({ reasons }: InstanceView): string | undefined {
  return reasons.find(each => !each.startsWith('table ') && /^[^ ]+: /.test(each))?.replace(/^[^ ]+: /, '')
}

function tablesNotLive({ seen, view }: Watched): readonly Problem[] {
  return (seen.answer?.status.tables ?? [])
    .filter(({ state }) => state !== 'live')
    .map(({ table, topic, state, lag, stalenessMs }) => ({
      severity: state === 'failed' ? ('critical' as const) : ('warning' as const),
      text: `Table ${table} of ${view.name} is ${state === 'stale' ? `stale: no news of ${topic} for ${duration(stalenessMs)}` : state}.`,
      advice:
        state === 'loading'
          ? `${plural(lag, 'record')} to read; records that need the table wait until it is loaded.`
          : state === 'stale'
            ? 'Joins go on with the rows as they were.'
            : 'Only an operator can help; the log of the process says why.',
      page: '#/tables',
    }))
}

interface Application {
  readonly name: string
  readonly members: readonly Watched[]
}

function byApplication(watched: readonly Watched[]): readonly Application[] {
  const named = watched.filter(({ view }) => view.application !== undefined)
  return Array.from(
    Map.groupBy(named, ({ view }) => view.application ?? ''),
    ([name, members]) => ({ name, members }),
  )
}

const STUCK: ReadonlySet<string | undefined> = new Set(['STOP', 'STALL', 'REWIND'])

function lagging({ name, members }: Application, lagWarningMs: number): readonly Problem[] {
  const late = members
    .flatMap(({ view }) => view.partitions)
    .filter(({ lag, lagMs, verdict }) => lag > 0 && (lagMs > lagWarningMs || STUCK.has(verdict)))
  return Array.from(
    Map.groupBy(late, ({ topic }) => topic),
    ([topic, partitions]) =>
      lagProblem(
        { application: name, topic, isShutOut: members.some(each => shutOutBy(each) !== undefined) },
        partitions,
      ),
  )
}

interface LaggingTopic {
  readonly application: string
  readonly topic: string
  /** Of some of its processes. */
  readonly isShutOut: boolean
}

function lagProblem(
  { application, topic, isShutOut }: LaggingTopic,
  partitions: readonly PartitionView[],
): Problem {
  const records = partitions.reduce((sum, { lag }) => sum + lag, 0)
  const oldestMs = Math.max(...partitions.map(({ lagMs }) => lagMs))
  const stuck = partitions.filter(({ verdict }) => STUCK.has(verdict))
  const where = partitionsText(partitions)
  return {
    severity: stuck.length > 0 ? 'critical' : 'warning',
    text: `${application} is behind in ${topic}, ${where}: the oldest unfinished record is ${duration(oldestMs)} old.`,
    advice:
      stuck.length > 0
        ? `${plural(records, 'record')} wait, and ${partitionsText(stuck)} ${stuck.length === 1 ? 'does' : 'do'} not move (${[...new Set(stuck.map(({ verdict }) => verdict))].join(', ')}).`
        : `${plural(records, 'record')} wait; ${isShutOut ? 'they go on once deliveries do' : 'it moves'}.`,
    page: '#/lag',
  }
}

function partitionsText(partitions: readonly PartitionView[]): string {
  const numbers = partitions.map(({ partition }) => partition).toSorted((a, b) => a - b)
  return `partition${numbers.length === 1 ? '' : 's'} ${some(numbers)}`
}

function deadLettersArriving({ name, members }: Application): readonly Problem[] {
  const counts = new Map<string, number>()
  for (const { seen } of members) {
    for (const { labels } of seen.answer?.scrape.get('tributary_dead_letters_total') ?? []) {
      const where = `${labels['code']} at ${labels['step']}`
      const grown = seen.window.increase('tributary_dead_letters_total', DEAD_LETTER_WINDOW_MS, labels)
      if (grown > 0) counts.set(where, (counts.get(where) ?? 0) + grown)
    }
  }
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0)
  if (total === 0) return []
  const causes = [...counts].toSorted((a, b) => b[1] - a[1]).map(([where, count]) => `${where} (${count})`)
  return [
    {
      severity: 'warning',
      text: `${name} has written ${plural(total, 'dead letter')} in the last minute.`,
      advice: `${some(causes, 3)}. The stream goes on without them; they can be looked at and replayed.`,
      page: '#/dead-letters',
    },
  ]
}
