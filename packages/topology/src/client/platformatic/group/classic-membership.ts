import {
  decodeConsumerProtocolAssignment,
  decodeConsumerProtocolSubscription,
  encodeConsumerProtocolAssignment,
  encodeConsumerProtocolSubscription,
  heartbeatV4,
  joinGroupV9,
  leaveGroupV5,
  syncGroupV5,
} from '@platformatic/kafka'
import type { TopicPartition } from '../../../record.ts'
import { assignCopartitioned } from '../../copartition.ts'
import { ErrorCode } from '../error-codes.ts'
import { brokerError, translateError } from '../errors.ts'
import { reportRetry, retryDelayMs } from '../retry.ts'
import {
  type MemberIdentity,
  type Membership,
  type MembershipOptions,
  Pause,
  sayFarewell,
} from './membership.ts'

const PROTOCOL_TYPE = 'consumer'
/** The one assignor that all members share. */
const ASSIGNOR = 'copartition'

/** What ends one generation of a member. */
type Ending = 'rebalance' | 'fenced' | 'stopped'

/**
 * The protocol of brokers before 4.0, eager: for each rebalance every member revokes everything, and one of them, the
 * leader, assigns anew. Heartbeats go on while the listener drains.
 */
export class ClassicMembership implements Membership {
  readonly #options: MembershipOptions
  readonly #pause: Pause
  #memberId = ''
  #generation = -1
  #isMember = false
  #isLeaving = false
  #isStopped = false

  constructor(options: MembershipOptions) {
    this.#options = options
    this.#pause = new Pause(options.cluster.settings.clock)
  }

  get identity(): MemberIdentity | undefined {
    return this.#isMember ? { memberId: this.#memberId, epoch: this.#generation } : undefined
  }

  join(): Promise<void> {
    return new Promise((resolve, reject) => {
      void this.#run({ accepted: resolve, refused: reject })
    })
  }

  /** The generation changes by joining alone: there is nothing to ask for. */
  refresh(): void {
    this.#pause.cut()
  }

  async leave(): Promise<void> {
    this.#isLeaving = true
    await this.#options.ownership.revokeAllBut([])
    const { cluster, coordinator, groupId, instanceId } = this.#options
    const memberId = this.#memberId
    const isKnown = memberId !== '' && !this.#isStopped
    this.stop()
    // A static member's partitions wait for it.
    if (!isKnown || instanceId !== null) return
    const farewell = coordinator.call(leaveGroupV5.api, groupId, [
      { memberId, groupInstanceId: null, reason: 'closed' },
    ])
    await sayFarewell(cluster.settings, groupId, farewell)
  }

  stop(): void {
    this.#isStopped = true
    this.#isMember = false
    this.#pause.cut()
  }

  /** Never rejects. */
  async #run(outcome: { accepted(): void; refused(error: Error): void }): Promise<void> {
    const { ownership, cluster, groupId, onFailed } = this.#options
    let hasJoined = false
    let failures = 0
    while (!this.#isStopped) {
      try {
        const assigned = await this.#joinGroup()
        if (assigned === undefined) continue
        failures = 0
        if (!hasJoined) outcome.accepted()
        hasJoined = true
        await this.#live(assigned)
      } catch (cause) {
        if (this.#isStopped) break
        const error = translateError(cause, `Joining the group ${groupId}`)
        if (error.retry.kind === 'never') {
          this.stop()
          await ownership.lose()
          if (hasJoined) onFailed(error)
          else outcome.refused(error)
          return
        }
        failures += 1
        const delayMs = retryDelayMs(failures)
        reportRetry(
          cluster.settings.logger,
          { groupId, error, failures, delayMs },
          'joining a group failed and is tried again',
        )
        await this.#pause.wait(delayMs)
      }
    }
    // Left before it was accepted.
    if (!hasJoined) outcome.accepted()
  }

