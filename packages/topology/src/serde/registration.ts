import { TopologyError } from '../errors.ts'
import type { AvroType } from './avsc-internals.ts'
import { buildType } from './avro-type.ts'
import { parseSchema } from './normalize-schema.ts'
import { differences } from './resolution.ts'
import type { SchemaRegistry } from './schema-registry.ts'
import type { SerdeContext } from './serde.ts'

/** Bytes that never leave the process, such as a table's index of its keys, carry this id. */
export const LOCAL_SCHEMA_ID = 0

export interface RegistrationOptions {
  readonly registry: SchemaRegistry
  readonly subject: string
  readonly text: string
  readonly autoRegister: boolean
}

export function registryOf(context: SerdeContext, serde: string): SchemaRegistry {
  if (context.registry !== undefined) return context.registry
  throw new TopologyError(
    'TOPOLOGY_CONFIG_INVALID',
    `The ${context.part} of ${context.topic} (${serde}) needs a schema registry, and the app has none: give it one, such as new HttpSchemaRegistry({ url })`,
  )
}

/**
 * The id under which a writer's schema stands, registered if need be.
 * @throws TOPOLOGY_SCHEMA_INCOMPATIBLE when the registry refuses the schema, or has not seen it and may not be told
 */
export async function registeredId(options: RegistrationOptions): Promise<number> {
  const { registry, subject, text, autoRegister } = options
  // An older version that is registered already stays usable: during a rollout its writers restart as well.
  const known = await registry.idOf(subject, text)
  if (known !== undefined) return known
  if (!autoRegister)
    throw incompatible(
      `Subject ${subject} does not hold the schema of the code, and autoRegister is false`,
      await latestDifferences(options),
    )
  const { compatible, messages } = await registry.checkCompatibility(subject, text)
  if (compatible) return registerBesideOthers(options)
  throw incompatible(`Subject ${subject} does not take the schema of the code`, [
    ...(await latestDifferences(options)),
    ...messages,
  ])
}

/**
 * Processes that start together all find a new subject without the schema, and all register it. Apicurio answers those that
 * come second with the 409 of a schema that does not fit ("An artifact with ID … already exists"). The schema stands there
 * then; or another one does, which the second try is held against.
 */
async function registerBesideOthers({ registry, subject, text }: RegistrationOptions): Promise<number> {
  try {
    return await registry.register(subject, text)
  } catch (error) {
    if (!TopologyError.is(error) || error.code !== 'TOPOLOGY_SCHEMA_INCOMPATIBLE') throw error
    return (await registry.idOf(subject, text)) ?? (await registry.register(subject, text))
  }
}

export function incompatible(what: string, details: readonly string[]): TopologyError {
  const said = [...new Set(details)].filter(detail => detail !== '')
  return new TopologyError(
    'TOPOLOGY_SCHEMA_INCOMPATIBLE',
    said.length === 0 ? what : `${what}: ${said.join('; ')}`,
  )
}

/** What keeps the code's schema from reading the latest registered one. The registry's own words are often only a rule's name. */
async function latestDifferences({
  registry,
  subject,
  text,
}: RegistrationOptions): Promise<readonly string[]> {
  const latest = await registry.latest(subject)
  if (latest === undefined) return ['the subject does not exist']
  let writer: AvroType
  try {
    writer = buildType(parseSchema(latest.schema), {})
  } catch (error) {
    return [`its latest schema ${latest.id} cannot be used: ${(error as Error).message}`]
  }
  return differences(buildType(parseSchema(text), {}), writer)
}
