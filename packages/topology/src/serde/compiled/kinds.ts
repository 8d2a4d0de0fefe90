import type { AvroType } from '../avsc-internals.ts'
import { INT, STRING } from '../guarded-types.ts'
import { DateTime, Decimal, isLogical, NumericTime } from '../logical-types.ts'
import { BIGINT_LONG, DOUBLE, FLOAT, LONG } from '../long-types.ts'

/** What generated code does with a type. `other` is what it leaves to avsc. */
export type Kind =
  | 'null'
  | 'boolean'
  | 'int'
  | 'long'
  | 'bigint'
  | 'float'
  | 'double'
  | 'string'
  | 'bytes'
  | 'fixed'
  | 'enum'
  | 'array'
  | 'map'
  | 'record'
  | 'plain-union'
  | 'named-union'
  | 'numeric-time'
  | 'converted'
  | 'other'

const SINGLETONS: ReadonlyMap<AvroType, Kind> = new Map<AvroType, Kind>([
  [INT, 'int'],
  [LONG, 'long'],
  [BIGINT_LONG, 'bigint'],
  [FLOAT, 'float'],
  [DOUBLE, 'double'],
  [STRING, 'string'],
])

export function kindOf(type: AvroType): Kind {
  const known = SINGLETONS.get(type)
  if (known !== undefined) return known
  if (type instanceof NumericTime) return 'numeric-time'
  if (type instanceof DateTime || type instanceof Decimal) return 'converted'
  switch (type.typeName) {
    case 'null':
    case 'boolean':
    case 'bytes':
    case 'fixed':
    case 'enum':
    case 'array':
    case 'map':
      return type.typeName
    case 'record':
    case 'error':
      return 'record'
    case 'union:unwrapped':
      return 'plain-union'
    case 'union:wrapped':
      return 'named-union'
    default:
      return 'other'
  }
}

/** A record of at most so many types is coded where it stands, not in a function of its own. */
export const LARGEST_INLINED = 40

/** Types within a type, itself included. A record that is met again inside itself counts once. */
export function countTypes(root: AvroType): number {
  const open = new Set<AvroType>()
  const visit = (type: AvroType): number => {
    if (open.has(type)) return 1
    open.add(type)
    let count = 1
    for (const part of partsOf(type)) count += visit(part)
    open.delete(type)
    return count
  }
  return visit(root)
}

function partsOf(type: AvroType): readonly AvroType[] {
  if (type.underlyingType !== undefined) return [type.underlyingType]
  return [
    ...(type.types ?? []),
    ...(type.fields ?? []).map(field => field.type),
    ...(type.itemsType === undefined ? [] : [type.itemsType]),
    ...(type.valuesType === undefined ? [] : [type.valuesType]),
  ]
}

/** What a logical type is written as. */
export function plain(type: AvroType): AvroType {
  return isLogical(type) ? type.underlyingType : type
}
