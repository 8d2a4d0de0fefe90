import { buildType } from '../../serde/avro-type.ts'
import { parseSchema } from '../../serde/normalize-schema.ts'
import { differences } from '../../serde/resolution.ts'
import type { RegisteredSchema, SchemaRegistry } from '../../serde/schema-registry.ts'
import type { CodeSchema } from './collect.ts'
import { fieldChanges } from './field-changes.ts'

/**
 * `registered`: the registry has this very schema. `compatible`: it differs from the latest one, and fits. `new`: the subject
 * does not exist yet. `missing`: it is not registered, and a start would not register it. `incompatible`: the registry refuses
 * it, or records that are written with the latest one could not be read.
 */
export type SchemaState = 'registered' | 'compatible' | 'new' | 'missing' | 'incompatible'

export interface SchemaReport extends Omit<CodeSchema, 'text'> {
  readonly state: SchemaState
  /** Of the code's schema, where the registry has it. */
  readonly id: number | null
  readonly latestId: number | null
  /** Why it does not fit. */
  readonly problems: readonly string[]
  /** From the latest registered one to the code's. */
  readonly changes: readonly string[]
}

export async function compareSchema(registry: SchemaRegistry, schema: CodeSchema): Promise<SchemaReport> {
  const { text, ...facts } = schema
  const { subject, isWritten, isRead, isAutoRegistered } = facts
  const latest = await registry.latest(subject)
  const id = latest === undefined ? undefined : await registry.idOf(subject, text)
  const problems = [
    ...(isRead && latest !== undefined ? readingProblems(text, latest) : []),
    ...(isWritten && latest !== undefined && id === undefined
      ? await writingProblems(registry, schema, latest)
      : []),
  ]
  const isSame = latest !== undefined && latest.id === id
  const state = ((): SchemaState => {
    if (problems.length > 0) return 'incompatible'
    if (id !== undefined) return 'registered'
    if (isWritten && !isAutoRegistered) return 'missing'
    return latest === undefined ? 'new' : 'compatible'
  })()
  return {
    ...facts,
    state,
    id: id ?? null,
    latestId: latest?.id ?? null,
    problems: [...new Set(problems)],
    changes: latest === undefined || isSame ? [] : changesSince(latest, text),
  }
}

/** What keeps the code from reading what is written with the latest schema. */
function readingProblems(text: string, latest: RegisteredSchema): readonly string[] {
  try {
    return differences(buildType(parseSchema(text), {}), buildType(parseSchema(latest.schema), {}))
  } catch (error) {
    return [`its latest schema ${latest.id} cannot be used: ${(error as Error).message}`]
  }
}

async function writingProblems(
  registry: SchemaRegistry,
  { subject, text }: CodeSchema,
  latest: RegisteredSchema,
): Promise<readonly string[]> {
  const { compatible, messages } = await registry.checkCompatibility(subject, text)
  if (compatible) return []
  // The registry's own words are often only a rule's name.
  const said = [...readingProblems(text, latest), ...messages]
  return said.length > 0 ? said : ['the registry says that it is not compatible']
}

function changesSince(latest: RegisteredSchema, text: string): readonly string[] {
  try {
    return fieldChanges(latest.schema, text)
  } catch {
    // Told as a problem already, where it is one.
    return []
  }
}
