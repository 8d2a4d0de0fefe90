import { styleText } from 'node:util'
import { percent, type Capacity } from './calculate.ts'
import { WINDOW_SECONDS } from './load.ts'
import type { Question } from './options.ts'
import type { Sharing } from './sharing.ts'

const SOURCES = `Sources: limits https://www.braze.com/docs/api/api_limits
         contracts by monthly active users https://www.braze.com/docs/api/endpoints/user_data/post_user_track
`

/** `sharing` is null without partitions, a limit null where there is none, a drain that never ends "never". */
export function jsonReport({ contract, load, limits }: Question, answer: Capacity): string {
  const { drainSeconds } = answer
  const report = {
    contract,
    limits: { per3s: limits.perWindow, perHour: limits.perHour ?? null },
    load: { ...load, partitions: load.partitions ?? null, backlog: load.backlog ?? null },
    ...answer,
    worstHour: {
      ...answer.worstHour,
      shareOfHour: answer.worstHour.shareOfHour ?? null,
      carriedEventsPerSecond: answer.worstHour.carriedEventsPerSecond ?? null,
    },
    sharing: answer.sharing ?? null,
    drainSeconds: drainInJson(drainSeconds),
    drainSecondsOfUpdates: drainInJson(answer.drainSecondsOfUpdates),
  }
  return `${JSON.stringify(report)}\n`
}

function drainInJson(seconds: number | undefined): number | 'never' | null {
  if (seconds === undefined) return null
  return seconds === Infinity ? 'never' : seconds
}

export function textReport(question: Question, answer: Capacity, hasColours: boolean): string {
  const paint = (colour: 'bold' | 'dim' | 'green' | 'red' | 'yellow', text: string): string =>
    hasColours ? styleText(colour, text, { validateStream: false }) : text
  const lines = [
    ...loadLines(question, answer),
    ...burstLines(question, answer),
    ...hourLines(question, answer),
    ...drainLines(question, answer),
    ...sharingLines(answer.sharing),
  ].map(([title, text]) => `${paint('bold', title.padEnd(14))}${text}`)
  const verdict = answer.carries
    ? paint('green', 'The limits carry it.')
    : paint('red', `The limits do not carry it: ${answer.reasons.join('; ')}.`)
  const advice = answer.advice.map(text => `${paint('yellow', 'Note:')} ${text}.`)
  return `${[...lines, '', ...advice, verdict, '', paint('dim', SOURCES)].join('\n')}`
}

type Line = readonly [title: string, text: string]

function loadLines({ load }: Question, { objectsPerEvent, peak }: Capacity): readonly Line[] {
  const { attributesPerEvent, suppressedShare, foldedShare, peakEventsPerSecond } = load
  return [
    [
      'Objects',
      `${figure(objectsPerEvent)} per event = 1 + ${figure(attributesPerEvent)} × (1 − ${figure(suppressedShare)} suppressed) × (1 − ${figure(foldedShare)} folded)`,
    ],
    [
      'Peak',
      `${figure(peak.objectsPerSecond)} objects/s = ${figure(peakEventsPerSecond)} events/s × ${figure(objectsPerEvent)}`,
    ],
    [
      '',
      `${figure(peak.requestsPerSecond)} requests/s = ${figure(peak.objectsPerSecond)} ÷ ${figure(load.fill)} objects in a request`,
    ],
  ]
}

function burstLines({ limits, load }: Question, { peak }: Capacity): readonly Line[] {
  const places = `${figure(peak.placesInWindow)} places in the window with those under way (${figure(load.latencyMs)} ms to an answer)`
  const share = `${percent(peak.shareOfWindow)} of ${figure(limits.perWindow)}`
  return [
    [
      'Burst limit',
      `${figure(peak.requestsPerWindow)} requests in ${WINDOW_SECONDS} s at the peak, ${places}: ${share}; headroom ${percent(1 - peak.shareOfWindow)}`,
    ],
    ['', `carries ${figure(peak.carriedEventsPerSecond)} events/s`],
    ['Under way', `${figure(peak.underWayPerReplica)} requests at a time in each process, at the peak`],
  ]
}

function hourLines({ load, limits }: Question, { worstHour }: Capacity): readonly Line[] {
  const which = load.hours.length === 1 ? 'an hour' : `hour ${worstHour.hour} (from 0)`
  const need = `${figure(worstHour.requests)} requests in ${which} (${figure(worstHour.eventsPerSecond)} events/s, ${figure(worstHour.fill)} objects in a request)`
  const { shareOfHour, carriedEventsPerSecond } = worstHour
  if (limits.perHour === undefined || shareOfHour === undefined || carriedEventsPerSecond === undefined) {
    return [['Worst hour', `${need}; the contract has no hourly limit`]]
  }
  const share = `${percent(shareOfHour)} of ${figure(limits.perHour)}`
  return [
    ['Worst hour', need],
    ['Hourly limit', `${share}; headroom ${percent(1 - shareOfHour)}`],
    ['', `carries a mean of ${figure(carriedEventsPerSecond)} events/s in full requests`],
  ]
}

function drainLines({ load }: Question, { drainSeconds, drainSecondsOfUpdates }: Capacity): readonly Line[] {
  if (drainSeconds === undefined || drainSecondsOfUpdates === undefined) return []
  const reserve = percent(load.urgentReserve)
  return [
    [
      'Backlog',
      `${figure(load.backlog ?? 0)} objects drain in: ${drainText(drainSeconds)}, beside the arriving ones`,
    ],
    [
      '',
      `if they are profile updates alone, which leave ${reserve} to events: ${drainText(drainSecondsOfUpdates)}`,
    ],
  ]
}

function drainText(seconds: number): string {
  return seconds === Infinity ? 'never' : duration(seconds)
}

function sharingLines(shared: Sharing | undefined): readonly Line[] {
  if (shared === undefined) return []
  const { partitions, perWindow, perHour, replicas } = shared
  const hourly = perHour === undefined ? '' : `, ${span(perHour)} per hour`
  return [
    ['Partitions', `each of ${partitions} has ${span(perWindow)} requests in ${WINDOW_SECONDS} s${hourly}`],
    ...replicas.map((part): Line => {
      const perHourText = part.perHour === undefined ? '' : `, ${figure(part.perHour)} per hour`
      return [
        'Replica',
        `with ${part.partitions} of them: at least ${figure(part.perWindow)} requests in ${WINDOW_SECONDS} s${perHourText}`,
      ]
    }),
  ]
}

function span(quotas: readonly number[]): string {
  const [least, most] = [Math.min(...quotas), Math.max(...quotas)]
  return least === most ? figure(least) : `${figure(least)} or ${figure(most)}`
}

function figure(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 2 : 1 })
}

function duration(seconds: number): string {
  if (seconds < 120) return `${figure(seconds)} s`
  if (seconds < 7_200) return `${figure(seconds / 60)} min`
  return `${figure(seconds / 3_600)} h`
}
