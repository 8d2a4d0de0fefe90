import type { AvroField, AvroRecord, AvroType, ResolveOptions, Resolver, Tap } from './avsc-internals.ts'

/** What happens with one field of the writer: it is skipped, or read for one or more fields of the reader. */
export interface RecordStep {
  readonly source: AvroField
  /** The reader's fields, by their places. */
  readonly slots: readonly number[]
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
  const steps = recordSteps(reader, writer)
  return compile(reader, steps, (slot, source) => {
    const { type } = reader.fields[slot]!
    return type.createResolver(source.type, options) as unknown as Resolver
  })
}

/** In the order of the writer's fields. @throws when a field has neither a counterpart nor a default */
export function recordSteps(reader: AvroRecord, writer: AvroType): readonly RecordStep[] {
  const written = writer.fields
  if (written === undefined) throw new Error(`${writer.typeName} is no record`)
  const slotsOf = new Map<AvroField, number[]>()
  for (const [slot, field] of reader.fields.entries()) {
    const source = counterpart(field, written)
    if (source !== undefined) slotsOf.set(source, [...(slotsOf.get(source) ?? []), slot])
    else if (field.defaultValue() === undefined)
      throw new Error(`no field of ${String(writer.name)} for ${field.name}, which has no default`)
  }
  return written.map(source => ({ source, slots: slotsOf.get(source) ?? [] }))
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
function compile(
  reader: AvroRecord,
  steps: readonly RecordStep[],
  resolve: (slot: number, source: AvroField) => Resolver,
): (tap: Tap) => unknown {
  const parts: unknown[] = []
  const use = (part: unknown): string => `p${parts.push(part) - 1}`
  const lines: string[] = []
  for (const { source, slots } of steps) {
    if (slots.length === 0) lines.push(`${use(source.type)}._skip(t);`)
    for (const [i, slot] of slots.entries()) {
      // Two fields of the reader may be aliases of one that was written.
      if (i > 0) lines.push('t.pos = start;')
      else if (slots.length > 1) lines.push('start = t.pos;')
      lines.push(`const v${slot} = ${use(resolve(slot, source))}._read(t);`)
    }
  }
  const filled = new Set(steps.flatMap(({ slots }) => slots))
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
