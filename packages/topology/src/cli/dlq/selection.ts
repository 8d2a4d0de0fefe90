import { CliError } from '../context.ts'
import { timeOf, wholeNumber } from '../values.ts'
import type { StoredRecord } from '../read-topic.ts'
import type { LetterFacts } from './letter.ts'

export const SELECTION_OPTIONS = {
  code: { type: 'string', multiple: true },
  step: { type: 'string', multiple: true },
  'source-topic': { type: 'string', multiple: true },
  since: { type: 'string' },
  partition: { type: 'string', multiple: true },
  offset: { type: 'string' },
  letter: { type: 'string', multiple: true },
} as const

export const SELECTION_USAGE = `Which (all of them apply; the first three, --partition and --letter may be repeated: any of the values will do):
  --code <code>                 as TOPOLOGY_DESERIALIZATION_FAILED
  --step <step>                 the step that failed
  --source-topic <topic>        where the record came from
  --since <ISO date or time>    by the record's own timestamp, which the dead letter keeps
  --partition <number>          of the dead-letter topic
  --offset <from>[-<to>]        of one --partition, both ends included
  --letter <partition>@<offset> this one, as a list names it
`

export interface SelectionValues {
  readonly code?: readonly string[]
  readonly step?: readonly string[]
  readonly 'source-topic'?: readonly string[]
  readonly since?: string
  readonly partition?: readonly string[]
  readonly offset?: string
  readonly letter?: readonly string[]
}

export type Selection = (record: StoredRecord, facts: LetterFacts) => boolean

/** @throws CliError for values that mean nothing */
export function selectionOf(values: SelectionValues): Selection {
  const { code, step } = values
  const sourceTopic = values['source-topic']
  const partitions = values.partition?.map(text => wholeNumber('--partition', text))
  const sinceMs = values.since === undefined ? undefined : timeOf('--since', values.since)
  const offsets =
    values.offset === undefined ? undefined : offsetRange(values.offset, partitions?.length ?? 0)
  const letters = values.letter === undefined ? undefined : new Set(values.letter.map(letterName))
  return (record, facts) =>
    (code === undefined || code.includes(facts.code)) &&
    (step === undefined || step.includes(facts.step)) &&
    (sourceTopic === undefined || (facts.source !== undefined && sourceTopic.includes(facts.source.topic))) &&
    (partitions === undefined || partitions.includes(record.partition)) &&
    (sinceMs === undefined || facts.timestampMs >= sinceMs) &&
    (offsets === undefined || (record.offset >= offsets.from && record.offset <= offsets.to)) &&
    (letters === undefined || letters.has(`${record.partition}@${record.offset}`))
}

/** As it is printed: without the zeros that a number may begin with. */
function letterName(text: string): string {
  const [, partition, offset] = /^(\d{1,9})@(\d{1,15})$/.exec(text) ?? []
  if (partition === undefined || offset === undefined)
    throw new CliError(`--letter is ${JSON.stringify(text)}; allowed: 0@17.`, 2)
  return `${Number(partition)}@${Number(offset)}`
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
