/** A schema as the registry stores it. */
export interface RegisteredSchema {
  readonly id: number
  /** The schema's JSON text. */
  readonly schema: string
}

/** What a registry checks before it takes another version of a subject. Reading is what counts: BACKWARD lets readers of the new version read the old. */
export type Compatibility =
  'NONE' | 'BACKWARD' | 'BACKWARD_TRANSITIVE' | 'FORWARD' | 'FORWARD_TRANSITIVE' | 'FULL' | 'FULL_TRANSITIVE'

/**
 * What serdes need of a Confluent-compatible schema registry. `HttpSchemaRegistry` speaks to a real one,
 * `InMemorySchemaRegistry` serves tests and the test driver. Rejections: TOPOLOGY_SCHEMA_UNKNOWN, TOPOLOGY_SCHEMA_INCOMPATIBLE,
 * TOPOLOGY_SCHEMA_INVALID, TOPOLOGY_AUTHORIZATION_FAILED, TOPOLOGY_REGISTRY_UNAVAILABLE.
 */
export interface SchemaRegistry {
  schemaById(id: number): Promise<string>
  /** The latest version under a subject, or undefined where the subject does not exist. */
  latest(subject: string): Promise<RegisteredSchema | undefined>
  /** The id that this very schema has under a subject, in any version; undefined where it is not registered there. */
  idOf(subject: string, schema: string): Promise<number | undefined>
  /** Idempotent: the same schema under the same subject answers the same id. */
  register(subject: string, schema: string): Promise<number>
  /** Whether `schema` could be registered now; the messages say what differs. */
  checkCompatibility(
    subject: string,
    schema: string,
  ): Promise<{ readonly compatible: boolean; readonly messages: readonly string[] }>
}
