import { describeTime } from '../../runtime/output-limits.ts'
import { exactly } from '../arguments.ts'
import { type Command, defineCommand } from '../command.ts'
import { CONNECTION_OPTIONS, CONNECTION_USAGE, withClient } from '../connection.ts'
import { factsOf, type LetterFacts } from './letter.ts'
import { placeOf, rangesOf, visitRecords, type StoredRecord } from '../read-topic.ts'
import { wholeNumber } from '../values.ts'
import { SELECTION_OPTIONS, SELECTION_USAGE, selectionOf } from './selection.ts'
import { oneLine, plural } from '../text.ts'

const USAGE = `Usage: tributary dlq list <dead-letter topic> --brokers <host:port,…> [options]

One line per dead letter, partition by partition: its partition@offset, the time of the record, where it came from, the
code, the step and the message. At the end, how many there are of each code.

${SELECTION_USAGE}
Output:
  --limit <number>              no more lines than this; the counts are of all
  --json                        one JSON object per line, the counts as the last one

${CONNECTION_USAGE}`

const OPTIONS = {
  ...CONNECTION_OPTIONS,
  ...SELECTION_OPTIONS,
  limit: { type: 'string' },
  json: { type: 'boolean' },
} as const

/** `tributary dlq list`. */
export const LIST: Command = defineCommand({
  name: 'dlq list',
  summary: 'one line per dead letter, and how many there are of each code',
  usage: USAGE,
  examples: [
    'dlq list orders-dead-letters --brokers localhost:9092',
    'dlq list orders-dead-letters --brokers localhost:9092 --code TOPOLOGY_SCHEMA_UNKNOWN --since 2026-01-31 --json',
  ],
  options: OPTIONS,
  async run({ values, positionals }, context, usage) {
    const [topic] = exactly(positionals, ['dead-letter topic'], usage)
    const isSelected = selectionOf(values)
    const limit = values.limit === undefined ? Number.POSITIVE_INFINITY : wholeNumber('--limit', values.limit)
    const format = values.json === true ? JSON_FORMAT : TEXT_FORMAT
    return await withClient(values, context, async kafka => {
      const counts = new Map<string, number>()
      let total = 0
      const ranges = await rangesOf(kafka, topic)
      await visitRecords(kafka, { topic, ranges, signal: context.signal }, record => {
        const facts = factsOf(record)
        if (!isSelected(record, facts)) return
        total += 1
        const code = facts.code === '' ? '-' : facts.code
        counts.set(code, (counts.get(code) ?? 0) + 1)
        if (total <= limit) context.print(`${format.letter(record, facts)}\n`)
      })
      const sorted = [...counts].toSorted((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1))
      context.print(`${format.counts(sorted, total)}\n`)
      return 0
    })
  },
})

interface Format {
  letter(record: StoredRecord, facts: LetterFacts): string
  counts(counts: readonly (readonly [code: string, letters: number])[], total: number): string
}

const TEXT_FORMAT: Format = {
  letter({ partition, offset }, facts) {
    const { source, code, step, timestampMs, exception, message } = facts
    const columns = [
      `${partition}@${offset}`,
      describeTime(timestampMs),
      source === undefined ? '-' : placeOf(source.topic, source),
      code === '' ? exception : code,
      step,
      message,
    ]
    return columns.map(column => oneLine(column) || '-').join('  ')
  },
  counts: (counts, total) =>
    [
      '',
      ...counts.map(([code, count]) => `${String(count).padStart(10)}  ${oneLine(code)}`),
      `${plural(total, 'dead letter')}`,
    ].join('\n'),
}

const JSON_FORMAT: Format = {
  letter: ({ partition, offset, key, value }, facts) =>
    JSON.stringify({
      partition,
      offset,
      timestampMs: facts.timestampMs,
      source: facts.source ?? null,
      code: facts.code,
      step: facts.step,
      exception: facts.exception,
      message: facts.message,
      keyBytes: key?.length ?? null,
      valueBytes: facts.omittedValueBytes ?? value?.length ?? null,
      isValueOmitted: facts.omittedValueBytes !== undefined,
    }),
  counts: (counts, total) => JSON.stringify({ total, counts: Object.fromEntries(counts) }),
}
