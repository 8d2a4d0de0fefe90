import type { Admin, TopicSpec } from '../client/ports.ts'
import type { AppOptions } from '../config.ts'
import { TopologyError } from '../errors.ts'
import type { CompiledSubTopology, CompiledTopology } from '../plan/compiled.ts'
import type { SchemaRegistry } from '../serde/schema-registry.ts'
import type { Serde } from '../serde/serde.ts'
import { checkDeadLetterTopic, deadLetterTopicConfig } from './dead-letter-topic.ts'
import type { TopicCodecs } from './task-source.ts'

/** Partition counts by topic name, of every topic that the topology touches. */
export type TopicPartitions = ReadonlyMap<string, number>

/** The topic that malformed and rejected records of an application go to. */
export function deadLetterTopicOf(topology: CompiledTopology, options: AppOptions): string {
  return options.deadLetterTopic ?? `${topology.name}-dead-letters`
}

/**
 * Finds every topic, creates the application's own (repartition, dead letters) where they are missing, and refuses to
 * start without the others: TOPOLOGY_TOPIC_MISSING names them all. Throws TOPOLOGY_PARTITION_COUNT_MISMATCH for a
 * repartition topic that has another count than was asked for.
 */
export async function resolveTopics(
  topology: CompiledTopology,
  admin: Admin,
  options: AppOptions,
): Promise<TopicPartitions> {
  const internal = new Set([
    ...topology.repartitions.map(repartition => repartition.topic),
    ...topology.subTopologies.flatMap(({ memories }) => memories.map(memory => memory.topic)),
  ])
  const deadLetters = deadLetterTopicOf(topology, options)
  const external = externalTopics(topology).filter(topic => !internal.has(topic) && topic !== deadLetters)
  const counts = await partitionCounts(admin, external)
  const missing = external.filter(topic => !counts.has(topic))
  if (missing.length > 0) {
    throw new TopologyError(
      'TOPOLOGY_TOPIC_MISSING',
      `${topology.name} needs ${missing.length === 1 ? 'a topic that does' : 'topics that do'} not exist: ${missing.join(', ')}. Create ${missing.length === 1 ? 'it' : 'them'} first; only the topics of repartitions, of memories and of dead letters are created at start`,
    )
  }
  const letterConfig = await deadLetterTopicConfig(admin, external)
  const own = ownTopics(topology, counts, options, letterConfig)
  await admin.createTopics(own)
  await checkDeadLetterTopic(admin, deadLetters)
  for (const [topic, partitions] of await partitionCounts(
    admin,
    own.map(spec => spec.name),
  )) {
    counts.set(topic, partitions)
  }
  checkRepartitions(topology, counts)
  await checkMemories(topology, counts, admin)
  return counts
}

/** A topic that exists is left alone, so it may be an older one with another count. */
function checkRepartitions(topology: CompiledTopology, counts: TopicPartitions): void {
  for (const { topic, partitions } of topology.repartitions) {
    if (partitions === undefined || counts.get(topic) === partitions) continue
    throw new TopologyError(
      'TOPOLOGY_PARTITION_COUNT_MISMATCH',
      `${topology.name}: the internal topic ${topic} has ${counts.get(topic)} partitions, but its repartition asks for ${partitions}. Delete it once everything in it is processed, or ask for as many as it has`,
    )
  }
}

function externalTopics(topology: CompiledTopology): string[] {
  const topics = new Set<string>()
  for (const { sources, tables, sinks } of topology.subTopologies) {
    for (const { topic } of [...sources, ...tables, ...sinks]) topics.add(topic)
  }
  for (const { topic } of topology.globalTables) topics.add(topic)
  return [...topics]
}

async function partitionCounts(admin: Admin, topics: readonly string[]): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  for (const description of await admin.describeTopics(topics)) {
    if (description !== undefined) counts.set(description.name, description.partitions)
  }
  return counts
}

