import type { CommitOffset, GroupDescription, KafkaClient } from '../../client/ports.ts'
import type { Clock } from '../../clock.ts'
import { formatTopicPartition, type TopicPartition } from '../../record.ts'
import { PartitionStream } from '../read-topic.ts'

/** A member, as far as an operator has to find its process. */
export interface Owner {
  readonly memberId: string
  readonly instanceId: string | null
  readonly clientId: string
  readonly host: string
}

export interface PartitionLag extends TopicPartition {
  /** The next offset to read; null where the group has committed nothing. */
  readonly committed: number | null
  /** The oldest offset that is still there. */
  readonly start: number
  /** Behind the last record, uncommitted transactions included, as Kafka's own tools count. */
  readonly end: number
  /** Offsets from the committed one to the end; null without a commit. */
  readonly lag: number | null
  /** Age of the record at the committed offset, by its timestamp; 0 without lag, null where it cannot be said. */
  readonly lagMs: number | null
  readonly owner: Owner | null
}

export interface LagReport {
  readonly group: string
  readonly state: string
  readonly protocol: string | null
  readonly members: number
  readonly partitions: readonly PartitionLag[]
  readonly total: {
    readonly partitions: number
    /** Of the partitions with a commit. */
    readonly lag: number
    /** The largest. */
    readonly lagMs: number
    readonly withoutCommit: number
    readonly withoutOwner: number
  }
}

export interface LagQuestion {
  readonly group: string
  /** Only these; all that the group has committed or owns when there are none. */
  readonly topics: readonly string[]
  readonly clock: Clock
  readonly signal: AbortSignal | undefined
}

/** Undefined for a group that neither exists nor has committed anything. */
export async function measureLag(kafka: KafkaClient, question: LagQuestion): Promise<LagReport | undefined> {
  const { group, topics } = question
  const description = await kafka.groups.describe(group)
  const commits = await kafka.groups.committed(group)
  if (description === undefined && commits.length === 0) return undefined
  const owners = ownersIn(description)
  const committed = new Map(commits.map(commit => [nameOf(commit), commit.offset]))
  const wanted = await existing(kafka, [...commits, ...membersPartitions(description)], topics)
  const starts =
    wanted.length === 0 ? [] : await kafka.admin.listOffsets(wanted, 'earliest', 'read-committed')
  const ends = wanted.length === 0 ? [] : await kafka.admin.listOffsets(wanted, 'latest', 'read-uncommitted')
  const places = wanted.map((partition, i) => ({
    ...partition,
    committed: committed.get(nameOf(partition)) ?? null,
    start: starts[i] as number,
    end: ends[i] as number,
    owner: owners.get(nameOf(partition)) ?? null,
  }))
  const ages = await ageOfNextRecords(kafka, places, question)
  const partitions = places.map((place): PartitionLag => {
    const lag = place.committed === null ? null : Math.max(0, place.end - place.committed)
    return { ...place, lag, lagMs: lag === 0 ? 0 : (ages.get(nameOf(place)) ?? null) }
  })
  return {
    group,
    state: description?.state ?? 'Empty',
    protocol: description?.protocol ?? null,
    members: description?.members.length ?? 0,
    partitions,
    total: totalOf(partitions),
  }
}

function totalOf(partitions: readonly PartitionLag[]): LagReport['total'] {
  return {
    partitions: partitions.length,
    lag: partitions.reduce((sum, { lag }) => sum + (lag ?? 0), 0),
    lagMs: partitions.reduce((most, { lagMs }) => Math.max(most, lagMs ?? 0), 0),
    withoutCommit: partitions.filter(({ committed }) => committed === null).length,
    withoutOwner: partitions.filter(({ owner }) => owner === null).length,
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return formatTopicPartition(topic, partition)
}

function ownersIn(description: GroupDescription | undefined): ReadonlyMap<string, Owner> {
  const owners = new Map<string, Owner>()
  for (const { memberId, instanceId, clientId, host, partitions } of description?.members ?? [])
    for (const partition of partitions)
      owners.set(nameOf(partition), { memberId, instanceId: instanceId ?? null, clientId, host })
  return owners
}

function membersPartitions(description: GroupDescription | undefined): readonly TopicPartition[] {
  return (description?.members ?? []).flatMap(({ partitions }) => partitions)
}

/** Each once, in order, without those of topics that were deleted. All partitions of a topic belong to its group. */
async function existing(
  kafka: KafkaClient,
  known: readonly (TopicPartition | CommitOffset)[],
  topics: readonly string[],
): Promise<readonly TopicPartition[]> {
  const names = topics.length > 0 ? topics : [...new Set(known.map(({ topic }) => topic))].toSorted()
  const descriptions = await kafka.admin.describeTopics(names)
  return names.flatMap((topic, i) =>
    Array.from({ length: descriptions[i]?.partitions ?? 0 }, (_, partition) => ({ topic, partition })),
  )
}

/** Partitions whose next record is fetched at a time. */
const AT_ONCE = 64

async function ageOfNextRecords(
  kafka: KafkaClient,
  places: readonly (TopicPartition & Pick<PartitionLag, 'committed' | 'start' | 'end'>)[],
  { clock, signal }: LagQuestion,
): Promise<ReadonlyMap<string, number>> {
  const behind = places.filter(({ committed, end }) => committed !== null && committed < end)
  const ages = new Map<string, number>()
  // One record per partition is wanted, and a broker sends a whole batch at least.
  const fetcher = kafka.createFetcher({
    isolation: 'read-uncommitted',
    maxBytesPerPartition: 1_024,
    maxWaitMs: 250,
  })
  try {
    for (let from = 0; from < behind.length; from += AT_ONCE) {
      const now = behind.slice(from, from + AT_ONCE).map(async place => {
        const { topic, partition, committed, start, end } = place
        const range = { partition, from: Math.max(committed ?? 0, start), to: end }
        const stream = new PartitionStream(fetcher, topic, range, signal)
        for (let records = await stream.next(); records !== undefined; records = await stream.next()) {
          const [first] = records
          if (first === undefined) continue
          ages.set(nameOf(place), Math.max(0, clock.now() - first.timestampMs))
          break
        }
        stream.close()
      })
      await Promise.all(now)
    }
  } finally {
    await fetcher.close()
  }
  return ages
}
