import { CliError } from '../context.ts'
import type { LetterFacts, StoredRecord } from './letter.ts'

export const SELECTION_OPTIONS = {
  code: { type: 'string', multiple: true },
  step: { type: 'string', multiple: true },
  'source-topic': { type: 'string', multiple: true },
  since: { type: 'string' },
  partition: { type: 'string', multiple: true },
  offset: { type: 'string' },
} as const

export const SELECTION_USAGE = `Which (all of them apply; the first three and --partition may be repeated: any of the values will do):
  --code <code>                 as TOPOLOGY_DESERIALIZATION_FAILED
  --step <step>                 the step that failed
  --source-topic <topic>        where the record came from
  --since <ISO date or time>    by the record's own timestamp, which the dead letter keeps
  --partition <number>          of the dead-letter topic
  --offset <from>[-<to>]        of one --partition, both ends included
`

export interface SelectionValues {
  readonly code?: readonly string[]
  readonly step?: readonly string[]
  readonly 'source-topic'?: readonly string[]
  readonly since?: string
  readonly partition?: readonly string[]
  readonly offset?: string
}

export type Selection = (record: StoredRecord, facts: LetterFacts) => boolean

/** @throws CliError for values that mean nothing */
export function selectionOf(values: SelectionValues): Selection {
  const { code, step } = values
  const sourceTopic = values['source-topic']
  const partitions = values.partition?.map(text => wholeNumber('--partition', text))
  const sinceMs = values.since === undefined ? undefined : timeOf(values.since)
  const offsets =
    values.offset === undefined ? undefined : offsetRange(values.offset, partitions?.length ?? 0)
  return (record, facts) =>
    (code === undefined || code.includes(facts.code)) &&
    (step === undefined || step.includes(facts.step)) &&
    (sourceTopic === undefined || (facts.source !== undefined && sourceTopic.includes(facts.source.topic))) &&
    (partitions === undefined || partitions.includes(record.partition)) &&
    (sinceMs === undefined || facts.timestampMs >= sinceMs) &&
    (offsets === undefined || (record.offset >= offsets.from && record.offset <= offsets.to))
}

/** Bounds as an option's value has them. */
export function wholeNumber(option: string, text: string, min = 0): number {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : -1
  if (value >= min) return value
  throw new CliError(`${option} is ${JSON.stringify(text)}; a whole number from ${min} on is allowed.`, 2)
}

function timeOf(text: string): number {
  // `Date` takes much else, in the time zone of the machine.
  const isIso = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/.test(text)
  const timeMs = isIso ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(timeMs)) return timeMs
  throw new CliError(
    `--since is ${JSON.stringify(text)}; allowed: 2026-01-31, 2026-01-31T12:00:00Z, 2026-01-31T12:00+01:00.`,
    2,
  )
}

function offsetRange(text: string, partitions: number): { readonly from: number; readonly to: number } {
  if (partitions !== 1) throw new CliError('--offset belongs to exactly one --partition.', 2)
  const [first = '', last = first, ...rest] = text.split('-')
  const from = wholeNumber('--offset', first)
  const to = wholeNumber('--offset', last)
  if (rest.length > 0 || to < from)
    throw new CliError(`--offset is ${JSON.stringify(text)}; allowed: 17, 17-42.`, 2)
  return { from, to }
}
