import type { DomainEvent } from '@tributary/marketing-events'
import { eventIdOf, type Received, type ReceivedEvent } from './verify/compare.ts'
import type { Expectation } from './verify/expected.ts'

/** The figures of a run, as `--json` prints them. */
export interface Figures {
  readonly domainEvents: number
  /** Records in the topic. */
  readonly marketingEvents: number
  /** Events that Braze has taken in. */
  readonly brazeEvents: number
  readonly brazeRequests: number
  /** Objects per request that Braze accepted; it takes 75 at most. */
  readonly meanBatchFill: number
  readonly deadLetters: number
  readonly missing: number
  readonly duplicates: number
  readonly outOfOrder: number
  readonly wrongProperties: number
  readonly lagAtEnd: number
  /** From the first record published to the last one delivered. */
  readonly seconds: number
}

export interface Outcome {
  readonly figures: Figures
  /** Requests that came with a user of another one under way. */
  readonly overlaps: number
  readonly malformed: number
  /** Partitions per process, by service. */
  readonly shares: Readonly<Record<string, readonly number[]>>
  /** The first differences, one sentence each. */
  readonly differences: readonly string[]
}

/** Where there is no terminal that would tell. */
const USUAL_COLUMNS = 120

/** Everything that a run ends with: a booking on its way, the figures, the verdict. */
export function reportText({
  outcome,
  received,
  expected,
  columns,
}: {
  readonly outcome: Outcome
  readonly received: Received
  readonly expected: Expectation
  /** Of the terminal; 0 when there is none. */
  readonly columns: number
}): string {
  const parts: string[] = []
  const bookings = received.events.filter(({ name }) => name === 'booking_completed')
  const booking = bookings.find(hasOneOtherPlan) ?? bookings[0]
  const source = booking === undefined ? undefined : expected.sources.get(eventIdOf(booking) ?? '')
  if (booking !== undefined && source !== undefined) parts.push(besideEachOther(source, booking, columns))
  parts.push(summaryTable(outcome))
  const faults = faultsOf(outcome)
  parts.push(
    faults.length === 0
      ? 'Braze has exactly what the inputs give.'
      : faults.map(fault => `✗ ${fault}`).join('\n'),
  )
  return `\n${parts.join('\n\n')}`
}

/** Tells more than a booking of somebody without other plans, and is not long. */
function hasOneOtherPlan({ properties }: ReceivedEvent): boolean {
  const others = properties?.['other_upcoming_activities']
  return Array.isArray(others) && others.length === 1
}

/** What speaks against the run, one sentence each; empty when it is as it must be. */
export function faultsOf({ figures, overlaps, malformed, differences }: Outcome): readonly string[] {
  const faults = [...differences]
  const { missing, duplicates, outOfOrder, wrongProperties, deadLetters, lagAtEnd } = figures
  const named = { missing, 'arrived twice': duplicates, 'out of order': outOfOrder, wrong: wrongProperties }
  const counts = Object.entries(named).filter(([, count]) => count > 0)
  if (counts.length > 0)
    faults.push(`In all: ${counts.map(([what, count]) => `${count} ${what}`).join(', ')}.`)
  if (deadLetters !== malformed) {
    faults.push(`There are ${deadLetters} dead letters, expected are ${malformed}.`)
  }
  if (lagAtEnd !== 0) faults.push(`${lagAtEnd} records were not committed in the end.`)
  if (overlaps !== 0)
    faults.push(`${overlaps} requests came while another one with the same user was under way.`)
  return faults
}

function summaryTable({ figures, overlaps, malformed, shares }: Outcome): string {
  const { domainEvents, seconds } = figures
  const rows: [string, string][] = [
    [
      'domain events',
      `${count(domainEvents)}${malformed > 0 ? ` and ${count(malformed)} malformed records` : ''}`,
    ],
    ['marketing events', count(figures.marketingEvents)],
    ['events in Braze', count(figures.brazeEvents)],
    [
      'requests to Braze',
      `${count(figures.brazeRequests)}, ${figures.meanBatchFill} of 75 objects on average`,
    ],
    ['dead letters', count(figures.deadLetters)],
    ['missing', count(figures.missing)],
    ['twice', count(figures.duplicates)],
    ['out of order', count(figures.outOfOrder)],
    ['wrong properties', count(figures.wrongProperties)],
    ['one user in two requests', count(overlaps)],
    ['lag at the end', count(figures.lagAtEnd)],
    ['time', `${seconds} s, ${count(Math.round(domainEvents / seconds))} domain events a second`],
    ...Object.entries(shares).map(([service, partitions]): [string, string] => [
      `partitions of ${service}`,
      partitions.join(' + '),
    ]),
  ]
  const [left, right] = [0, 1].map(column => Math.max(...rows.map(row => row[column]!.length))) as [
    number,
    number,
  ]
  const rule = (start: string, cross: string, end: string): string =>
    `${start}${'─'.repeat(left + 2)}${cross}${'─'.repeat(right + 2)}${end}`
  const lines = rows.map(([name, value]) => `│ ${name.padEnd(left)} │ ${value.padEnd(right)} │`)
  return [rule('┌', '┬', '┐'), ...lines, rule('└', '┴', '┘')].join('\n')
}

/** A domain event beside what has become of it. */
function besideEachOther(event: DomainEvent, arrived: ReceivedEvent, columns: number): string {
  const { external_id, name, time, properties } = arrived
  const left = ['The domain event', '', ...pretty(event)]
  const right = ['As it arrived at Braze', '', ...pretty({ external_id, name, time, properties })]
  const width = Math.max(...left.map(line => line.length)) + 3
  if (width + Math.max(...right.map(line => line.length)) > (columns || USUAL_COLUMNS)) {
    return [...left, '', ...right].join('\n')
  }
  const lines = Array.from({ length: Math.max(left.length, right.length) }, (_, index) =>
    `${(left[index] ?? '').padEnd(width)}${right[index] ?? ''}`.trimEnd(),
  )
  return lines.join('\n')
}

function pretty(value: unknown): string[] {
  return JSON.stringify(value, null, 2).split('\n')
}

function count(value: number): string {
  return value.toLocaleString('en')
}
