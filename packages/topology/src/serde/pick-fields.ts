import { TopologyError } from '../errors.ts'
import { definitionsIn, normalizeSchema, type SchemaJson, type SchemaObject } from './normalize-schema.ts'

/**
 * The record with only some of its fields, in the schema's order: as a reader's schema it passes over the others. A type
 * that a field left out defines, and one that stays refers to, is defined where it stays.
 * @throws TOPOLOGY_SCHEMA_INVALID for what is no record, and for a name that it has no field of
 */
export function pickFields(record: SchemaJson, names: readonly string[]): SchemaJson {
  const fields = fieldsOf(record)
  const known = new Set(fields.map(({ name }) => name))
  const unknown = names.filter(name => !known.has(name))
  if (unknown.length > 0 || names.length === 0)
    throw new TopologyError(
      'TOPOLOGY_SCHEMA_INVALID',
      `Avro schema refused: the fields to use are ${unknown.length > 0 ? `${unknown.join(', ')}, which it does not have` : 'none'}; it has ${[...known].join(', ')}`,
    )
  const definitions = definitionsIn(record)
  const picked = { ...(record as SchemaObject), fields: fields.filter(({ name }) => names.includes(name)) }
  return normalizeSchema(picked, name => definitions.get(name))
}

function fieldsOf(record: SchemaJson): readonly { readonly name: string }[] {
  const fields =
    typeof record === 'object' && 'fields' in record ? (record as SchemaObject)['fields'] : undefined
  if (Array.isArray(fields)) return fields as { readonly name: string }[]
  throw new TopologyError('TOPOLOGY_SCHEMA_INVALID', 'Avro schema refused: only a record has fields to use')
}
