import { TopologyError } from '../errors.ts'
import { type AvroType, typeForSchema, type TypeOptions } from './avsc-internals.ts'
import { BIGINT_LONG, DOUBLE, FLOAT, LONG } from './long-types.ts'
import { GuardedArray, GuardedEnum, GuardedMap, GuardedRecord, INT, STRING } from './guarded-types.ts'
import type { AvroValueOptions } from './infer-avro.ts'
import { logicalTypeOf } from './logical-types.ts'
import type { SchemaJson, SchemaObject } from './normalize-schema.ts'
import { unionOf } from './union-types.ts'

function primitiveOf(name: unknown, values: AvroValueOptions): AvroType | undefined {
  switch (name) {
    case 'int':
      return INT
    case 'string':
      return STRING
    case 'long':
      return values.longs === 'bigint' ? BIGINT_LONG : LONG
    case 'float':
      return FLOAT
    case 'double':
      return DOUBLE
    default:
      return undefined
  }
}

function complexOf(
  schema: SchemaObject,
  values: AvroValueOptions,
  options: TypeOptions,
): AvroType | undefined {
  if (schema['logicalType'] !== undefined) {
    const logical = logicalTypeOf(schema, values, options)
    if (logical !== undefined) return logical
  }
  switch (schema['type']) {
    case 'array':
      return new GuardedArray(schema, options)
    case 'map':
      return new GuardedMap(schema, options)
    case 'enum':
      return new GuardedEnum(schema, options)
    case 'record':
    case 'error':
      return new GuardedRecord(schema, options)
    default:
      return primitiveOf(schema['type'], values)
  }
}

/** avsc's type for a normalized schema, made of this package's guarded types. @throws TOPOLOGY_SCHEMA_INVALID */
export function buildType(schema: SchemaJson, values: AvroValueOptions): AvroType {
  const options: TypeOptions = {
    registry: Object.create(null) as TypeOptions['registry'],
    typeHook(part, inner) {
      if (typeof part === 'string') return primitiveOf(part, values)
      if (Array.isArray(part))
        return unionOf(
          part.map(branch => typeForSchema(branch, inner)),
          inner,
        )
      return complexOf(part as SchemaObject, values, inner)
    },
  }
  try {
    return typeForSchema(schema, options)
  } catch (cause) {
    throw new TopologyError('TOPOLOGY_SCHEMA_INVALID', `Avro schema refused: ${(cause as Error).message}`, {
      cause,
    })
  }
}
