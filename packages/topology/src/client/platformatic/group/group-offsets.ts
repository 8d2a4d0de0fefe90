import { offsetCommitV9, offsetFetchV9 } from '@platformatic/kafka'
import { TopologyError } from '../../../errors.ts'
import { formatTopicPartition, type TopicPartition } from '../../../record.ts'
import type { CommitOffset, MemberMetadata } from '../../ports.ts'
import { ErrorCode } from '../error-codes.ts'
import { brokerError } from '../errors.ts'
import type { Coordinator } from '../coordinator.ts'

const NO_MEMBER_EPOCH = -1
/** A newer epoch is on its way with the next heartbeat. */
export const STALE_EPOCH_RETRY_MS = 50

interface TopicOffsets {
  name: string
  partitions: {
    partitionIndex: number
    committedOffset: bigint
    committedLeaderEpoch: number
    committedMetadata: string
  }[]
}

/** As OffsetCommit and TxnOffsetCommit take them. */
export function offsetsByTopic(offsets: readonly CommitOffset[]): TopicOffsets[] {
  return Array.from(
    Map.groupBy(offsets, ({ topic }) => topic),
    ([name, parts]) => ({
      name,
      partitions: parts.map(({ partition, offset, metadata = '' }) => ({
        partitionIndex: partition,
        committedOffset: BigInt(offset),
        committedLeaderEpoch: -1,
        committedMetadata: metadata,
      })),
    }),
  )
}

/** One attempt. Rejects with advice about another one: also a stale epoch may be followed by the right one. */
export async function commitOffsets(
  coordinator: Coordinator,
  member: MemberMetadata,
  offsets: readonly CommitOffset[],
): Promise<void> {
  const { groupId, memberId, epoch, instanceId = null } = member
  const response = await coordinator.call(
    offsetCommitV9.api,
    groupId,
    epoch,
    memberId,
    instanceId,
    offsetsByTopic(offsets),
  )
  for (const { name, partitions } of response.topics)
    for (const { partitionIndex, errorCode } of partitions) {
      if (errorCode === ErrorCode.none) continue
      coordinator.note(errorCode)
      const what = `Committing ${formatTopicPartition(name, partitionIndex)} for the group ${groupId}`
      const error = brokerError(errorCode, what)
      if (errorCode !== ErrorCode.staleMemberEpoch) throw error
      throw new TopologyError(error.code, error.message, {
        retry: { kind: 'after', ms: STALE_EPOCH_RETRY_MS },
      })
    }
}

/** What the group has committed, whoever asks. */
export async function fetchOffsets(
  coordinator: Coordinator,
  groupId: string,
  partitions: readonly TopicPartition[],
): Promise<(CommitOffset | undefined)[]> {
  const topics = Array.from(
    Map.groupBy(partitions, ({ topic }) => topic),
    ([name, parts]) => ({ name, partitionIndexes: parts.map(({ partition }) => partition) }),
  )
  const found = new Map(
    (await askForOffsets(coordinator, groupId, topics)).map(offset => [
      formatTopicPartition(offset.topic, offset.partition),
      offset,
    ]),
  )
  return partitions.map(({ topic, partition }) => found.get(formatTopicPartition(topic, partition)))
}

/** Everything that the group has committed. */
export function fetchAllOffsets(coordinator: Coordinator, groupId: string): Promise<CommitOffset[]> {
  return askForOffsets(coordinator, groupId, null)
}

async function askForOffsets(
  coordinator: Coordinator,
  groupId: string,
  topics: { name: string; partitionIndexes: number[] }[] | null,
): Promise<CommitOffset[]> {
  const response = await coordinator.call(
    offsetFetchV9.api,
    [{ groupId, memberId: null, memberEpoch: NO_MEMBER_EPOCH, topics }],
    // Offsets of a transaction that is about to end are waited for.
    true,
  )
  const what = `Reading the committed offsets of the group ${groupId}`
  const committed: CommitOffset[] = []
  for (const group of response.groups) {
    // A group that has never committed is as unknown as one that never was.
    if (group.errorCode === ErrorCode.groupIdNotFound) continue
    if (group.errorCode !== ErrorCode.none) {
      coordinator.note(group.errorCode)
      throw brokerError(group.errorCode, what)
    }
    for (const { name, partitions: parts } of group.topics)
      for (const { partitionIndex: partition, committedOffset, metadata, errorCode } of parts) {
        if (errorCode !== ErrorCode.none) throw brokerError(errorCode, what)
        if (committedOffset < 0n) continue
        committed.push({ topic: name, partition, offset: Number(committedOffset), metadata: metadata ?? '' })
      }
  }
  return committed
}
