import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import avsc from 'avsc'
import type { Variant } from './variant.ts'

export type SchemaName = 'booking' | 'customer' | 'activity' | 'marketing-event'

interface RecordSchema {
  readonly fields: readonly object[]
}

const FRAME_BYTES = 5
/** With the nine of the job's schema these make 40 fields, whichever stand before or behind them. */
const WIDE_BEFORE = 12
const WIDE_BEHIND = 19

/** The schema as the folder `schemas` has it. */
export function schemaText(name: SchemaName): string {
  return readFileSync(join(import.meta.dirname, '..', '..', 'schemas', `${name}.avsc`), 'utf8')
}

/** The schema that bookings are written with. */
export function bookingWriterSchema(variant: Variant): string {
  const text = schemaText('booking')
  if (variant.shape !== 'wide') return text
  const plain = JSON.parse(text) as RecordSchema
  const more = (count: number, from: number): readonly object[] =>
    Array.from({ length: count }, (_, index) => ({
      name: `attribute${from + index}`,
      type: EXTRA_TYPES[(from + index) % EXTRA_TYPES.length]!,
    }))
  return JSON.stringify({
    ...plain,
    fields: [...more(WIDE_BEFORE, 0), ...plain.fields, ...more(WIDE_BEHIND, WIDE_BEFORE)],
  })
}

const EXTRA_TYPES = ['string', 'long', 'double', 'boolean'] as const

/** What the fields hold that only a wide booking has. */
export function wideFields(index: number): Readonly<Record<string, unknown>> {
  const values = [`value-${index % 1_000}`, index * 1_000, index / 7, index % 2 === 0]
  return Object.fromEntries(
    Array.from({ length: WIDE_BEFORE + WIDE_BEHIND }, (_, at) => [
      `attribute${at}`,
      values[at % values.length],
    ]),
  )
}

/** Avro as Confluent's serializers frame it: magic byte 0, the schema's id, the binary value. */
export class FramedWriter {
  readonly #type: avsc.Type
  readonly #id: number
  #buffer = Buffer.alloc(65_536)

  constructor(schema: string, id: number) {
    this.#type = avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema)
    this.#id = id
  }

  /** The bytes hold until the next call. */
  write(value: unknown): Buffer {
    const end = this.#type.encode(value, this.#buffer, FRAME_BYTES)
    if (end < 0) {
      this.#buffer = Buffer.alloc(this.#buffer.length * 2)
      return this.write(value)
    }
    this.#buffer.writeUInt8(0, 0)
    this.#buffer.writeInt32BE(this.#id, 1)
    return this.#buffer.subarray(0, end)
  }
}

/** The id in the frame, or -1 for bytes that are not framed. */
export function frameId(bytes: Buffer): number {
  return bytes.length > FRAME_BYTES && bytes[0] === 0 ? bytes.readInt32BE(1) : -1
}

export function unframed(bytes: Buffer): Buffer {
  return bytes.subarray(FRAME_BYTES)
}
