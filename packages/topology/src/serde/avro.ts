import { AvroWriter } from './avro-writer.ts'
import { checkFramed, decodeFramed, ownReading, WriterSchemas } from './avro-reader.ts'
import type { AvroRecordSchema, AvroSchema } from './avro-schema.ts'
import { buildType } from './avro-type.ts'
import { compileWriter } from './compiled/compile-writer.ts'
import type { AvroType } from './avsc-internals.ts'
import type { AvroValueOptions, InferAvro } from './infer-avro.ts'
import { normalizeSchema, type SchemaJson } from './normalize-schema.ts'
import { pickFields } from './pick-fields.ts'
import { LOCAL_SCHEMA_ID, registeredId, registryOf } from './registration.ts'
import type { Codec, Serde, SerdeContext } from './serde.ts'
import { type SubjectStrategy, subjectOf } from './subject.ts'
import type { CodecPlace } from './wire-format.ts'

export interface AvroOptions extends AvroValueOptions {
  /** Default: `topic`. */
  readonly subject?: SubjectStrategy
  /**
   * Whether a writer registers its schema at start (default, as Kafka's serializers do). With `false` the very schema must
   * stand under the subject already, and a start without it stops with TOPOLOGY_SCHEMA_INCOMPATIBLE.
   */
  readonly autoRegister?: boolean
}

/**
 * Avro in Confluent's wire format. Values are read with this schema whatever version they were written with, and are
 * checked before they are written. Fields that were written and are not in this schema are skipped, not decoded: a reader
 * that uses few fields of many leaves the others out. The type of the values is inferred: write the schema inline, `as const`, or with
 * `defineAvro`. Writing takes every field; one whose value is `undefined` at run time gets its default.
 *
 * @example `const bookings = streamTopic('bookings', { key: string(), value: avro({ type: 'record', name: 'com.example.Booking', fields: [{ name: 'bookingId', type: 'string' }] }) })`
 * @throws TOPOLOGY_SCHEMA_INVALID at once for a schema that is none; `open` rejects with TOPOLOGY_CONFIG_INVALID without a
 * registry and with TOPOLOGY_SCHEMA_INCOMPATIBLE when the registry's schemas do not fit this one
 */
export function avro<const S extends AvroSchema, const O extends AvroOptions = object>(
  schema: S,
  options?: O,
): Serde<InferAvro<S, O>> {
  return avroSerde(normalizeSchema(schema), options ?? {})
}

/** The names of a record's own fields. */
export type AvroFieldName<S extends AvroRecordSchema> = S['fields'][number]['name']

/** What `fields` leave of a record's values. */
export type AvroFieldsOf<
  S extends AvroRecordSchema,
  Name extends AvroFieldName<S>,
  O extends AvroValueOptions = object,
> = { readonly [Field in Name]: InferAvro<S, O> extends Record<Field, infer V> ? V : never }

/**
 * Avro as `avro()` has it, of which only some fields of the record are used: the type of the values has no others, and what
 * was written of the others is passed over without being decoded. A record costs what is used of it. A topic that is
 * written with it gets a schema that has only these fields.
 *
 * @example `const customers = tableTopic('customers', { key: string(), value: avroFields(customerSchema, ['locale', 'marketingOptIn']) })`
 * @throws TOPOLOGY_SCHEMA_INVALID at once for a name that the record has no field of; `open` rejects as that of `avro()` does
 */
export function avroFields<
  const S extends AvroRecordSchema,
  const Name extends AvroFieldName<S>,
  const O extends AvroOptions = object,
>(schema: S, fields: readonly Name[], options?: O): Serde<AvroFieldsOf<S, Name, O>> {
  return avroSerde(pickFields(normalizeSchema(schema), fields), options ?? {}, true)
}

function avroSerde<T>(schema: SchemaJson, options: AvroOptions, isPart = false): Serde<T> {
  const text = JSON.stringify(schema)
  const type = buildType(schema, options)
  const name = `avro:${type.name ?? type.typeName}`
  return { name, open: context => openAvro<T>({ context, name, type, text, options, isPart }) }
}

interface AvroBinding {
  readonly context: SerdeContext
  readonly name: string
  readonly type: AvroType
  readonly text: string
  readonly options: AvroOptions
  /** Records are written with more fields than are read. */
  readonly isPart: boolean
}

async function openAvro<T>({ context, name, type, text, options, isPart }: AvroBinding): Promise<Codec<T>> {
  const registry = registryOf(context, name)
  const subject = subjectOf(options.subject ?? 'topic', context, type.name)
  const place = { topic: context.topic, part: context.part, serde: name }
  const autoRegister = options.autoRegister ?? true
  const id = context.uses.write
    ? await registeredId({ registry, subject, text, autoRegister })
    : LOCAL_SCHEMA_ID
  const writer = new AvroWriter(place, type, id, compileWriter(type))
  const choice = { type, tag: undefined }
  const schemas = new WriterSchemas({ place, registry, values: options, choose: () => choice })
  if (context.uses.read) await schemas.addLatest(subject)
  return {
    isByteStable: false,
    encode: value => writer.encode(value),
    decode: (bytes, start, end) =>
      decodeFramed(place, schemas.forFrame(bytes, start, end), { bytes, start, end }) as T,
    check: (bytes, start, end) =>
      checkFramed(place, schemas.forFrame(bytes, start, end), { bytes, start, end }),
    ...(isPart ? { kept: keptForm<T>(place, type) } : {}),
  }
}

/** Written and read with the reader's own schema. */
function keptForm<T>(place: CodecPlace, type: AvroType): Pick<Codec<T>, 'encode' | 'decode'> {
  const writer = new AvroWriter(place, type, LOCAL_SCHEMA_ID, compileWriter(type))
  const reading = ownReading(type)
  return {
    encode: value => writer.encode(value),
    decode: (bytes, start, end) => decodeFramed(place, reading, { bytes, start, end }) as T,
  }
}
