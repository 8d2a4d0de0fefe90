import { describeTime } from '../../runtime/output-limits.ts'
import { toJson } from '../json.ts'
import type { Paint } from '../paint.ts'
import { placeOf } from '../read-topic.ts'
import { durationText, oneLine, plural } from '../text.ts'
import type { Explanation } from './explanation.ts'
import type { RecordRun } from './run-record.ts'
import type { StepTrace, TraceEvent } from './tracer.ts'

const LONGEST_VALUE = 300

export function renderExplanation(explanation: Explanation, paint: Paint, isFull: boolean): string {
  const { record, tables, runs, writes, deadLetters } = explanation
  const text = (value: unknown): string => shown(value, isFull)
  const run = (each: RecordRun): readonly string[] => [
    '',
    `${paint('bold', `sub-topology ${each.subTopology}`)}, ${each.topic}-${each.partition}${each.offset === null ? ' (as it would be written there)' : ''}`,
    ...(each.steps.length === 0 ? ['  no step has seen it'] : []),
    ...each.steps.flatMap(step => stepLines(step, undefined, { paint, text, depth: 1 })),
  ]
  return [
    `${paint('bold', placeOf(record.topic, record))}, ${describeTime(record.timestampMs)}`,
    `  key    ${text(record.key)}`,
    `  value  ${text(record.value)}`,
    ...record.headers.map(([name, value]) => `  header ${oneLine(name)}: ${oneLine(value ?? '(null)')}`),
    ...tables.map(
      ({ table, topic, partitions, rows, malformed }) =>
        `  table  ${table}: ${plural(rows, 'row')} of ${topic} as it is now, ${plural(partitions.length, 'partition')}${malformed > 0 ? paint('yellow', `, ${plural(malformed, 'record')} that cannot be read`) : ''}`,
    ),
    ...runs.flatMap(run),
    '',
    ...writes.map(
      ({ topic, partition, key, value, bytes }) =>
        `${paint('green', 'would write')} ${topic}-${partition}, ${plural(bytes, 'byte')}: ${text(key)} → ${text(value)}`,
    ),
    ...deadLetters.map(
      ({ code, step, message }) =>
        `${paint('red', 'would be a dead letter')} of ${oneLine(step)}: ${code}, ${oneLine(message)}`,
    ),
    ...(writes.length + deadLetters.length === 0 ? [paint('yellow', 'would write nothing')] : []),
    '',
  ].join('\n')
}

interface Look {
  readonly paint: Paint
  readonly text: (value: unknown) => string
  readonly depth: number
}

/** What came in is told where it is not what the step before had. */
function stepLines(step: StepTrace, before: StepTrace | undefined, look: Look): readonly string[] {
  const { paint, text, depth } = look
  const indent = '  '.repeat(depth)
  const isSameKey = before !== undefined && toJson(before.key) === toJson(step.key)
  const isSame = isSameKey && toJson(before.value) === toJson(step.value)
  const record = `${isSameKey ? '' : `${text(step.key)} → `}${text(step.value)}`
  const kind = step.step.includes(step.kind) ? '' : paint('dim', ` (${step.kind})`)
  return [
    `${indent}${paint('cyan', oneLine(step.step))}${kind}${isSame ? '' : `  ${record}`}`,
    ...step.events.map(event => `${indent}  ${eventText(event, look)}`),
    ...step.next.flatMap(next => stepLines(next, step, { ...look, depth: depth + 1 })),
  ]
}

function eventText(event: TraceEvent, { paint, text }: Look): string {
  switch (event.kind) {
    case 'row': {
      const { topic, key, row, place } = event
      const where = place === null ? topic : `${placeOf(topic, place)}, ${describeTime(place.timestampMs)}`
      return row === null
        ? paint('yellow', `no row for ${text(key)} in ${topic}`)
        : `row of ${text(key)} (${where}): ${text(row)}`
    }
    case 'dropped':
      return paint('yellow', `dropped: ${event.reason}`)
    case 'dead-lettered':
      return paint('red', `dead letter: ${event.code}, ${oneLine(event.message)}`)
    case 'key-missing':
      return paint('red', 'it has no key here, and the step needs one')
    case 'failed':
      return paint('red', `failed: ${event.error}: ${oneLine(event.message)}`)
    case 'would-wait':
      return paint(
        'yellow',
        `would wait up to ${durationText(event.forMs)} for the row of ${text(event.key)}`,
      )
    case 'not-called':
      return paint('yellow', `would call ${event.what}`)
    case 'called':
      return `answered ${text(event.result)}`
    case 'call-failed':
      return paint(
        'red',
        `the call failed: ${oneLine(event.message)}${event.isTriedAgain ? ' (an application would try again)' : ''}`,
      )
    case 'writes':
      return paint('green', `writes to ${event.topic}`)
    case 'would-deliver': {
      const { destination, laneKey, isUrgent, bytes } = event
      const facts = [
        ...(laneKey === null ? [] : [`lane ${oneLine(laneKey)}`]),
        ...(isUrgent ? ['urgent'] : []),
        ...(bytes > 0 ? [plural(bytes, 'byte')] : []),
      ]
      return paint(
        'green',
        `would deliver to ${oneLine(destination)}${facts.length > 0 ? `: ${facts.join(', ')}` : ''}`,
      )
    }
  }
}

function shown(value: unknown, isFull: boolean): string {
  const text = oneLine(toJson(value) ?? '(undefined)')
  return isFull || text.length <= LONGEST_VALUE ? text : `${text.slice(0, LONGEST_VALUE)}…`
}
