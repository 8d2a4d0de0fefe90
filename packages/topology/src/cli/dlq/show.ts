import type { KafkaClient } from '../../client/ports.ts'
import { describeTime } from '../../runtime/output-limits.ts'
import { CliError } from '../context.ts'
import { type Command, defineCommand } from '../command.ts'
import { CONNECTION_OPTIONS, CONNECTION_USAGE, withClient } from '../connection.ts'
import type { SchemaRegistry } from '../../serde/schema-registry.ts'
import { toJson } from '../json.ts'
import { registryAt } from '../registry.ts'
import { type AvroDescription, avroText, describeAvro } from './describe-avro.ts'
import { factsOf, type LetterFacts } from './letter.ts'
import { placeOf, readRecord, type StoredRecord } from '../read-topic.ts'
import { bytesText, lines, oneLine, plural } from '../text.ts'

const USAGE = `Usage: tributary dlq show <dead-letter topic> <partition>@<offset> --brokers <host:port,…> [options]

Everything about one dead letter: why, where from, the stack trace, headers, key and value, and what was sent of it. The
value and what was sent may hold personal data: of them only the size is shown and, with --registry, the value's fields
without their contents. Key, headers and messages are shown as they are.

  --registry <URL>              a Confluent-compatible schema registry: key and value are decoded where it knows their schema
  --unmasked                    shows the value and what was sent, too
  --json                        one JSON object

${CONNECTION_USAGE}`

const OPTIONS = {
  ...CONNECTION_OPTIONS,
  registry: { type: 'string' },
  unmasked: { type: 'boolean' },
  json: { type: 'boolean' },
} as const

/** `tributary dlq show`. */
export const SHOW: Command = defineCommand({
  name: 'dlq show',
  summary: 'everything about one of them',
  usage: USAGE,
  examples: [
    'dlq show orders-dead-letters 0@17 --brokers localhost:9092',
    'dlq show orders-dead-letters 0@17 --brokers localhost:9092 --registry http://localhost:8081 --unmasked',
  ],
  options: OPTIONS,
  async run({ values, positionals }, context) {
    const place = placeIn(positionals)
    const registry = values.registry === undefined ? undefined : registryAt(values.registry, context)
    return await withClient(values, context, async kafka => {
      const record = await readRecord(kafka, place, context.signal)
      if (record === undefined) throw new CliError(`There is no record at ${placeOf(place.topic, place)}.`, 1)
      const isMasked = values.unmasked !== true
      const facts = factsOf(record)
      const letter: Letter = {
        place: placeOf(place.topic, record),
        record,
        facts,
        isMasked,
        key: await decoded(registry, record.key, false),
        value: await decoded(registry, record.value, isMasked),
        original: await whereabouts(kafka, facts, context.signal),
      }
      context.print(values.json === true ? `${letterJson(letter)}\n` : letterText(letter))
      return 0
    })
  },
})

interface Letter {
  readonly place: string
  readonly record: StoredRecord
  readonly facts: LetterFacts
  readonly isMasked: boolean
  readonly key: AvroDescription | undefined
  readonly value: AvroDescription | undefined
  readonly original: string | undefined
}

function decoded(
  registry: SchemaRegistry | undefined,
  bytes: Buffer | null,
  isMasked: boolean,
): Promise<AvroDescription | undefined> {
  return registry === undefined || bytes === null
    ? Promise.resolve(undefined)
    : describeAvro(registry, bytes, isMasked)
}

function letterText(letter: Letter): string {
  const { record, facts, isMasked, key, value, original } = letter
  return [
    ...cause(letter),
    ...facts.originalHeaders.map(([name, bytes]) => row(`header ${oneLine(name)}`, headerText(bytes))),
    row('key', record.key === null ? '(none)' : bytesText(record.key)),
    ...indented(key),
    row('value', valueText(record, facts, isMasked)),
    ...indented(value),
    ...deliveryRows(facts, isMasked),
    ...(original === undefined ? [] : [row('original', original)]),
    '',
    lines(facts.stacktrace) || '(no stack trace)',
    '',
  ].join('\n')
}

function letterJson({ place, record, facts, isMasked, key, value, original }: Letter): string {
  const { source, code, step, exception, message, stacktrace, timestampMs } = facts
  const raw = (bytes: Buffer | null): unknown => bytes && bytes.toString('base64')
  return toJson({
    place,
    source: source === undefined ? null : placeOf(source.topic, source),
    timestampMs,
    code,
    step,
    exception,
    message,
    stacktrace,
    headers: facts.originalHeaders.map(([name, bytes]) => [name, raw(bytes)]),
    keyBase64: raw(record.key),
    key: key ?? null,
    valueBytes: facts.omittedValueBytes ?? record.value?.length ?? null,
    ...(isMasked ? {} : { valueBase64: raw(record.value) }),
    value: value ?? null,
    original: original ?? null,
    delivery: deliveryJson(facts, isMasked),
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

function cause({ place, facts }: Letter): string[] {
  const { source } = facts
  return [
    row('dead letter', place),
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
): Promise<string | undefined> {
  const { source, omittedValueBytes, isBare } = facts
  if (source === undefined || (omittedValueBytes === undefined && !isBare)) return undefined
  const original = await readRecord(kafka, source, signal)
  const place = placeOf(source.topic, source)
  return original === undefined ? `${place}, which is gone` : `still at ${place}`
}

function valueText({ value }: StoredRecord, { omittedValueBytes }: LetterFacts, isMasked: boolean): string {
  if (omittedValueBytes !== undefined)
    return `(left out: its ${plural(omittedValueBytes, 'byte')} were too large for the dead-letter topic)`
  if (value === null) return '(none: a tombstone)'
  return contentText(value, isMasked)
}

function deliveryRows({ delivery }: LetterFacts, isMasked: boolean): string[] {
  if (delivery === undefined) return []
  const { attempts, status, sent, omittedSentBytes, records, recordCount } = delivery
  return [
    row('attempts', oneLine(attempts)),
    ...(status === '' ? [] : [row('status', oneLine(status))]),
    ...(records === ''
      ? []
      : [row('records', `${plural(recordCount, 'record')} in one: ${oneLine(records)}`)]),
    ...(sent === undefined ? [] : [row('sent', contentText(sent, isMasked))]),
    ...(omittedSentBytes === undefined
      ? []
      : [
          row(
            'sent',
            `(left out: its ${plural(omittedSentBytes, 'byte')} were too large for the dead-letter topic)`,
          ),
        ]),
  ]
}

function deliveryJson({ delivery }: LetterFacts, isMasked: boolean): object | null {
  if (delivery === undefined) return null
  const { attempts, status, sent, omittedSentBytes, records, recordCount } = delivery
  return {
    attempts: Number(attempts),
    status: status === '' ? null : status,
    records: records === '' ? null : records,
    recordCount: records === '' ? 1 : recordCount,
    sentBytes: omittedSentBytes ?? sent?.length ?? null,
    ...(isMasked || sent === undefined ? {} : { sent: sent.toString() }),
  }
}

function contentText(bytes: Buffer, isMasked: boolean): string {
  return isMasked ? `${plural(bytes.length, 'byte')} (--unmasked shows them)` : bytesText(bytes)
}

function headerText(value: Buffer | null): string {
  return value === null ? '(null)' : bytesText(value)
}

function row(name: string, text: string): string {
  return `${name.padEnd(12)} ${text}`
}

function indented(avro: AvroDescription | undefined): string[] {
  if (avro === undefined) return []
  return avroText(avro)
    .split('\n')
    .map(line => `             ${line}`)
}
