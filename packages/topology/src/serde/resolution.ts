import type { AvroField, AvroType, ResolveOptions, Resolver } from './avsc-internals.ts'
import { counterpart } from './record-resolution.ts'

export interface Resolution {
  /** Undefined where both schemas are alike, and the reader's type reads the bytes as they are. */
  readonly resolver: Resolver | undefined
  readonly options: ResolveOptions
}

/** How a reader's type reads what a writer's type wrote. @throws where it cannot */
export function resolve(reader: AvroType, writer: AvroType): Resolution {
  if (isSameLayout(reader, writer)) return { resolver: undefined, options: {} }
  const resolveBy = (options: ResolveOptions): Resolution => ({
    resolver: reader.createResolver(writer, { ...options }) as unknown as Resolver,
    options,
  })
  try {
    return resolveBy({})
  } catch (strict) {
    // The specification compares names without their namespaces. The full names come first all the same: a union may hold
    // two records that differ in nothing else.
    try {
      return resolveBy({ ignoreNamespaces: true })
    } catch {
      throw strict
    }
  }
}

/** Whether `reader` can read the bytes of `writer`. */
export function canRead(reader: AvroType, writer: AvroType): boolean {
  try {
    resolve(reader, writer)
    return true
  } catch {
    return false
  }
}

/** Everything in a writer's schema that keeps the reader's from reading it, each with its path. Empty if it can be read. */
export function differences(reader: AvroType, writer: AvroType, path = ''): readonly string[] {
  if (canRead(reader, writer)) return []
  const found = partDifferences(reader, writer, path)
  return found.length > 0
    ? found
    : [`${path || 'the schema'} is written as ${nameOf(writer)} and read as ${nameOf(reader)}`]
}

function partDifferences(reader: AvroType, writer: AvroType, path: string): readonly string[] {
  if (writer.types !== undefined && reader.types === undefined)
    return writer.types.flatMap(branch => differences(reader, branch, path))
  if (reader.types !== undefined) return unionDifferences(reader, writer, path)
  if (reader.fields !== undefined && writer.fields !== undefined)
    return recordDifferences(reader.fields, writer.fields, path)
  if (reader.itemsType !== undefined && writer.itemsType !== undefined)
    return differences(reader.itemsType, writer.itemsType, `${path}[]`)
  if (reader.valuesType !== undefined && writer.valuesType !== undefined)
    return differences(reader.valuesType, writer.valuesType, `${path}[*]`)
  if (reader.symbols !== undefined && writer.symbols !== undefined)
    return enumDifferences(reader.symbols, writer.symbols, path)
  return []
}

function unionDifferences(reader: AvroType, writer: AvroType, path: string): readonly string[] {
  const branches = reader.types ?? []
  return (writer.types ?? [writer]).flatMap(branch => {
    if (canRead(reader, branch)) return []
    const namesake = branches.find(candidate => candidate.branchName === branch.branchName)
    if (namesake !== undefined) return differences(namesake, branch, path)
    return [
      `${path || 'the schema'} may be written as ${nameOf(branch)}, and the reader only takes ${branches.map(nameOf).join(', ')}`,
    ]
  })
}

function recordDifferences(
  reader: readonly AvroField[],
  writer: readonly AvroField[],
  path: string,
): readonly string[] {
  return reader.flatMap(field => {
    const fieldPath = path === '' ? field.name : `${path}.${field.name}`
    const written = counterpart(field, writer)
    if (written !== undefined) return differences(field.type, written.type, fieldPath)
    if (field.defaultValue() !== undefined) return []
    return [`${fieldPath} is not in the writer's schema and has no default in the reader's`]
  })
}

function enumDifferences(
  reader: readonly string[],
  writer: readonly string[],
  path: string,
): readonly string[] {
  const unknown = writer.filter(symbol => !reader.includes(symbol))
  if (unknown.length === 0) return []
  return [
    `${path || 'the schema'} may be written as ${unknown.join(', ')}, and the reader's enum has neither that nor a default`,
  ]
}

/** Same canonical form, and the same logical types at the same places: then the reader's type reads the bytes as they are. */
function isSameLayout(reader: AvroType, writer: AvroType): boolean {
  return reader.equals(writer) && logicalSignature(reader) === logicalSignature(writer)
}

function logicalSignature(root: AvroType): string {
  const seen = new Set<AvroType>()
  const visit = (type: AvroType & { readonly meaning?: string }): string => {
    if (type.meaning !== undefined) return type.meaning
    if (seen.has(type)) return ''
    seen.add(type)
    const parts = [
      ...(type.types ?? []),
      ...(type.fields ?? []).map(field => field.type),
      ...(type.itemsType === undefined ? [] : [type.itemsType]),
      ...(type.valuesType === undefined ? [] : [type.valuesType]),
    ]
    return parts.length === 0 ? '' : `(${parts.map(visit).join()})`
  }
  return visit(root)
}

/** A type in a message: a named type's full name, otherwise its own, such as `array of string` or `timestamp-millis`. */
export function nameOf(type: AvroType): string {
  if (type.typeName.startsWith('logical:')) return type.typeName.slice('logical:'.length)
  if (type.types !== undefined) return `a union of ${type.types.map(nameOf).join(', ')}`
  if (type.itemsType !== undefined) return `array of ${nameOf(type.itemsType)}`
  if (type.valuesType !== undefined) return `map of ${nameOf(type.valuesType)}`
  if (type.name !== undefined) return `${type.typeName} ${type.name}`
  return type.branchName ?? type.typeName
}
