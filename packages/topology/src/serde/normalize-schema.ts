import { TopologyError } from '../errors.ts'

/** A schema as JSON. Text of a schema that another program registered may hold attributes of any kind. */
export type SchemaJson = string | readonly SchemaJson[] | SchemaObject
export interface SchemaObject {
  readonly [attribute: string]: unknown
}

const PRIMITIVES: ReadonlySet<string> = new Set([
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
])
const NAMED: ReadonlySet<string> = new Set(['record', 'error', 'enum', 'fixed'])

function invalid(message: string): TopologyError {
  return new TopologyError('TOPOLOGY_SCHEMA_INVALID', `Avro schema refused: ${message}`)
}

function fullNameOf(name: string, space: string): string {
  return name.includes('.') || space === '' ? name : `${space}.${name}`
}

function namespaceOf(fullName: string): string {
  return fullName.includes('.') ? fullName.slice(0, fullName.lastIndexOf('.')) : ''
}

function isObject(value: unknown): value is SchemaObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Answers the definition of a name that a schema uses and does not define. */
export type ImportType = (fullName: string) => SchemaObject | undefined

class Normalizer {
  readonly #definitions = new Map<string, string>()
  readonly #importType: ImportType

  constructor(importType: ImportType) {
    this.#importType = importType
  }

  schema(schema: unknown, space: string): SchemaJson {
    if (typeof schema === 'string')
      return PRIMITIVES.has(schema) ? schema : this.#reference(fullNameOf(schema, space))
    if (Array.isArray(schema)) return schema.map((branch: unknown) => this.schema(branch, space))
    if (!isObject(schema)) throw invalid(`${JSON.stringify(schema)} is no schema`)
    return this.#complex(schema, space)
  }

  #reference(name: string): SchemaJson {
    if (this.#definitions.has(name)) return name
    const imported = this.#importType(name)
    if (imported === undefined)
      throw invalid(
        `it refers to ${name}, but defines ${[...this.#definitions.keys()].join(', ') || 'no named type'} up to there`,
      )
    // It stands in another namespace now, so its own is written out.
    const { name: _name, namespace: _namespace, ...rest } = imported
    const space = name.includes('.') ? {} : { namespace: '' }
    return this.#named({ ...rest, name, ...space }, '')
  }

  #complex(schema: SchemaObject, space: string): SchemaJson {
    const type = schema['type']
    if (typeof type !== 'string') return this.schema(type, space)
    if (type === 'array') return { ...schema, items: this.schema(schema['items'], space) }
    if (type === 'map') return { ...schema, values: this.schema(schema['values'], space) }
    if (NAMED.has(type)) return this.#named(schema, space)
    if (PRIMITIVES.has(type)) return schema
    return this.#reference(fullNameOf(type, space))
  }

  #named(schema: SchemaObject, space: string): SchemaJson {
    const { name, namespace, ...attributes } = schema
    if (typeof name !== 'string') throw invalid(`a ${String(schema['type'])} has no name`)
    const fullName = fullNameOf(name, typeof namespace === 'string' ? namespace : space)
    // A full name decides the namespace; beside it the attribute means nothing, and would mislead avsc.
    const own = name.includes('.') || namespace === undefined ? {} : { namespace }
    const written = JSON.stringify(schema)
    const earlier = this.#definitions.get(fullName)
    // Schemas are composed of constants, so the same definition may come twice; Avro wants a reference then.
    if (earlier === written) return fullName
    if (earlier !== undefined) throw invalid(`${fullName} is defined twice, and not alike`)
    this.#definitions.set(fullName, written)
    const { type, ...rest } = attributes
    const inside = namespaceOf(fullName)
    if (!Array.isArray(rest['fields'])) return { type, name, ...own, ...rest }
    const fields = rest['fields'].map((field: unknown) => {
      if (!isObject(field)) throw invalid(`a field of ${fullName} is ${JSON.stringify(field)}`)
      if (field['name'] === '__proto__') throw invalid(`a field of ${fullName} is named __proto__`)
      return { ...field, type: this.schema(field['type'], inside) }
    })
    return { type, name, ...own, ...rest, fields }
  }
}

/**
 * The schema as it is registered: definitions that come again are replaced by references, everything else stays as the
 * author wrote it.
 * @throws TOPOLOGY_SCHEMA_INVALID
 */
export function normalizeSchema(schema: unknown, importType: ImportType = () => undefined): SchemaJson {
  return new Normalizer(importType).schema(schema, '')
}

/** Every named type in a schema, by its full name. */
export function definitionsIn(schema: unknown, space = ''): ReadonlyMap<string, SchemaObject> {
  if (Array.isArray(schema)) return new Map(schema.flatMap(branch => [...definitionsIn(branch, space)]))
  if (!isObject(schema)) return new Map()
  const { name, namespace, fields } = schema
  if (typeof name !== 'string' || !NAMED.has(String(schema['type'])))
    return definitionsIn(schema['items'] ?? schema['values'] ?? schema['type'], space)
  const fullName = fullNameOf(name, typeof namespace === 'string' ? namespace : space)
  const inside = namespaceOf(fullName)
  const parts = Array.isArray(fields) ? fields.filter(isObject) : []
  return new Map([[fullName, schema], ...parts.flatMap(field => [...definitionsIn(field['type'], inside)])])
}

/** Reads a schema's JSON text. @throws TOPOLOGY_SCHEMA_INVALID */
export function parseSchema(text: string): SchemaJson {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    // The registry of a primitive type's subject may hold the bare name.
    if (PRIMITIVES.has(text)) return text
    throw new TopologyError('TOPOLOGY_SCHEMA_INVALID', 'Avro schema refused: it is not JSON', { cause })
  }
  return normalizeSchema(json)
}
