import type { AvroType } from '../serde/avsc-internals.ts'
import { decodeFramed, WriterSchemas } from '../serde/avro-reader.ts'
import type { SchemaRegistry } from '../serde/schema-registry.ts'
import { SchemaNotLoaded } from '../serde/serde.ts'
import { type CodecPlace, FRAME_BYTES } from '../serde/wire-format.ts'
import { oneLine } from './text.ts'

/** A value as its writer wrote it. */
export interface AvroValue {
  /** The record's full name, or the name of another type. */
  readonly schema: string
  readonly schemaId: number
  readonly value: unknown
}

/** Whether bytes begin as Avro in Confluent's format does. */
export function looksLikeAvro(bytes: Uint8Array): boolean {
  return bytes.length >= FRAME_BYTES && bytes[0] === 0
}

/** Reads values with the schema that each was written with, whatever it is. */
export class AvroReader {
  readonly #place: CodecPlace
  readonly #schemas: WriterSchemas<AvroType>

  constructor(registry: SchemaRegistry, place: { readonly topic: string; readonly part: 'key' | 'value' }) {
    this.#place = { ...place, serde: "the writer's schema" }
    this.#schemas = new WriterSchemas<AvroType>({
      place: this.#place,
      registry,
      values: {},
      choose: writer => ({ type: writer, tag: writer }),
    })
  }

  /** @throws what the registry and the bytes are refused with */
  async read(bytes: Buffer): Promise<AvroValue> {
    const frame = { bytes, start: 0, end: bytes.length }
    const reading = await loaded(() => this.#schemas.forFrame(bytes, 0, bytes.length))
    const value = decodeFramed(this.#place, reading, frame)
    return { schema: reading.tag.name ?? reading.tag.typeName, schemaId: bytes.readInt32BE(1), value }
  }
}

/** Fetches the schema that the work turns out to need, and does it again. */
export async function loaded<T>(work: () => T): Promise<T> {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof SchemaNotLoaded)) throw error
    await error.load()
    return work()
  }
}

/** Why a value cannot be read. The message of a decoder quotes the bytes, which are left out of a masked one. */
export function reasonOf(error: unknown, isMasked: boolean): string {
  const message = error instanceof Error ? error.message : String(error)
  return oneLine(isMasked ? message.replace(/; seen .*$/s, '') : message)
}

/** The shape of a value: what kind each part is and how long, and none of its contents. */
export function masked(value: unknown): unknown {
  if (value === null || value === undefined || typeof value === 'boolean') return value
  if (typeof value === 'string') return `‹text, ${value.length}›`
  if (value instanceof Uint8Array) return `‹bytes, ${value.length}›`
  if (typeof value !== 'object') return '‹number›'
  if (Array.isArray(value)) return value.map(masked)
  if (Object.getPrototypeOf(value) !== null && value instanceof Date) return '‹time›'
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, masked(part)]))
}
