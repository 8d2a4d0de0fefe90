import type { SchemaRegistry } from '../../serde/schema-registry.ts'
import { describeTime } from '../../runtime/output-limits.ts'
import { exactly } from '../arguments.ts'
import { AvroReader, looksLikeAvro, masked } from '../avro-value.ts'
import { type Command, defineCommand } from '../command.ts'
import { CONNECTION_OPTIONS, CONNECTION_USAGE, withClient } from '../connection.ts'
import { toJson } from '../json.ts'
import { painter, type Paint } from '../paint.ts'
import { placeOf, type StoredRecord } from '../read-topic.ts'
import { REGISTRY_OPTIONS, registryAt } from '../registry.ts'
import { bytesText, lines, oneLine, plural } from '../text.ts'
import { oneOf } from '../values.ts'
import { findRow, type FoundRow } from './find-row.ts'
import { KEY_TYPES, keyMatcher } from './table-key.ts'

const USAGE = `Usage: tributary tables get <table topic> <key> --brokers <host:port,…> [options]

The row that a table has for a key now: the last record of the key in the compacted topic, with its offset and its time. The
partition that the key belongs to is read from its beginning to its end; where the key is not in it, the others are, too.

  --registry <URL>              a Confluent-compatible schema registry: decodes the row, and an Avro key
  --key-type <type>             string, int32, int64, json, hex or avro. Default: avro where the registry has the subject
                                <topic>-key, else string. An Avro key is typed as JSON, one that is a string as it is
  --masked                      the row's fields without their contents
  --json                        one JSON object

${CONNECTION_USAGE}`

interface Row {
  readonly schema?: string
  readonly schemaId?: number
  /** As its writer's schema has it; of other bytes their text. */
  readonly row: unknown
  /** Whether `row` is the value itself, and not just a text that shows its bytes. */
  readonly isDecoded: boolean
}

/** `tributary tables get`. */
export const GET: Command = defineCommand({
  name: 'tables get',
  summary: 'the row that a table has for a key now',
  usage: USAGE,
  examples: [
    'tables get customers c-4711 --brokers localhost:9092 --registry http://localhost:8081/apis/ccompat/v7',
    `tables get prices '{"sku":"a1","shop":7}' --key-type avro --brokers localhost:9092 --registry http://localhost:8081 --json`,
  ],
  options: {
    ...CONNECTION_OPTIONS,
    ...REGISTRY_OPTIONS,
    'key-type': { type: 'string' },
    masked: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  exitCodes: { 3: 'there is no row: deleted, or never seen' },
  async run({ values, positionals }, context, usage) {
    const [topic, text] = exactly(positionals, ['table topic', 'key'], usage)
    const given = values['key-type']
    const type = given === undefined ? undefined : oneOf('--key-type', given, KEY_TYPES)
    const registry = values.registry === undefined ? undefined : registryAt(values.registry, context)
    return await withClient(values, context, async kafka => {
      const key = await keyMatcher({ topic, text, type, registry })
      const found = await findRow(kafka, topic, { key, context })
      const [description] = await kafka.admin.describeTopics([topic])
      if (description?.cleanupPolicy.split(',').includes('compact') === false)
        context.complain(
          `${topic} is not compacted (cleanup.policy is ${description.cleanupPolicy}): it forgets rows that have not changed for a while.\n`,
        )
      const row = await readRow(found?.record, { topic, registry, isMasked: values.masked === true })
      const shown = { topic, key: text, keyType: key.type, found, row }
      context.print(
        values.json === true ? `${json(shown)}\n` : render(shown, painter(context.isColoured === true)),
      )
      return row === undefined ? 3 : 0
    })
  },
})

async function readRow(
  record: StoredRecord | undefined,
  how: {
    readonly topic: string
    readonly registry: SchemaRegistry | undefined
    readonly isMasked: boolean
  },
): Promise<Row | undefined> {
  const { topic, registry, isMasked } = how
  if (record === undefined || record.value === null) return undefined
  const { value: bytes } = record
  if (registry === undefined || !looksLikeAvro(bytes)) {
    const row = isMasked ? plural(bytes.length, 'byte') : bytesText(bytes)
    return { row, isDecoded: false }
  }
  const { value, schema, schemaId } = await new AvroReader(registry, { topic, part: 'value' }).read(bytes)
  return { schema, schemaId, row: isMasked ? masked(value) : value, isDecoded: true }
}

interface Shown {
  readonly topic: string
  readonly key: string
  readonly keyType: string
  readonly found: FoundRow | undefined
  readonly row: Row | undefined
}

function json({ topic, key, keyType, found, row }: Shown): string {
  const record = found?.record
  return toJson({
    topic,
    key,
    keyType,
    state: row !== undefined ? 'row' : record !== undefined ? 'tombstone' : 'never-seen',
    partition: record?.partition ?? null,
    offset: record?.offset ?? null,
    timestampMs: record?.timestampMs ?? null,
    homePartition: found?.home ?? null,
    otherPartitions: found?.elsewhere ?? [],
    ...row,
  })
}

function render({ topic, key, found, row }: Shown, paint: Paint): string {
  const name = oneLine(key)
  if (found === undefined)
    return `${paint('yellow', 'never seen')}: ${topic} has no record of ${name}. A deletion that is long ago leaves none either.\n`
  const { record, home, elsewhere } = found
  const place = `${placeOf(topic, record)}, ${describeTime(record.timestampMs)}`
  const notes = [
    ...(home !== undefined && home !== record.partition
      ? [
          paint(
            'yellow',
            `The key belongs to partition ${home} by murmur2 and lies in ${record.partition}: joins with a partitioned table miss it.`,
          ),
        ]
      : []),
    ...(elsewhere.length > 0 ? [`Older ones of the key are in partition ${elsewhere.join(', ')}, too.`] : []),
  ]
  if (row === undefined)
    return [
      `${paint('yellow', 'deleted')}: the last record of ${name} is a tombstone, ${place}`,
      ...notes,
      '',
    ].join('\n')
  const schema = row.schema === undefined ? '' : `, ${oneLine(row.schema)} (schema ${row.schemaId})`
  const shown = row.isDecoded ? lines(toJson(row.row, 2)) : String(row.row)
  return [`${paint('bold', name)}: ${place}${schema}`, ...notes, shown, ''].join('\n')
}
