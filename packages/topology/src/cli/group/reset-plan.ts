import type { GroupMemberDescription, KafkaClient, OffsetSpec } from '../../client/ports.ts'
import { formatTopicPartition, type TopicPartition } from '../../record.ts'
import { CliError } from '../context.ts'

export type ResetTarget = { readonly offset: number } | OffsetSpec

/** A topic, and of its partitions all or some. */
export interface TopicChoice {
  readonly topic: string
  readonly partitions: readonly number[] | undefined
}

export interface PartitionReset extends TopicPartition {
  /** Null where the group has committed nothing. */
  readonly before: number | null
  readonly after: number
  /** Records that will be read once more; negative: that will never be read. Null without a commit. */
  readonly again: number | null
  /** The asked-for offset is not in the partition, so its nearest end is taken. */
  readonly isBounded: boolean
}

export interface ResetPlan {
  readonly group: string
  readonly state: string
  readonly partitions: readonly PartitionReset[]
}

/** `topic`, `topic:0,2` as Kafka's own tool takes them. */
export function topicChoice(text: string): TopicChoice {
  const [topic = '', list, ...rest] = text.split(':')
  const isWrong =
    topic === '' || rest.length > 0 || (list !== undefined && !/^\d{1,9}(,\d{1,9})*$/.test(list))
  if (isWrong) throw new CliError(`--topic is ${JSON.stringify(text)}; allowed: orders, orders:0,2.`, 2)
  return { topic, partitions: list?.split(',').map(Number) }
}

/** Finds what would change, and changes nothing. @throws CliError for a group with members, naming them */
export async function planReset(
  kafka: KafkaClient,
  request: {
    readonly group: string
    readonly target: ResetTarget
    /** Undefined: every topic that the group has committed. */
    readonly topics: readonly TopicChoice[] | undefined
  },
): Promise<ResetPlan> {
  const { group, target, topics } = request
  const description = await kafka.groups.describe(group)
  if (description !== undefined && description.members.length > 0)
    throw new CliError(hasMembers(group, description.members), 1)
  const commits = await kafka.groups.committed(group)
  if (topics === undefined && commits.length === 0)
    throw new CliError(`The group ${group} has committed nothing: name the topics by --topic.`, 1)
  const chosen =
    topics ??
    [...new Set(commits.map(({ topic }) => topic))]
      .toSorted()
      .map((topic): TopicChoice => ({ topic, partitions: undefined }))
  const partitions = await partitionsOf(kafka, chosen, topics !== undefined)
  const before = new Map(
    commits.map(({ topic, partition, offset }) => [formatTopicPartition(topic, partition), offset]),
  )
  const starts = await kafka.admin.listOffsets(partitions, 'earliest', 'read-committed')
  const ends = await kafka.admin.listOffsets(partitions, 'latest', 'read-uncommitted')
  const wanted =
    typeof target === 'object' && 'offset' in target
      ? partitions.map(() => target.offset)
      : await kafka.admin.listOffsets(partitions, target, 'read-uncommitted')
  return {
    group,
    state: description?.state ?? 'Empty',
    partitions: partitions.map((partition, i) => {
      const asked = wanted[i] as number
      const after = Math.min(Math.max(asked, starts[i] as number), ends[i] as number)
      const old = before.get(formatTopicPartition(partition.topic, partition.partition)) ?? null
      const again = old === null ? null : old - after
      return { ...partition, before: old, after, again, isBounded: after !== asked }
    }),
  }
}

/** Topics that were deleted are passed over, unless they were asked for by name. */
async function partitionsOf(
  kafka: KafkaClient,
  choices: readonly TopicChoice[],
  isNamed: boolean,
): Promise<readonly TopicPartition[]> {
  const descriptions = await kafka.admin.describeTopics(choices.map(({ topic }) => topic))
  const partitions = choices.flatMap(({ topic, partitions: some }, i) => {
    const count = descriptions[i]?.partitions
    if (count === undefined) {
      if (isNamed) throw new CliError(`There is no topic ${topic}.`, 1)
      return []
    }
    const absent = some?.find(partition => partition >= count)
    if (absent !== undefined)
      throw new CliError(`${topic} has no partition ${absent}: it has ${count} of them.`, 1)
    const numbers = some ?? Array.from({ length: count }, (_, partition) => partition)
    return numbers.map(partition => ({ topic, partition }))
  })
  // A partition that is named twice is reset once.
  return [
    ...new Map(partitions.map(each => [formatTopicPartition(each.topic, each.partition), each])).values(),
  ]
}

export function hasMembers(group: string, members: readonly GroupMemberDescription[]): string {
  const names = members.map(
    ({ memberId, instanceId, clientId, host }) =>
      `  ${instanceId ?? memberId} (${clientId} at ${host.replace(/^\//, '')})`,
  )
  return [
    `The group ${group} has ${members.length === 1 ? 'a member' : `${members.length} members`}, so its offsets cannot be reset. Stop it first:`,
    ...names,
    ...(members.some(({ instanceId }) => instanceId !== undefined)
      ? ['One with an instance id is a member until its session ends, also when its process has stopped.']
      : []),
  ].join('\n')
}
