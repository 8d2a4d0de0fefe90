import { apiVersionsV3 } from '@platformatic/kafka'
import { TopologyError } from '../../../errors.ts'
import { formatTopicPartition, type TopicPartition } from '../../../record.ts'
import type { CommitOffset, GroupListener, GroupMember, GroupOptions, MemberMetadata } from '../../ports.ts'
import type { Cluster } from '../cluster.ts'
import { closedError } from '../errors.ts'
import { retrying } from '../retry.ts'
import { ClassicMembership } from './classic-membership.ts'
import { ConsumerMembership, ProtocolUnsupported } from './consumer-membership.ts'
import { Coordinator } from '../coordinator.ts'
import { commitOffsets, fetchOffsets } from './group-offsets.ts'
import type { Membership, MembershipOptions } from './membership.ts'
import { Ownership } from '../../ownership.ts'

/** ConsumerGroupHeartbeat, in the version in which the member chooses its id. */
const HEARTBEAT_API = { key: 68, version: 1 }

interface Joined {
  readonly membership: Membership
  readonly ownership: Ownership
}

/** A member of a group; see the port. `protocol: 'consumer'` falls back to the classic one where the brokers lack it. */
export class BrokerGroupMember implements GroupMember {
  readonly #cluster: Cluster
  readonly #options: GroupOptions
  readonly #onClose: () => void
  readonly #rebalanceTimeoutMs: number
  readonly #coordinator: Coordinator
  readonly #closing = new AbortController()
  #joined: Joined | undefined

  constructor(cluster: Cluster, options: GroupOptions, onClose: () => void) {
    this.#cluster = cluster
    this.#options = options
    this.#onClose = onClose
    this.#rebalanceTimeoutMs = options.rebalanceTimeoutMs ?? 60_000
    const patienceMs = this.#rebalanceTimeoutMs + cluster.settings.requestTimeoutMs
    this.#coordinator = new Coordinator(cluster, { kind: 'group', id: options.groupId }, patienceMs)
  }

  get isMember(): boolean {
    return this.#joined?.membership.identity !== undefined
  }

  async join(listener: GroupListener): Promise<void> {
    if (this.#joined !== undefined)
      throw new TopologyError(
        'TOPOLOGY_STATE_INVALID',
        `This member has already joined the group ${this.#options.groupId}`,
      )
    const usesConsumerProtocol =
      this.#options.protocol !== 'classic' && (await this.#isConsumerProtocolKnown())
    try {
      await this.#joinAs(usesConsumerProtocol ? ConsumerMembership : ClassicMembership, listener)
    } catch (error) {
      if (!(error instanceof ProtocolUnsupported)) throw error
      await this.#joinAs(ClassicMembership, listener)
    }
  }

  async committed(partitions: readonly TopicPartition[]): Promise<readonly (number | undefined)[]> {
    return (await this.committedOffsets(partitions)).map(committed => committed?.offset)
  }

  committedOffsets(partitions: readonly TopicPartition[]): Promise<readonly (CommitOffset | undefined)[]> {
    if (partitions.length === 0) return Promise.resolve([])
    return this.#retrying('Reading committed offsets', () =>
      fetchOffsets(this.#coordinator, this.#options.groupId, partitions),
    )
  }

  commit(offsets: readonly CommitOffset[]): Promise<void> {
    return this.commitThrough(offsets, member => commitOffsets(this.#coordinator, member, offsets))
  }

  async commitThrough(
    offsets: readonly CommitOffset[],
    send: (member: MemberMetadata) => Promise<void>,
  ): Promise<void> {
    if (offsets.length === 0) return
    const { groupId, instanceId } = this.#options
    const stamps = offsets.map(offset => this.#stampOf(offset))
    const foreign = offsets.find((_, i) => stamps[i] === undefined)
    if (foreign !== undefined) throw this.#fencedError(foreign)
    await this.#retrying('Committing offsets', async () => {
      // Between two attempts a partition may have gone, and even come back with what others have committed meanwhile.
      const gone = offsets.find((offset, i) => this.#stampOf(offset) !== stamps[i])
      const identity = this.#joined?.membership.identity
      if (identity === undefined || gone !== undefined) throw this.#fencedError(gone)
      try {
        await send({ groupId, instanceId, ...identity })
      } catch (error) {
        if (TopologyError.is(error) && error.code === 'TOPOLOGY_MEMBER_FENCED')
          this.#joined?.membership.refresh()
        throw error
      }
    })
  }

  async leave(): Promise<void> {
    await this.#joined?.membership.leave()
    await this.close()
  }

  /** Without a word to the group or the listener. */
  async close(): Promise<void> {
    this.#closing.abort(closedError('The group member'))
    this.#joined?.membership.stop()
    this.#onClose()
    await this.#coordinator.close()
  }

  async #joinAs(
    Protocol: new (options: MembershipOptions) => Membership,
    listener: GroupListener,
  ): Promise<void> {
    const { groupId, topics, instanceId = null, sessionTimeoutMs = 45_000 } = this.#options
    const ownership = new Ownership(listener)
    const membership = new Protocol({
      cluster: this.#cluster,
      coordinator: this.#coordinator,
      ownership,
      groupId,
      topics,
      instanceId,
      sessionTimeoutMs,
      rebalanceTimeoutMs: this.#rebalanceTimeoutMs,
      onFailed: error => listener.onError(error),
    })
    this.#joined = { membership, ownership }
    await membership.join()
  }

  async #isConsumerProtocolKnown(): Promise<boolean> {
    const what = 'Asking what the brokers speak'
    const response = await this.#retrying(what, () =>
      this.#cluster.anyBroker(what, link => link.call(apiVersionsV3.api, 'tributary', '0.1.0')),
    )
    const api = response.apiKeys.find(({ apiKey }) => apiKey === HEARTBEAT_API.key)
    const isKnown = api !== undefined && api.maxVersion >= HEARTBEAT_API.version
    if (!isKnown) {
      const { groupId } = this.#options
      this.#cluster.settings.logger.info(
        { groupId },
        'the brokers lack the consumer group protocol; the classic one is used',
      )
    }
    return isKnown
  }

  #retrying<T>(what: string, attempt: () => Promise<T>): Promise<T> {
    const options = { what: `${what} of the group ${this.#options.groupId}`, signal: this.#closing.signal }
    return retrying(this.#cluster.settings, options, attempt)
  }

  #stampOf(partition: TopicPartition): number | undefined {
    return this.#joined?.ownership.stampOf(partition)
  }

  #fencedError(gone: TopicPartition | undefined): TopologyError {
    const { groupId } = this.#options
    const what = gone === undefined ? 'Offsets' : formatTopicPartition(gone.topic, gone.partition)
    const why =
      gone === undefined ? 'the group has put this member out' : "the partition is not this member's"
    return new TopologyError(
      'TOPOLOGY_MEMBER_FENCED',
      `${what} cannot be committed for the group ${groupId}: ${why}`,
    )
  }
}
