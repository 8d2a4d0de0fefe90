import { consumerGroupHeartbeatV1 } from '@platformatic/kafka'
import { randomUUID } from 'node:crypto'
import { TopologyError } from '../../../errors.ts'
import type { TopicPartition } from '../../../record.ts'
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

/** The broker's own assignor that gives the same partition numbers of all topics to one member. */
const ASSIGNOR = 'range'
const JOINING = 0
const LEAVING = -1
/** A static member's partitions wait for it. */
const LEAVING_FOR_A_WHILE = -2
const UNCHANGED = -1

/**
 * Kafka 4.3 computes assignments at most once in `group.consumer.assignment.interval.ms` (KIP-1263), so whoever joins soon
 * after another change is offered nothing at first and would hear of its partitions one heartbeat (5 s by default) later. A
 * new member asks sooner for a while: a restart had its partitions after 1.0 s instead of 5.0 s.
 */
const FIRST_ASSIGNMENT_POLL_MS = 250
const FIRST_ASSIGNMENT_PATIENCE_MS = 10_000

type HeartbeatResponse = consumerGroupHeartbeatV1.ConsumerGroupHeartbeatResponse

/** A group with that id may live on an older protocol, or the broker does not speak this one. */
export class ProtocolUnsupported extends Error {
  override readonly name = 'ProtocolUnsupported'
}

/**
 * KIP-848: the broker assigns, the member heartbeats and says what it owns.
 *
 * The heartbeat loop and the reconciliation run side by side. A heartbeat brings a target; the reconciliation revokes,
 * then takes over, and has the loop report what is owned after each step. The broker offers nobody a partition that its
 * owner has not reported as given up, so a target that still lacks partitions is followed by another one. While the
 * listener drains, heartbeats go on and report nothing.
 */
export class ConsumerMembership implements Membership {
  readonly #options: MembershipOptions
  readonly #memberId = randomUUID()
  readonly #pause: Pause
  #epoch = JOINING
  #isMember = false
  #joinedAtMs = 0
  /** What the broker last offered and is not reconciled yet. */
  #target: readonly TopicPartition[] | undefined
  #isReconciling = false
  #mustReport = false
  /** After a lost answer the broker may not know what was said: say everything again. */
  #mustRepeatAll = false
  /** Counts how often the group has put this member out. */
  #fences = 0
  #isLeaving = false
  #isStopped = false
  #failures = 0

  constructor(options: MembershipOptions) {
    this.#options = options
    this.#pause = new Pause(options.cluster.settings.clock)
  }

  get identity(): MemberIdentity | undefined {
    return this.#isMember ? { memberId: this.#memberId, epoch: this.#epoch } : undefined
  }

  join(): Promise<void> {
    return new Promise((resolve, reject) => {
      void this.#run({ accepted: resolve, refused: reject })
    })
  }

  refresh(): void {
    this.#pause.cut()
  }

  async leave(): Promise<void> {
    this.#isLeaving = true
    await this.#options.ownership.revokeAllBut([])
    const wasMember = this.#isMember && !this.#isStopped
    this.stop()
    if (!wasMember) return
    const { cluster, coordinator, groupId, instanceId } = this.#options
    const epoch = instanceId === null ? LEAVING : LEAVING_FOR_A_WHILE
    const farewell = coordinator.call(
      consumerGroupHeartbeatV1.api,
      groupId,
      this.#memberId,
      epoch,
      instanceId,
      null,
      UNCHANGED,
      null,
      null,
      null,
      null,
    )
    await sayFarewell(cluster.settings, groupId, farewell)
  }

  stop(): void {
    this.#isStopped = true
    this.#isMember = false
    this.#pause.cut()
  }

