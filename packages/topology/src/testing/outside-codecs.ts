import type { CompiledTopology } from '../plan/compiled.ts'
import type { TopicCodecs } from '../runtime/task-source.ts'
import type { SchemaRegistry } from '../serde/schema-registry.ts'
import type { Serde } from '../serde/serde.ts'

/** The codecs of those who write what the topology reads, and read what it writes, by topic. */
export interface OutsideCodecs {
  readonly sources: ReadonlyMap<string, TopicCodecs>
  readonly sinks: ReadonlyMap<string, TopicCodecs>
}

interface TopicSerdes {
  readonly topic: string
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
}

export async function openOutsideCodecs(
  topology: CompiledTopology,
  registry: SchemaRegistry,
): Promise<OutsideCodecs> {
  const sources = new Map<string, TopicCodecs>()
  const sinks = new Map<string, TopicCodecs>()
  for (const subTopology of topology.subTopologies) {
    for (const source of subTopology.sources) {
      sources.set(source.topic, await openPair(source, { read: false, write: true }, registry))
    }
    for (const { topic, key, value } of subTopology.sinks) {
      if (sinks.has(topic)) continue
      sinks.set(topic, await openPair({ topic, key, value }, { read: true, write: true }, registry))
    }
  }
  return { sources, sinks }
}

async function openPair(
  { topic, key, value }: TopicSerdes,
  uses: { readonly read: boolean; readonly write: boolean },
  registry: SchemaRegistry,
): Promise<TopicCodecs> {
  return {
    key: await key.open({ topic, part: 'key', uses, registry }),
    value: await value.open({ topic, part: 'value', uses, registry }),
  }
}
