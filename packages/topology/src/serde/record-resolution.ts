import type { AvroField, AvroRecord, AvroType, ResolveOptions, Resolver, Tap } from './avsc-internals.ts'

/** What happens with one field of the writer: it is skipped, or read for one or more fields of the reader. */
interface Step {
  readonly writer: AvroType
  readonly targets: readonly { readonly slot: number; readonly resolver: Resolver }[]
}

/**
 * How a reader's record reads a writer's. avsc has this too, but keeps fields in objects with a prototype: there a field
 * named `constructor` or `toString` is always found.
 * @throws when a field has neither a counterpart nor a default, or the names differ
 */
export function recordResolver(
  reader: AvroRecord,
  writer: AvroType,
  options: ResolveOptions,
): (tap: Tap) => unknown {
  if (!isSameName(reader, writer, options.ignoreNamespaces === true))
    throw new Error(`${String(writer.name)} is neither the name nor an alias of ${String(reader.name)}`)
  const written = writer.fields
  if (written === undefined) throw new Error(`${writer.typeName} is no record`)
  const slotsOf = new Map<AvroField, number[]>()
  for (const [slot, field] of reader.fields.entries()) {
    const source = counterpart(field, written)
    if (source !== undefined) slotsOf.set(source, [...(slotsOf.get(source) ?? []), slot])
    else if (field.defaultValue() === undefined)
      throw new Error(`no field of ${String(writer.name)} for ${field.name}, which has no default`)
  }
  const steps = written.map(field => ({
    writer: field.type,
    targets: (slotsOf.get(field) ?? []).map(slot => ({
      slot,
      resolver: reader.fields[slot]!.type.createResolver(field.type, options) as unknown as Resolver,
    })),
  }))
  return compile(reader, steps)
}

function isSameName(reader: AvroType, writer: AvroType, ignoresNamespaces: boolean): boolean {
  const simplify = (name: string): string =>
    ignoresNamespaces ? name.slice(name.lastIndexOf('.') + 1) : name
  if (writer.name === undefined) return true
  return [reader.name ?? '', ...(reader.aliases ?? [])].map(simplify).includes(simplify(writer.name))
}

export function counterpart(field: AvroField, written: readonly AvroField[]): AvroField | undefined {
  const byName = written.find(({ name }) => name === field.name)
  return byName ?? written.find(({ name }) => field.aliases.includes(name))
}

/** Straight-line code, as avsc makes it for its own records: a loop over steps costs a third more. */
function compile(reader: AvroRecord, steps: readonly Step[]): (tap: Tap) => unknown {
  const parts: unknown[] = []
  const use = (part: unknown): string => `p${parts.push(part) - 1}`
  const lines: string[] = []
  for (const { writer, targets } of steps) {
    if (targets.length === 0) lines.push(`${use(writer)}._skip(t);`)
    for (const [i, { slot, resolver }] of targets.entries()) {
      // Two fields of the reader may be aliases of one that was written.
      if (i > 0) lines.push('t.pos = start;')
      else if (targets.length > 1) lines.push('start = t.pos;')
      lines.push(`const v${slot} = ${use(resolver)}._read(t);`)
    }
  }
  const filled = new Set(steps.flatMap(({ targets }) => targets.map(({ slot }) => slot)))
  const values = reader.fields.map((_, slot) => (filled.has(slot) ? `v${slot}` : 'undefined'))
  const result = `return new ${use(reader.recordConstructor)}(${values.join(', ')});`
  const body = `return t => { let start = 0; ${lines.join(' ')} ${result} }`
  // The code is made of indices alone: no name of the schema comes into it.
  // oxlint-disable-next-line typescript/no-implied-eval
  const make = new Function(...parts.map((_, i) => `p${i}`), body) as (
    ...all: unknown[]
  ) => (tap: Tap) => unknown
  return make(...parts)
}
