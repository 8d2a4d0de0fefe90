import { TopologyError } from '../errors.ts'
import type { AvroType } from './avsc-internals.ts'
import { buildType } from './avro-type.ts'
import { parseSchema } from './normalize-schema.ts'
import { differences } from './resolution.ts'
import type { Compatibility, RegisteredSchema, SchemaRegistry } from './schema-registry.ts'

interface Version extends RegisteredSchema {
  readonly type: AvroType
}

/**
 * A schema registry for tests and the test driver: subjects with versions, ids that are shared by equal schemas, and the
 * compatibility check of a real one. Subjects are BACKWARD unless told otherwise.
 * @example `const registry = new InMemorySchemaRegistry()`
 */
export class InMemorySchemaRegistry implements SchemaRegistry {
  readonly #byId: Version[] = []
  readonly #idByText = new Map<string, number>()
  readonly #subjects = new Map<string, Version[]>()
  readonly #levels = new Map<string, Compatibility>()

  setCompatibility(subject: string, level: Compatibility): Promise<void> {
    this.#levels.set(subject, level)
    return Promise.resolve()
  }

  async schemaById(id: number): Promise<string> {
    const version = this.#byId[id - 1]
    if (version === undefined)
      throw new TopologyError('TOPOLOGY_SCHEMA_UNKNOWN', `The registry has no schema ${id}`)
    return version.schema
  }

  async latest(subject: string): Promise<RegisteredSchema | undefined> {
    const version = this.#subjects.get(subject)?.at(-1)
    return version && { id: version.id, schema: version.schema }
  }

  async idOf(subject: string, schema: string): Promise<number | undefined> {
    const text = canonicalText(schema)
    return this.#subjects.get(subject)?.find(version => version.schema === text)?.id
  }

  async register(subject: string, schema: string): Promise<number> {
    const version = this.#versionOf(schema)
    const versions = this.#subjects.get(subject) ?? []
    if (versions.includes(version)) return version.id
    const messages = this.#incompatibilities(subject, version.type)
    if (messages.length > 0)
      throw new TopologyError(
        'TOPOLOGY_SCHEMA_INCOMPATIBLE',
        `The registry refuses the schema under ${subject}: ${messages.join('; ')}`,
      )
    versions.push(version)
    this.#subjects.set(subject, versions)
    return version.id
  }

  async checkCompatibility(
    subject: string,
    schema: string,
  ): Promise<{ readonly compatible: boolean; readonly messages: readonly string[] }> {
    const messages = this.#incompatibilities(subject, buildType(parseSchema(schema), {}))
    return { compatible: messages.length === 0, messages }
  }

  #versionOf(schema: string): Version {
    const text = canonicalText(schema)
    const known = this.#byId[(this.#idByText.get(text) ?? 0) - 1]
    if (known !== undefined) return known
    const version = { id: this.#byId.length + 1, schema: text, type: buildType(parseSchema(text), {}) }
    this.#byId.push(version)
    this.#idByText.set(text, version.id)
    return version
  }

  #incompatibilities(subject: string, candidate: AvroType): readonly string[] {
    const level = this.#levels.get(subject) ?? 'BACKWARD'
    if (level === 'NONE') return []
    const versions = this.#subjects.get(subject) ?? []
    const compared = level.endsWith('_TRANSITIVE') ? versions : versions.slice(-1)
    return compared.flatMap(({ type }) => [
      ...(level.startsWith('FORWARD') ? [] : differences(candidate, type)),
      ...(level.startsWith('BACKWARD') ? [] : differences(type, candidate)),
    ])
  }
}

function canonicalText(schema: string): string {
  return JSON.stringify(parseSchema(schema))
}
