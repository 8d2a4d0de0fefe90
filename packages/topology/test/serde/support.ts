import { TopologyError, type TopologyErrorCode } from '../../src/errors.ts'
import { InMemorySchemaRegistry } from '../../src/serde/in-memory-schema-registry.ts'
import type { SchemaRegistry } from '../../src/serde/schema-registry.ts'
import { type Codec, SchemaNotLoaded, type Serde } from '../../src/serde/serde.ts'

export interface OpenOptions {
  readonly registry?: SchemaRegistry
  readonly topic?: string
  readonly read?: boolean
  readonly write?: boolean
}

/** Opens a serde for the values of a topic, for reading and writing unless told otherwise. */
export function openSerde<T>(serde: Serde<T>, options: OpenOptions = {}): Promise<Codec<T>> {
  const { registry = new InMemorySchemaRegistry(), topic = 'bookings', read = true, write = true } = options
  return serde.open({ topic, part: 'value', uses: { read, write }, registry })
}

/** A copy: what `encode` returns is overwritten by the next call. */
export function encoded<T>(codec: Codec<T>, value: T): Buffer {
  return Buffer.from(codec.encode(value))
}

export function decoded<T>(codec: Codec<T>, bytes: Buffer): T {
  return codec.decode(bytes, 0, bytes.length)
}

/** Decodes as the runtime does: a schema that is not loaded yet is fetched, then the same bytes are decoded again. */
export async function read<T>(codec: Codec<T>, bytes: Buffer): Promise<T> {
  try {
    return decoded(codec, bytes)
  } catch (error) {
    if (!(error instanceof SchemaNotLoaded)) throw error
    await error.load()
    return decoded(codec, bytes)
  }
}

/** For `assert.throws` and `assert.rejects`: the error has this code, and its message says each of these. */
export function fails(code: TopologyErrorCode, ...says: readonly RegExp[]): (error: unknown) => boolean {
  return error => {
    if (!TopologyError.is(error) || error.code !== code) return false
    return says.every(said => said.test(error.message))
  }
}

/** A frame around bytes that no encoder of ours would write. */
export function framed(schemaId: number, body: readonly number[] | Uint8Array): Buffer {
  const header = Buffer.alloc(5)
  header.writeInt32BE(schemaId, 1)
  return Buffer.concat([header, Buffer.from(body)])
}
