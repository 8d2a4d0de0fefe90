import type { KafkaClient } from '../../client/ports.ts'
import { describeTime } from '../../runtime/output-limits.ts'
import { HttpSchemaRegistry } from '../../serde/http-schema-registry.ts'
import { type CliContext, CliError } from '../context.ts'
import { parseArguments } from './arguments.ts'
import { CONNECTION_OPTIONS, CONNECTION_USAGE, withClient } from './connection.ts'
import { describeAvro } from './describe-avro.ts'
import { factsOf, type LetterFacts, type StoredRecord } from './letter.ts'
import { placeOf, readRecord } from './read-topic.ts'
import { bytesText, lines, oneLine, plural } from './text.ts'

const USAGE = `Usage: tributary dlq show <dead-letter topic> <partition>@<offset> --brokers <host:port,…> [options]

Everything about one dead letter: why, where from, the stack trace, headers, key and value. The value may hold personal
data: of it only the size is shown and, with --registry, its fields without their contents. Key, headers and messages are
shown as they are.

  --registry <URL>              a Confluent-compatible schema registry: key and value are decoded where it knows their schema
  --unmasked                    shows the value, too

${CONNECTION_USAGE}`

const OPTIONS = {
  ...CONNECTION_OPTIONS,
  registry: { type: 'string' },
  unmasked: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

/** `tributary dlq show`. */
export async function show(args: readonly string[], context: CliContext): Promise<number> {
  const { values, positionals } = parseArguments(args, OPTIONS, USAGE)
  if (values.help === true) {
    context.print(USAGE)
    return 0
  }
  const place = placeIn(positionals)
  const registry =
    values.registry === undefined ? undefined : new HttpSchemaRegistry({ url: values.registry })
  return await withClient(values, context, async kafka => {
    const record = await readRecord(kafka, place, context.signal)
    if (record === undefined) throw new CliError(`There is no record at ${placeOf(place.topic, place)}.`, 1)
    const facts = factsOf(record)
    const decode = (bytes: Buffer | null, isMasked: boolean): Promise<string | undefined> =>
      registry === undefined || bytes === null
        ? Promise.resolve(undefined)
        : describeAvro(registry, bytes, isMasked)
    const isMasked = values.unmasked !== true
    context.print(
      [
        ...cause(place.topic, record, facts),
        ...facts.originalHeaders.map(([name, value]) => row(`header ${oneLine(name)}`, headerText(value))),
        row('key', record.key === null ? '(none)' : bytesText(record.key)),
        ...indented(await decode(record.key, false)),
        row('value', valueText(record, facts, isMasked)),
        ...indented(await decode(record.value, isMasked)),
        ...(await whereabouts(kafka, facts, context.signal)),
        '',
        lines(facts.stacktrace) || '(no stack trace)',
        '',
      ].join('\n'),
    )
    return 0
  })
}

function placeIn(positionals: readonly string[]): { topic: string; partition: number; offset: number } {
  const [topic, place = '', ...rest] = positionals
  const match = /^(\d{1,9})@(\d{1,15})$/.exec(place)
  if (topic !== undefined && match !== null && rest.length === 0)
    return { topic, partition: Number(match[1]), offset: Number(match[2]) }
  throw new CliError(
    `A topic and <partition>@<offset> are needed, as in: orders-dead-letters 0@17\n\n${USAGE}`,
    2,
  )
}

function cause(topic: string, record: StoredRecord, facts: LetterFacts): string[] {
  const { source } = facts
  return [
    row('dead letter', placeOf(topic, record)),
    row('source', source === undefined ? '(not said)' : oneLine(placeOf(source.topic, source))),
    row('time', `${describeTime(facts.timestampMs)} (${facts.timestampMs})`),
    row('code', oneLine(facts.code) || '-'),
    row('step', oneLine(facts.step) || '-'),
    row('exception', oneLine(facts.exception) || '-'),
    row('message', oneLine(facts.message) || '-'),
  ]
}

/** A value that was left out may still be where it came from. */
async function whereabouts(
  kafka: KafkaClient,
  facts: LetterFacts,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const { source, omittedValueBytes, isBare } = facts
  if (source === undefined || (omittedValueBytes === undefined && !isBare)) return []
  const original = await readRecord(kafka, source, signal)
  const place = placeOf(source.topic, source)
  return [row('original', original === undefined ? `${place}, which is gone` : `still at ${place}`)]
}

function valueText({ value }: StoredRecord, { omittedValueBytes }: LetterFacts, isMasked: boolean): string {
  if (omittedValueBytes !== undefined)
    return `(left out: its ${plural(omittedValueBytes, 'byte')} were too large for the dead-letter topic)`
  if (value === null) return '(none: a tombstone)'
  return isMasked ? `${plural(value.length, 'byte')} (--unmasked shows them)` : bytesText(value)
}

function headerText(value: Buffer | null): string {
  return value === null ? '(null)' : bytesText(value)
}

function row(name: string, text: string): string {
  return `${name.padEnd(12)} ${text}`
}

function indented(text: string | undefined): string[] {
  return text === undefined ? [] : text.split('\n').map(line => `             ${line}`)
}
