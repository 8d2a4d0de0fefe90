import { TopologyError } from '../errors.ts'
import { decodeFramed, WriterSchemas } from './avro-reader.ts'
import type { AvroSchema } from './avro-schema.ts'
import { buildType } from './avro-type.ts'
import { AvroWriter } from './avro-writer.ts'
import { compileWriter } from './compiled/compile-writer.ts'
import type { AvroType } from './avsc-internals.ts'
import { describeValue } from './describe-value.ts'
import type { AvroValueOptions, InferAvro } from './infer-avro.ts'
import { normalizeSchema } from './normalize-schema.ts'
import { LOCAL_SCHEMA_ID, registeredId, registryOf } from './registration.ts'
import type { Codec, Serde, SerdeContext } from './serde.ts'
import { subjectOf } from './subject.ts'
import { type CodecPlace, unwritable } from './wire-format.ts'

export interface AvroOneOfOptions extends AvroValueOptions {
  /** Default: `topic-record`. */
  readonly subject?: 'record' | 'topic-record'
  readonly autoRegister?: boolean
}

/** The value of a topic that holds several record types: which one, and the record. */
export type OneOfValue<B extends Readonly<Record<string, AvroSchema>>, O extends AvroValueOptions> = {
  [Type in keyof B & string]: { readonly type: Type; readonly value: InferAvro<B[Type], O> }
}[keyof B & string]

interface Branch {
  readonly type: AvroType
  readonly text: string
}

/**
 * Avro for a topic that holds several record types. The writer's full record name picks the branch, which then reads it
 * with its own schema; a name that no branch has is TOPOLOGY_DESERIALIZATION_FAILED.
 *
 * @example `avroOneOf({ bookingCompleted, accountCreated })` reads as `{ type: 'bookingCompleted', value } | { type: 'accountCreated', value }`
 * @throws TOPOLOGY_SCHEMA_INVALID at once for a schema that is no record, or two of one name
 */
export function avroOneOf<
  const B extends Readonly<Record<string, AvroSchema>>,
  const O extends AvroOneOfOptions = object,
>(branches: B, options?: O): Serde<OneOfValue<B, O>> {
  const chosen: AvroOneOfOptions = options ?? {}
  const built = new Map<string, Branch>()
  const byName = new Map<string, { readonly type: AvroType; readonly tag: string }>()
  for (const [tag, schema] of Object.entries(branches)) {
    const normalized = normalizeSchema(schema)
    const type = buildType(normalized, chosen)
    if (type.fields === undefined || type.name === undefined)
      throw new TopologyError('TOPOLOGY_SCHEMA_INVALID', `Branch ${tag} of avroOneOf is no record`)
    if (byName.has(type.name))
      throw new TopologyError('TOPOLOGY_SCHEMA_INVALID', `Two branches of avroOneOf are named ${type.name}`)
    built.set(tag, { type, text: JSON.stringify(normalized) })
    byName.set(type.name, { type, tag })
  }
  const name = `avro:${[...byName.keys()].join('|')}`
  return {
    name,
    open: context => openOneOf<OneOfValue<B, O>>({ context, name, branches: built, byName, options: chosen }),
  }
}

interface OneOfBinding {
  readonly context: SerdeContext
  readonly name: string
  readonly branches: ReadonlyMap<string, Branch>
  readonly byName: ReadonlyMap<string, { readonly type: AvroType; readonly tag: string }>
  readonly options: AvroOneOfOptions
}

async function openOneOf<T>({ context, name, branches, byName, options }: OneOfBinding): Promise<Codec<T>> {
  const registry = registryOf(context, name)
  const place = { topic: context.topic, part: context.part, serde: name }
  const allowed = [...byName.keys()].join(', ')
  const schemas = new WriterSchemas<string>({
    place,
    registry,
    values: options,
    choose: writer =>
      byName.get(writer.name ?? '') ??
      `of ${writer.name ?? writer.typeName}, and only ${allowed} are taken here`,
  })
  const writers = new Map<string, AvroWriter>()
  for (const [tag, { type, text }] of branches) {
    const subject = subjectOf(options.subject ?? 'topic-record', context, type.name)
    const autoRegister = options.autoRegister ?? true
    const id = context.uses.write
      ? await registeredId({ registry, subject, text, autoRegister })
      : LOCAL_SCHEMA_ID
    writers.set(tag, new AvroWriter(place, type, id, compileWriter(type)))
    if (context.uses.read) await schemas.addLatest(subject)
  }
  return {
    isByteStable: false,
    encode: value => writerOf(writers, value, place).encode((value as { value: unknown }).value),
    decode(bytes, start, end) {
      const reading = schemas.forFrame(bytes, start, end)
      return { type: reading.tag, value: decodeFramed(place, reading, { bytes, start, end }) } as T
    },
  }
}

function writerOf(writers: ReadonlyMap<string, AvroWriter>, value: unknown, place: CodecPlace): AvroWriter {
  const isTagged = typeof value === 'object' && value !== null && 'type' in value
  const writer = isTagged && typeof value.type === 'string' ? writers.get(value.type) : undefined
  if (writer !== undefined) return writer
  const seen = isTagged ? `type is ${describeValue(value.type)}` : `the value is ${describeValue(value)}`
  throw unwritable(
    place,
    `${seen}, { type, value } with one of the types ${[...writers.keys()].join(', ')} is needed`,
  )
}
