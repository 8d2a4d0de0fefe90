import type { SchemaRegistry } from './schema-registry.ts'

/**
 * A codec that is bound to a topic. Synchronous and free of allocation where it can be; null (a tombstone, a missing
 * key) never reaches it.
 */
export interface Codec<T> {
  /**
   * Whether equal values always have equal bytes. Not so where the bytes carry a schema id (Avro): a table then decodes
   * its keys and encodes them anew, so that a new schema version of the key does not hide a row.
   */
  readonly isByteStable: boolean
  /** A view that the next call overwrites: copy what you keep. Throws TOPOLOGY_SERIALIZATION_FAILED naming the path. */
  encode(value: T): Uint8Array
  /**
   * Throws TOPOLOGY_DESERIALIZATION_FAILED for bytes that can never be read, and SchemaNotLoaded when the bytes name a
   * schema that has to be fetched first. The result keeps no reference to `bytes`, which for a table's row may be shared
   * memory (a `SharedArrayBuffer`).
   */
  decode(bytes: Buffer, start: number, end: number): T
  /** Throws what `decode` throws for these bytes, and makes no value of them. Without it, they are decoded. */
  check?(bytes: Buffer, start: number, end: number): void
  /** A shorter form for values that stay in memory: what nobody reads is left out. For whoever has encoded them alone. */
  readonly kept?: Pick<Codec<T>, 'encode' | 'decode'>
}

/** Thrown by `decode` when the schema is not known yet: wait for `load()`, then decode the same bytes again. */
export class SchemaNotLoaded extends Error {
  override readonly name = 'SchemaNotLoaded'
  readonly schemaId: number
  /** Rejects with TOPOLOGY_SCHEMA_UNKNOWN (retry never) or TOPOLOGY_REGISTRY_UNAVAILABLE (retry backoff). */
  readonly load: () => Promise<void>

  constructor(schemaId: number, load: () => Promise<void>) {
    super(`Schema ${schemaId} is not loaded yet`)
    this.schemaId = schemaId
    this.load = load
  }
}

export interface SerdeContext {
  readonly topic: string
  readonly part: 'key' | 'value'
  /** What the topology does with the topic. Writers register or look up their schema at `open`. */
  readonly uses: { readonly read: boolean; readonly write: boolean }
  /** Undefined when the app has no registry; a serde that needs one then throws TOPOLOGY_CONFIG_INVALID. */
  readonly registry: SchemaRegistry | undefined
}

/** A description of how values become bytes. Pure data until `open` binds it to a topic and a registry. */
export interface Serde<T> {
  /** For `describe()` and messages: `string`, `avro:com.example.Booking`. */
  readonly name: string
  open(context: SerdeContext): Promise<Codec<T>>
}

/** The type of the values of a serde. */
export type SerdeValue<S> = S extends Serde<infer T> ? T : never
