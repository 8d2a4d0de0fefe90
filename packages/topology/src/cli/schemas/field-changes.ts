import { buildType } from '../../serde/avro-type.ts'
import type { AvroType } from '../../serde/avsc-internals.ts'
import { parseSchema } from '../../serde/normalize-schema.ts'
import { nameOf } from '../../serde/resolution.ts'
import { toJson } from '../json.ts'

/** What differs between two schemas, a line per field: `+ city: string, by default ""`, `- zip: string`, `~ age: int → long`. */
export function fieldChanges(before: string, after: string): readonly string[] {
  const [old, now] = [fieldsOf(before), fieldsOf(after)]
  const lines: string[] = []
  for (const [path, type] of now) {
    const earlier = old.get(path)
    if (earlier === undefined) lines.push(`+ ${path}: ${type}`)
    else if (earlier !== type) lines.push(`~ ${path}: ${earlier} → ${type}`)
  }
  for (const [path, type] of old) if (!now.has(path)) lines.push(`- ${path}: ${type}`)
  return lines
}

function fieldsOf(text: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  const visit = (type: AvroType, path: string, above: readonly AvroType[]): void => {
    if (above.includes(type)) return
    const inside = [...above, type]
    for (const branch of type.types ?? []) visit(branch, path, inside)
    if (type.itemsType !== undefined) visit(type.itemsType, `${path}[]`, inside)
    if (type.valuesType !== undefined) visit(type.valuesType, `${path}[*]`, inside)
    for (const field of type.fields ?? []) {
      const fieldPath = path === '' ? field.name : `${path}.${field.name}`
      const fallback = field.defaultValue()
      const suffix = fallback === undefined ? '' : `, by default ${toJson(fallback)}`
      found.set(fieldPath, described(field.type) + suffix)
      visit(field.type, fieldPath, inside)
    }
  }
  const root = buildType(parseSchema(text), {})
  if (root.fields === undefined) found.set('the schema', described(root))
  visit(root, '', [])
  return found
}

function described(type: AvroType): string {
  return type.symbols === undefined ? nameOf(type) : `${nameOf(type)} of ${type.symbols.join(', ')}`
}
