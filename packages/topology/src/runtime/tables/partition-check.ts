import type { Admin, KafkaClient } from '../../client/ports.ts'
import { TopologyError } from '../../errors.ts'
import type { CompiledSubTopology, CompiledTopology } from '../../plan/compiled.ts'
import { sampleKeys, type KeySample, type SampledTopic } from './key-samples.ts'
import { FOREIGN_PARTITIONERS, JAVA_MURMUR2 } from './partitioners.ts'

export interface PartitionCheckOptions {
  readonly topology: CompiledTopology
  readonly client: Pick<KafkaClient, 'admin' | 'createFetcher'>
  /** Keys looked at per partition, from its beginning. 0 compares partition counts alone. */
  readonly samplesPerPartition: number
}

/** With fewer samples an agreement with another hash may be chance. */
const MIN_SAMPLES_TO_NAME_A_HASH = 8

/**
 * Law 4: a join with a partitioned table finds its row only when equal keys lie on partitions of equal number, in all
 * topics of the sub-topology. So their partition counts must be equal, and their keys must lie where Java's murmur2 puts
 * them, which is also where this library writes. Sub-topologies without a partitioned table join nothing by partition and
 * are not looked at; topics without keys pass.
 *
 * @throws TOPOLOGY_TOPIC_MISSING, TOPOLOGY_PARTITION_COUNT_MISMATCH, TOPOLOGY_PARTITIONER_MISMATCH
 */
export async function checkPartitioning(options: PartitionCheckOptions): Promise<void> {
  const { topology, client, samplesPerPartition } = options
  const joined = topology.subTopologies.filter(({ tables }) => tables.length > 0)
  const counts = await partitionCounts(client.admin, [...new Set(joined.flatMap(topicsOf))])
  for (const subTopology of joined) checkCounts(subTopology, counts)
  if (samplesPerPartition === 0) return
  const sampled = sampledTopics(joined, counts)
  const samples = await sampleKeys(client, sampled, samplesPerPartition)
  for (const topic of sampled) checkSamples(topic, samples.get(topic.topic) ?? [])
}

function topicsOf({ sources, tables }: CompiledSubTopology): readonly string[] {
  return [...sources, ...tables].map(({ topic }) => topic)
}

async function partitionCounts(
  admin: Admin,
  topics: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (topics.length === 0) return new Map()
  const descriptions = await admin.describeTopics(topics)
  const missing = topics.filter((_, i) => descriptions[i] === undefined)
  if (missing.length > 0)
    throw new TopologyError(
      'TOPOLOGY_TOPIC_MISSING',
      `These topics are joined and do not exist: ${missing.join(', ')}`,
    )
  return new Map(topics.map((topic, i) => [topic, descriptions[i]!.partitions]))
}

function checkCounts(subTopology: CompiledSubTopology, counts: ReadonlyMap<string, number>): void {
  const topics = [...new Set(topicsOf(subTopology))]
  if (new Set(topics.map(topic => counts.get(topic))).size <= 1) return
  const list = topics.map(topic => `${topic} has ${counts.get(topic)}`).join(', ')
  throw new TopologyError(
    'TOPOLOGY_PARTITION_COUNT_MISMATCH',
    `Topics that are joined by key need equal partition counts, but ${list}. Repartition the stream, use a global table, or create the topics anew with equal counts`,
  )
}

/** With one partition every key is in the right place, and repartition topics are written by this library alone. */
function sampledTopics(
  joined: readonly CompiledSubTopology[],
  counts: ReadonlyMap<string, number>,
): readonly SampledTopic[] {
  const own = new Set(
    joined.flatMap(({ sources }) => sources.filter(source => source.isRepartition).map(({ topic }) => topic)),
  )
  return [...counts]
    .filter(([topic, partitions]) => partitions > 1 && !own.has(topic))
    .map(([topic, partitions]) => ({ topic, partitions }))
}

function checkSamples({ topic, partitions }: SampledTopic, samples: readonly KeySample[]): void {
  const misplaced = samples.filter(
    ({ key, partition }) => JAVA_MURMUR2.partition(key, partitions) !== partition,
  )
  const [first] = misplaced
  if (first === undefined) return
  const expected = JAVA_MURMUR2.partition(first.key, partitions)
  throw new TopologyError(
    'TOPOLOGY_PARTITIONER_MISMATCH',
    `Topic ${topic} is not partitioned by ${JAVA_MURMUR2.name}, so joins by key would miss rows: ${misplaced.length} of ${samples.length} sampled keys lie on another of its ${partitions} partitions, such as ${printKey(first.key)} on partition ${first.partition} instead of ${expected}. ${guessCause(samples, partitions)}`,
  )
}

function guessCause(samples: readonly KeySample[], partitions: number): string {
  const alike = FOREIGN_PARTITIONERS.filter(partitioner =>
    samples.every(({ key, partition }) => partitioner.partition(key, partitions) === partition),
  )
  if (alike.length === 0)
    return 'No known partitioner explains all samples: several producers may differ, or partitions were added later'
  const names = alike.map(({ name }) => name).join(', or ')
  if (samples.length < MIN_SAMPLES_TO_NAME_A_HASH)
    return `All of them agree with ${names}, but they are too few to be sure`
  return `All of them agree with ${names}`
}

/** Text where the key is readable text, hexadecimal where not; never more than some dozen characters. */
function printKey(key: Buffer): string {
  const text = key.toString('utf8')
  if (/^[\p{L}\p{N}\p{P}\p{S} ]*$/u.test(text) && !text.includes('\ufffd'))
    return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text)
  return `0x${key.toString('hex', 0, 32)}${key.length > 32 ? '…' : ''}`
}
