import type { AvroType } from '../../serde/avsc-internals.ts'
import { decodeFramed, WriterSchemas } from '../../serde/avro-reader.ts'
import type { SchemaRegistry } from '../../serde/schema-registry.ts'
import { SchemaNotLoaded } from '../../serde/serde.ts'
import { FRAME_BYTES } from '../../serde/wire-format.ts'
import { lines, oneLine } from './text.ts'

/**
 * The value as JSON by its writer's schema, or why it cannot be read. Undefined for bytes that do not look like Avro in
 * Confluent's format.
 */
export async function describeAvro(
  registry: SchemaRegistry,
  bytes: Buffer,
  isMasked: boolean,
): Promise<string | undefined> {
  if (bytes.length < FRAME_BYTES || bytes[0] !== 0) return undefined
  const place = { topic: 'a dead letter', part: 'value', serde: "the writer's schema" } as const
  const schemas = new WriterSchemas<AvroType>({
    place,
    registry,
    values: {},
    choose: writer => ({ type: writer, tag: writer }),
  })
  const frame = { bytes, start: 0, end: bytes.length }
  try {
    const reading = await loaded(() => schemas.forFrame(bytes, 0, bytes.length))
    const value = decodeFramed(place, reading, frame)
    const name = reading.tag.name ?? reading.tag.typeName
    const text = JSON.stringify(isMasked ? masked(value) : value, printable, 2)
    return `${oneLine(name)} (schema ${bytes.readInt32BE(1)})\n${lines(text)}`
  } catch (error) {
    return `cannot be decoded: ${reasonOf(error, isMasked)}`
  }
}

async function loaded<T>(work: () => T): Promise<T> {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof SchemaNotLoaded)) throw error
    await error.load()
    return work()
  }
}

/** The message of a decoder quotes the bytes. */
function reasonOf(error: unknown, isMasked: boolean): string {
  const message = error instanceof Error ? error.message : String(error)
  return oneLine(isMasked ? message.replace(/; seen .*$/s, '') : message)
}

/** The shape of a value: what kind each part is and how long, and none of its contents. */
function masked(value: unknown): unknown {
  if (value === null || value === undefined || typeof value === 'boolean') return value
  if (typeof value === 'string') return `‹text, ${value.length}›`
  if (value instanceof Uint8Array) return `‹bytes, ${value.length}›`
  if (typeof value !== 'object') return '‹number›'
  if (Array.isArray(value)) return value.map(masked)
  if (Object.getPrototypeOf(value) !== null && value instanceof Date) return '‹time›'
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, masked(part)]))
}

function printable(this: unknown, key: string, value: unknown): unknown {
  const original = (this as Readonly<Record<string, unknown>>)[key]
  if (original instanceof Uint8Array) return `0x${Buffer.from(original).toString('hex')}`
  return typeof value === 'bigint' ? `${value}` : value
}