  /** Never rejects. */
  async #run(outcome: { accepted(): void; refused(error: Error): void }): Promise<void> {
    let hasJoined = false
    while (!this.#isStopped) {
      let waitMs: number
      try {
        waitMs = await this.#heartbeat()
        this.#failures = 0
        if (this.#isMember && !hasJoined) {
          hasJoined = true
          outcome.accepted()
        }
      } catch (error) {
        if (this.#isStopped) break
        const retryMs = this.#failed(error)
        if (retryMs === undefined) {
          this.stop()
          const { ownership, onFailed } = this.#options
          await ownership.lose()
          if (hasJoined) onFailed(error as Error)
          else outcome.refused(error as Error)
          return
        }
        waitMs = retryMs
      }
      // A report does not wait for the next heartbeat.
      if (!this.#isStopped && !this.#mustReport) await this.#pause.wait(waitMs)
    }
    // Left before it was accepted.
    if (!hasJoined) outcome.accepted()
  }

  /** Returns how long to wait for the next one. */
  async #heartbeat(): Promise<number> {
    const { coordinator, groupId, instanceId, topics, rebalanceTimeoutMs } = this.#options
    const isJoining = this.#epoch === JOINING
    const saysAll = isJoining || this.#mustRepeatAll
    const reports = saysAll || this.#mustReport
    this.#mustReport = false
    const fences = this.#fences
    let response: HeartbeatResponse
    try {
      response = await coordinator.call(
        consumerGroupHeartbeatV1.api,
        groupId,
        this.#memberId,
        this.#epoch,
        instanceId,
        null,
        saysAll ? rebalanceTimeoutMs : UNCHANGED,
        saysAll ? [...topics] : null,
        null,
        saysAll ? ASSIGNOR : null,
        reports ? this.#ownedByTopicId() : null,
      )
    } catch (error) {
      this.#mustRepeatAll = true
      throw error
    }
    if (this.#isStopped || fences !== this.#fences) return 0
    if (response.errorCode !== ErrorCode.none) return this.#refused(response)
    this.#mustRepeatAll = false
    if (!this.#isMember) this.#joinedAtMs = this.#options.cluster.settings.clock.monotonicMs()
    this.#isMember = true
    this.#epoch = response.memberEpoch
    if (response.assignment !== null) {
      // Should the names be missing: what is repeated is answered with the assignment again.
      this.#mustRepeatAll = true
      this.#target = await this.#named(response.assignment.topicPartitions)
      this.#mustRepeatAll = false
      void this.#reconcile()
    }
    return this.#hopesForPartitions()
      ? Math.min(FIRST_ASSIGNMENT_POLL_MS, response.heartbeatIntervalMs)
      : response.heartbeatIntervalMs
  }

  #hopesForPartitions(): boolean {
    const { ownership, cluster } = this.#options
    if (this.#isReconciling || ownership.partitions.length > 0) return false
    return cluster.settings.clock.monotonicMs() - this.#joinedAtMs < FIRST_ASSIGNMENT_PATIENCE_MS
  }

  async #refused({ errorCode, errorMessage }: HeartbeatResponse): Promise<number> {
    const { coordinator, groupId, ownership, cluster } = this.#options
    const error = brokerError(errorCode, `Heartbeat of a member of the group ${groupId}`, errorMessage)
    switch (errorCode) {
      case ErrorCode.fencedMemberEpoch:
      case ErrorCode.unknownMemberId:
        cluster.settings.logger.warn({ groupId, error }, 'the group has put this member out; it joins again')
        this.#fences += 1
        this.#isMember = false
        this.#epoch = JOINING
        this.#target = undefined
        this.#mustReport = false
        // Until the listener has dropped everything there is nothing to join with.
        await ownership.lose()
        return 0
      case ErrorCode.unsupportedVersion:
        throw new ProtocolUnsupported(error.message, { cause: error })
      default:
        coordinator.note(errorCode)
        this.#mustRepeatAll = true
        throw error
    }
  }

  /** How long to wait for another attempt, or undefined when there is none. */
  #failed(cause: unknown): number | undefined {
    if (cause instanceof ProtocolUnsupported) return undefined
    const { groupId, cluster } = this.#options
    const error: TopologyError = translateError(cause, `Heartbeat of a member of the group ${groupId}`)
    if (error.retry.kind === 'never') return undefined
    this.#failures += 1
    const delayMs = retryDelayMs(this.#failures)
    reportRetry(
      cluster.settings.logger,
      { groupId, error, failures: this.#failures, delayMs },
      'a heartbeat failed and is tried again',
    )
    return delayMs
  }

  /** Never rejects. */
  async #reconcile(): Promise<void> {
    if (this.#isReconciling) return
    this.#isReconciling = true
    const { ownership } = this.#options
    const fences = this.#fences
    const isOver = (): boolean => this.#isLeaving || this.#isStopped || fences !== this.#fences
    while (this.#target !== undefined && !isOver()) {
      const target = this.#target
      this.#target = undefined
      const hasRevoked = await ownership.revokeAllBut(target)
      if (isOver()) break
      if (hasRevoked) this.#report()
      await ownership.assign(target)
      if (!isOver()) this.#report()
    }
    this.#isReconciling = false
    // Put out while the listener was busy, and offered something new since.
    if (this.#target !== undefined && fences !== this.#fences) void this.#reconcile()
  }

  #report(): void {
    this.#mustReport = true
    this.#pause.cut()
  }

  #ownedByTopicId(): { topicId: string; partitions: number[] }[] {
    const { ownership, cluster } = this.#options
    const byTopic = Map.groupBy(ownership.partitions, ({ topic }) => topic)
    return Array.from(byTopic, ([topic, partitions]) => ({
      topicId: cluster.topicId(topic) ?? '',
      partitions: partitions.map(({ partition }) => partition),
    })).filter(({ topicId }) => topicId !== '')
  }

  /** The broker names topics by id, perhaps of one that the broker we ask for metadata has not heard of yet. */
  async #named(assignment: readonly { topicId: string; partitions: number[] }[]): Promise<TopicPartition[]> {
    const { cluster, topics } = this.#options
    if (assignment.some(({ topicId }) => cluster.topicName(topicId) === undefined))
      await cluster.refresh(topics)
    return assignment.flatMap(({ topicId, partitions }) => {
      const topic = cluster.topicName(topicId)
      if (topic === undefined) throw unknownTopic(topicId)
      return partitions.map(partition => ({ topic, partition }))
    })
  }
}

function unknownTopic(topicId: string): TopologyError {
  return new TopologyError(
    'TOPOLOGY_TOPIC_MISSING',
    `No broker knows the name of the assigned topic ${topicId}`,
    {
      retry: { kind: 'backoff' },
    },
  )
}
