import { buildType } from '../../serde/avro-type.ts'
import { parseSchema } from '../../serde/normalize-schema.ts'
import { int32, int64, json, string } from '../../serde/primitives.ts'
import type { SchemaRegistry } from '../../serde/schema-registry.ts'
import type { Serde } from '../../serde/serde.ts'
import { AvroReader, looksLikeAvro } from '../avro-value.ts'
import { CliError } from '../context.ts'
import { toJson } from '../json.ts'

export const KEY_TYPES = ['string', 'int32', 'int64', 'json', 'hex', 'avro'] as const
export type KeyType = (typeof KEY_TYPES)[number]

/** Which records have the key that is looked for. */
export interface KeyMatcher {
  readonly type: KeyType
  /** The key's bytes, which decide over its partition. Undefined for Avro: versions of a schema differ in their bytes. */
  readonly bytes: Uint8Array | undefined
  matches(key: Buffer): boolean | Promise<boolean>
}

/** The key as it was typed. Without a type it is Avro where the registry has a schema for it, else a string. */
export async function keyMatcher(request: {
  readonly topic: string
  readonly text: string
  readonly type: KeyType | undefined
  readonly registry: SchemaRegistry | undefined
}): Promise<KeyMatcher> {
  const { topic, text, type, registry } = request
  const schema = type === undefined || type === 'avro' ? await registry?.latest(`${topic}-key`) : undefined
  if (type === 'avro' && registry === undefined)
    throw new CliError('--registry is missing: an Avro key is read by its schema.', 2)
  if (type === 'avro' || (type === undefined && schema !== undefined && registry !== undefined))
    return avroMatcher(topic, wantedValue(text, schema?.schema), registry as SchemaRegistry)
  const bytes = await encoded(topic, text, type ?? 'string')
  return { type: type ?? 'string', bytes, matches: key => key.equals(bytes) }
}

/** Text for a schema of strings, JSON for any other. */
function wantedValue(text: string, schema: string | undefined): unknown {
  if (schema !== undefined && buildType(parseSchema(schema), {}).typeName === 'string') return text
  return jsonOf(text)
}

function avroMatcher(topic: string, wanted: unknown, registry: SchemaRegistry): KeyMatcher {
  const reader = new AvroReader(registry, { topic, part: 'key' })
  const canonical = toJson(sorted(wanted))
  return {
    type: 'avro',
    bytes: undefined,
    async matches(key) {
      if (!looksLikeAvro(key)) return false
      const { value } = await reader.read(key)
      return toJson(sorted(JSON.parse(toJson(value)))) === canonical
    },
  }
}

/** Fields in one order, however they were typed. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([name, part]) => [name, sorted(part)]))
}

async function encoded(topic: string, text: string, type: Exclude<KeyType, 'avro'>): Promise<Uint8Array> {
  if (type === 'hex') {
    if (!/^(0x)?([0-9a-f]{2})+$/i.test(text)) throw new CliError(`${text} is no hexadecimal text.`, 2)
    return Buffer.from(text.replace(/^0x/, ''), 'hex')
  }
  const [serde, value] = typed(text, type)
  const uses = { read: false, write: true }
  const codec = await serde.open({ topic, part: 'key', uses, registry: undefined })
  try {
    return Buffer.from(codec.encode(value))
  } catch (error) {
    throw new CliError(`The key ${text} is no ${type}: ${(error as Error).message}`, 2, error)
  }
}

function typed(
  text: string,
  type: 'string' | 'int32' | 'int64' | 'json',
): readonly [Serde<unknown>, unknown] {
  switch (type) {
    case 'string':
      return [string() as Serde<unknown>, text]
    case 'int32':
      return [int32() as Serde<unknown>, Number(text)]
    case 'int64':
      return [int64() as Serde<unknown>, /^-?\d+$/.test(text) ? BigInt(text) : text]
    case 'json':
      return [json<unknown>(), jsonOf(text)]
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new CliError(`The key ${text} is not JSON: ${(error as Error).message}`, 2, error)
  }
}
