import { HttpSchemaRegistry, type Codec, type SchemaRegistry } from '@tributary/topology'
import { TOPICS } from './topics.ts'

/** How keys and values of a topic become bytes. */
export interface TopicCodecs {
  readonly key: Codec<unknown>
  readonly value: Codec<unknown>
}

/**
 * Registers the schemas of every topic, each subject with BACKWARD compatibility: those of `marketing-events` too, so that
 * its writer and its reader can start together.
 */
export async function registerSchemas(registryUrl: string): Promise<ReadonlyMap<string, TopicCodecs>> {
  const registry = backwardCompatible(new HttpSchemaRegistry({ url: registryUrl }))
  const uses = { read: false, write: true }
  const codecs = new Map<string, TopicCodecs>()
  for (const { name: topic, key, value } of TOPICS) {
    codecs.set(topic, {
      key: await key.open({ topic, part: 'key', uses, registry }),
      value: await value.open({ topic, part: 'value', uses, registry }),
    })
  }
  return codecs
}

function backwardCompatible(registry: HttpSchemaRegistry): SchemaRegistry {
  return {
    schemaById: id => registry.schemaById(id),
    latest: subject => registry.latest(subject),
    checkCompatibility: (subject, schema) => registry.checkCompatibility(subject, schema),
    register: (subject, schema) => registry.register(subject, schema),
    // A writer asks for its id before anything else, whether the schema has one or not.
    async idOf(subject, schema) {
      await registry.setCompatibility(subject, 'BACKWARD')
      return registry.idOf(subject, schema)
    },
  }
}