  /** One round of joining. Undefined when another one is due at once. */
  async #joinGroup(): Promise<TopicPartition[] | undefined> {
    const { coordinator, groupId, topics, instanceId, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options
    const subscription = encodeConsumerProtocolSubscription({
      version: 1,
      topics: [...topics],
      userData: Buffer.alloc(0),
    })
    const joined = await coordinator.wait(
      joinGroupV9.api,
      groupId,
      sessionTimeoutMs,
      rebalanceTimeoutMs,
      this.#memberId,
      instanceId,
      PROTOCOL_TYPE,
      [{ name: ASSIGNOR, metadata: subscription }],
      null,
    )
    if (joined.errorCode === ErrorCode.memberIdRequired) {
      this.#memberId = joined.memberId
      return undefined
    }
    if (this.#isToJoinAgain(joined.errorCode, 'Joining')) return undefined
    this.#memberId = joined.memberId
    this.#generation = joined.generationId

    const isAssigning = joined.leader === joined.memberId && !joined.skipAssignment
    const synced = await coordinator.wait(
      syncGroupV5.api,
      groupId,
      this.#generation,
      this.#memberId,
      instanceId,
      PROTOCOL_TYPE,
      joined.protocolName ?? ASSIGNOR,
      isAssigning ? await this.#assign(joined) : [],
    )
    if (this.#isToJoinAgain(synced.errorCode, 'Synchronizing with')) return undefined
    this.#isMember = !this.#isStopped
    return decodeConsumerProtocolAssignment(synced.assignment).assignedPartitions.flatMap(
      ({ topic, partitions }) => partitions.map(partition => ({ topic, partition })),
    )
  }

  /** True when joining has to begin anew. @throws for every other failure */
  #isToJoinAgain(errorCode: number, what: string): boolean {
    const { coordinator, groupId } = this.#options
    switch (errorCode) {
      case ErrorCode.none:
        return false
      case ErrorCode.rebalanceInProgress:
        return true
      case ErrorCode.unknownMemberId:
      case ErrorCode.illegalGeneration:
        this.#memberId = ''
        return true
      default:
        coordinator.note(errorCode)
        throw brokerError(errorCode, `${what} the group ${groupId}`)
    }
  }

  async #assign(joined: joinGroupV9.JoinGroupResponse): Promise<{ memberId: string; assignment: Buffer }[]> {
    const { cluster } = this.#options
    const members = joined.members
      .map(({ memberId, groupInstanceId, metadata }) => ({
        id: memberId,
        // A static member keeps its place under a new member id.
        place: groupInstanceId ?? memberId,
        topics: decodeConsumerProtocolSubscription(metadata).topics,
      }))
      .toSorted((a, b) => (a.place < b.place ? -1 : 1))
    await cluster.refresh([...new Set(members.flatMap(member => member.topics))])
    const assigned = assignCopartitioned(members, topic => cluster.partitionCount(topic) ?? 0)
    return Array.from(assigned, ([memberId, partitions]) => {
      const byTopic = Map.groupBy(partitions, ({ topic }) => topic)
      const assignedPartitions = Array.from(byTopic, ([topic, parts]) => ({
        topic,
        partitions: parts.map(({ partition }) => partition),
      }))
      return { memberId, assignment: encodeConsumerProtocolAssignment({ version: 1, assignedPartitions }) }
    })
  }

  /** From one assignment to the next: takes over, heartbeats until told otherwise, lets go. */
  async #live(assigned: readonly TopicPartition[]): Promise<void> {
    const { ownership, cluster, groupId } = this.#options
    if (!this.#isLeaving) void ownership.assign(assigned)
    let ending = await this.#heartbeats()
    if (ending === 'rebalance') {
      let isRevoked = false
      void ownership.revokeAllBut([]).then(() => {
        isRevoked = true
        this.#pause.cut()
      })
      ending = await this.#heartbeats(() => isRevoked)
    }
    if (ending !== 'fenced') return
    cluster.settings.logger.warn({ groupId }, 'the group has put this member out; it joins again')
    this.#isMember = false
    this.#memberId = ''
    await ownership.lose()
  }

  /** Goes on until a rebalance begins or, when one is on, until the partitions are revoked. */
  async #heartbeats(isRevoked?: () => boolean): Promise<Ending> {
    const { groupId, sessionTimeoutMs, cluster } = this.#options
    const intervalMs = Math.min(3_000, Math.floor(sessionTimeoutMs / 3))
    let failures = 0
    let waitMs = intervalMs
    for (;;) {
      if (isRevoked?.() === true) return 'rebalance'
      await this.#pause.wait(waitMs)
      if (this.#isStopped) return 'stopped'
      if (isRevoked?.() === true) return 'rebalance'
      try {
        const ending = await this.#heartbeat()
        if (ending === 'fenced' || (ending === 'rebalance' && isRevoked === undefined)) return ending
        failures = 0
        waitMs = intervalMs
      } catch (cause) {
        if (this.#isStopped) return 'stopped'
        const error = translateError(cause, `Heartbeat of a member of the group ${groupId}`)
        if (error.retry.kind === 'never') throw error
        failures += 1
        waitMs = Math.min(intervalMs, retryDelayMs(failures))
        reportRetry(
          cluster.settings.logger,
          { groupId, error, failures },
          'a heartbeat failed and is tried again',
        )
      }
    }
  }

  async #heartbeat(): Promise<Ending | undefined> {
    const { coordinator, groupId, instanceId } = this.#options
    const { errorCode } = await coordinator.call(
      heartbeatV4.api,
      groupId,
      this.#generation,
      this.#memberId,
      instanceId,
    )
    switch (errorCode) {
      case ErrorCode.none:
        return undefined
      case ErrorCode.rebalanceInProgress:
        return 'rebalance'
      case ErrorCode.unknownMemberId:
      case ErrorCode.illegalGeneration:
        return 'fenced'
      default:
        coordinator.note(errorCode)
        throw brokerError(errorCode, `Heartbeat of a member of the group ${groupId}`)
    }
  }
}
