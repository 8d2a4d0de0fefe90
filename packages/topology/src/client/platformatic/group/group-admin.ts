import {
  apiVersionsV3,
  consumerGroupDescribeV0,
  decodeConsumerProtocolAssignment,
  describeGroupsV5,
} from '@platformatic/kafka'
import type { TopicPartition } from '../../../record.ts'
import type { CommitOffset, GroupAdmin, GroupDescription } from '../../ports.ts'
import type { Cluster } from '../cluster.ts'
import { Coordinator } from '../coordinator.ts'
import { ErrorCode } from '../error-codes.ts'
import { brokerError } from '../errors.ts'
import { retrying } from '../retry.ts'
import { commitOffsets, fetchAllOffsets } from './group-offsets.ts'

/** What coordinators answer for a group that they do not know, up to version 5 of DescribeGroups. */
const DEAD = 'Dead'
/** As Kafka's own admin client commits: the coordinator takes it from a group without members only. */
const NO_MEMBER = { memberId: '', epoch: -1, instanceId: undefined }

export class BrokerGroupAdmin implements GroupAdmin {
  readonly #cluster: Cluster

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  describe(groupId: string): Promise<GroupDescription | undefined> {
    return this.#ask(`Describing the group ${groupId}`, groupId, async (coordinator, what) => {
      const isConsumerProtocolKnown = await this.#knows(consumerGroupDescribeV0.api.key)
      const found = isConsumerProtocolKnown
        ? await describeConsumerGroup(coordinator, groupId, what)
        : undefined
      return found ?? (await describeClassicGroup(coordinator, groupId, what))
    })
  }

  committed(groupId: string): Promise<readonly CommitOffset[]> {
    const what = `Reading the committed offsets of the group ${groupId}`
    return this.#ask(what, groupId, coordinator => fetchAllOffsets(coordinator, groupId))
  }

  async commit(groupId: string, offsets: readonly CommitOffset[]): Promise<void> {
    if (offsets.length === 0) return
    await this.#ask(`Committing offsets of the group ${groupId}`, groupId, coordinator =>
      commitOffsets(coordinator, { groupId, ...NO_MEMBER }, offsets),
    )
  }

  async #ask<T>(
    what: string,
    groupId: string,
    attempt: (coordinator: Coordinator, what: string) => Promise<T>,
  ): Promise<T> {
    const { settings } = this.#cluster
    const coordinator = new Coordinator(
      this.#cluster,
      { kind: 'group', id: groupId },
      settings.requestTimeoutMs,
    )
    try {
      const options = { what, timeoutMs: settings.operationTimeoutMs }
      return await retrying(settings, options, () => attempt(coordinator, what))
    } finally {
      await coordinator.close()
    }
  }

  async #knows(apiKey: number): Promise<boolean> {
    const response = await this.#cluster.anyBroker('Asking what the brokers speak', link =>
      link.call(apiVersionsV3.api, 'tributary', '0.1.0'),
    )
    return response.apiKeys.some(api => api.apiKey === apiKey)
  }
}

/** Undefined for a group that speaks the classic protocol. */
async function describeConsumerGroup(
  coordinator: Coordinator,
  groupId: string,
  what: string,
): Promise<GroupDescription | undefined> {
  const response = await coordinator.call(consumerGroupDescribeV0.api, [groupId], false)
  const [group] = response.groups
  // Brokers that know the request may have the protocol switched off.
  if (
    group === undefined ||
    group.errorCode === ErrorCode.groupIdNotFound ||
    group.errorCode === ErrorCode.unsupportedVersion
  )
    return undefined
  if (group.errorCode !== ErrorCode.none) {
    coordinator.note(group.errorCode)
    throw brokerError(group.errorCode, what, group.errorMessage)
  }
  return {
    protocol: 'consumer',
    state: group.groupState,
    members: group.members.map(({ memberId, instanceId, clientId, clientHost, assignment }) => ({
      memberId,
      instanceId: instanceId ?? undefined,
      clientId,
      host: clientHost,
      partitions: assignment.topicPartitions.flatMap(({ topicName: topic, partitions }) =>
        partitions.map(partition => ({ topic, partition })),
      ),
    })),
  }
}

async function describeClassicGroup(
  coordinator: Coordinator,
  groupId: string,
  what: string,
): Promise<GroupDescription | undefined> {
  const response = await coordinator.call(describeGroupsV5.api, [groupId], false)
  const [group] = response.groups
  if (group === undefined || group.errorCode === ErrorCode.groupIdNotFound) return undefined
  if (group.errorCode !== ErrorCode.none) {
    coordinator.note(group.errorCode)
    throw brokerError(group.errorCode, what)
  }
  if (group.groupState === DEAD) return undefined
  return {
    protocol: 'classic',
    state: group.groupState,
    members: group.members.map(({ memberId, groupInstanceId, clientId, clientHost, memberAssignment }) => ({
      memberId,
      instanceId: groupInstanceId ?? undefined,
      clientId,
      host: clientHost,
      partitions: assigned(memberAssignment),
    })),
  }
}

/** Empty while the group rebalances. */
function assigned(assignment: Buffer): readonly TopicPartition[] {
  if (assignment.length === 0) return []
  return decodeConsumerProtocolAssignment(assignment).assignedPartitions.flatMap(({ topic, partitions }) =>
    partitions.map(partition => ({ topic, partition })),
  )
}
