/** A type of Avro that has no parts. */
export type AvroPrimitiveName = 'null' | 'boolean' | 'int' | 'long' | 'float' | 'double' | 'bytes' | 'string'

interface AvroNamed {
  readonly name: string
  readonly namespace?: string
  readonly aliases?: readonly string[]
  readonly doc?: string
}

export interface AvroFieldSchema {
  readonly name: string
  readonly type: AvroSchema
  readonly doc?: string
  /** In the schema's JSON form: bytes as a string of code points 0-255, a union's default fits its first branch. */
  readonly default?: unknown
  readonly aliases?: readonly string[]
  readonly order?: 'ascending' | 'descending' | 'ignore'
}

export interface AvroRecordSchema extends AvroNamed {
  readonly type: 'record' | 'error'
  readonly fields: readonly AvroFieldSchema[]
}

export interface AvroEnumSchema extends AvroNamed {
  readonly type: 'enum'
  readonly symbols: readonly string[]
  /** What a reader takes for a symbol that it does not know. */
  readonly default?: string
}

export interface AvroFixedSchema extends AvroNamed {
  readonly type: 'fixed'
  readonly size: number
  readonly logicalType?: string
  readonly precision?: number
  readonly scale?: number
}

export interface AvroArraySchema {
  readonly type: 'array'
  readonly items: AvroSchema
}

export interface AvroMapSchema {
  readonly type: 'map'
  readonly values: AvroSchema
}

/** A primitive with attributes, of which `logicalType` changes what values look like. */
export interface AvroAnnotatedSchema {
  readonly type: AvroPrimitiveName
  readonly logicalType?: string
  readonly precision?: number
  readonly scale?: number
  readonly doc?: string
}

/**
 * An Avro schema as TypeScript sees it. Written `as const`, or inline in `avro()`, it gives the type of its values. A string
 * is a primitive's name or refers to a type that is named elsewhere in the schema.
 */
export type AvroSchema =
  | string
  | readonly AvroSchema[]
  | AvroRecordSchema
  | AvroEnumSchema
  | AvroFixedSchema
  | AvroArraySchema
  | AvroMapSchema
  | AvroAnnotatedSchema

/**
 * Names a schema once, to be used in several places, without `as const`.
 * @example `const price = defineAvro({ type: 'record', name: 'Price', fields: [{ name: 'amount', type: 'double' }] })`
 */
export function defineAvro<const S extends AvroSchema>(schema: S): S {
  return schema
}
