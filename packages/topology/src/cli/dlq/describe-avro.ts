import type { SchemaRegistry } from '../../serde/schema-registry.ts'
import { AvroReader, looksLikeAvro, masked, reasonOf } from '../avro-value.ts'
import { toJson } from '../json.ts'
import { lines, oneLine } from '../text.ts'

export type AvroDescription =
  | { readonly schema: string; readonly schemaId: number; readonly value: unknown }
  | { readonly problem: string }

/**
 * The value by its writer's schema, or why it cannot be read. Undefined for bytes that do not look like Avro in Confluent's
 * format.
 */
export async function describeAvro(
  registry: SchemaRegistry,
  bytes: Buffer,
  isMasked: boolean,
): Promise<AvroDescription | undefined> {
  if (!looksLikeAvro(bytes)) return undefined
  try {
    const { value, ...schema } = await new AvroReader(registry, {
      topic: 'a dead letter',
      part: 'value',
    }).read(bytes)
    return { ...schema, value: isMasked ? masked(value) : value }
  } catch (error) {
    return { problem: reasonOf(error, isMasked) }
  }
}

export function avroText(avro: AvroDescription): string {
  if ('problem' in avro) return `cannot be decoded: ${avro.problem}`
  return `${oneLine(avro.schema)} (schema ${avro.schemaId})\n${lines(toJson(avro.value, 2))}`
}