/** As its sub-topology has tasks. Throws for one with another count of partitions, and for one that is not compacted. */
async function checkMemories(
  topology: CompiledTopology,
  counts: TopicPartitions,
  admin: Admin,
): Promise<void> {
  for (const subTopology of topology.subTopologies) {
    for (const { topic, name } of subTopology.memories) {
      const tasks = largestSource(subTopology, counts)
      if (counts.get(topic) !== tasks) {
        throw new TopologyError(
          'TOPOLOGY_PARTITION_COUNT_MISMATCH',
          `${topology.name}: ${topic} (${name}) has ${counts.get(topic)} partitions, but its step has ${tasks} tasks, and each needs a partition of its own. Delete it, which forgets all that is in it, and it is created anew`,
        )
      }
      const [description] = await admin.describeTopics([topic])
      if (description?.cleanupPolicy.split(',').includes('compact') !== false) continue
      throw new TopologyError(
        'TOPOLOGY_CONFIG_INVALID',
        `${topology.name}: ${topic} (${name}) has the cleanup policy '${description.cleanupPolicy}', by which it would grow without end or forget what has not changed for a while; it has to have 'compact'`,
      )
    }
  }
}

/** How many tasks a sub-topology has, over all processes. */
export function largestSource({ sources }: CompiledSubTopology, counts: TopicPartitions): number {
  return Math.max(1, ...sources.map(({ topic }) => counts.get(topic) ?? 1))
}

/** A repartition topic has as many partitions as the largest source of the sub-topology that writes it. */
function ownTopics(
  topology: CompiledTopology,
  counts: Map<string, number>,
  options: AppOptions,
  letterConfig: Readonly<Record<string, string>>,
): TopicSpec[] {
  const { replicationFactor } = options
  const specs: TopicSpec[] = []
  const known = new Map(counts)
  for (const { topic, partitions, writer } of topology.repartitions) {
    const from = topology.subTopologies.find(({ id }) => id === writer)
    const count = partitions ?? (from === undefined ? 1 : largestSource(from, known))
    known.set(topic, count)
    specs.push({ name: topic, partitions: count, replicationFactor, config: { 'cleanup.policy': 'delete' } })
  }
  const largest = Math.max(1, ...known.values())
  for (const subTopology of topology.subTopologies) {
    for (const { topic: name } of subTopology.memories) {
      const config = { 'cleanup.policy': 'compact' }
      specs.push({ name, partitions: largestSource(subTopology, known), replicationFactor, config })
    }
  }
  const name = deadLetterTopicOf(topology, options)
  specs.push({ name, partitions: largest, replicationFactor, config: letterConfig })
  return specs
}

/** By topic: the plan has made sure that each has one description. */
export interface TopologyCodecs {
  readonly sources: ReadonlyMap<string, TopicCodecs>
  readonly sinks: ReadonlyMap<string, TopicCodecs>
}

/** Binds every serde to its topic. Schemas are compared with the registry here, before the first record is read. */
export async function openCodecs(
  topology: CompiledTopology,
  registry: SchemaRegistry | undefined,
): Promise<TopologyCodecs> {
  const sources = new Map<string, TopicCodecs>()
  const sinks = new Map<string, TopicCodecs>()
  for (const subTopology of topology.subTopologies) {
    // Writers first: a repartition topic's schema is registered before it is read.
    for (const { topic, key, value } of subTopology.sinks) {
      if (sinks.has(topic)) continue
      sinks.set(topic, await openPair(topic, { key, value }, { read: false, write: true }, registry))
    }
    for (const { topic, key, value } of subTopology.sources) {
      sources.set(topic, await openPair(topic, { key, value }, { read: true, write: false }, registry))
    }
  }
  return { sources, sinks }
}

async function openPair(
  topic: string,
  serdes: { readonly key: Serde<unknown>; readonly value: Serde<unknown> },
  uses: { readonly read: boolean; readonly write: boolean },
  registry: SchemaRegistry | undefined,
): Promise<TopicCodecs> {
  const key = await serdes.key.open({ topic, part: 'key', uses, registry })
  const value = await serdes.value.open({ topic, part: 'value', uses, registry })
  return { key, value }
}
