import { assignCopartitioned } from '../client/copartition.ts'
import type { CommitOffset, GroupListener, GroupMember, GroupOptions } from '../client/ports.ts'
import { TopologyError } from '../errors.ts'
import { formatTopicPartition, type TopicPartition } from '../record.ts'

function nameOf({ topic, partition }: TopicPartition): string {
  return formatTopicPartition(topic, partition)
}

/** One consumer group: members in the order of joining, partitions with the same number together, in ranges. */
export class FakeGroup {
  readonly groupId: string
  readonly committed: Map<string, number> = new Map()
  readonly #partitionsOf: (topic: string) => number
  readonly #members: FakeMember[] = []
  #rebalancing: Promise<void> = Promise.resolve()

  constructor(groupId: string, partitionsOf: (topic: string) => number) {
    this.groupId = groupId
    this.#partitionsOf = partitionsOf
  }

  get members(): readonly FakeMember[] {
    return this.#members
  }

  add(member: FakeMember): void {
    member.enter()
    this.#members.push(member)
    this.#rebalance()
  }

  /** Lets the member give up its partitions before the others get them. */
  async remove(member: FakeMember): Promise<void> {
    this.#takeOut(member)
    this.#rebalancing = this.#rebalancing.then(() => member.revokeAllBut([]))
    const revoked = this.#rebalancing
    this.#rebalance()
    await revoked
  }

  /** As when a member's session has ended: it is out at once, hears of it, and joins again. */
  expire(member: FakeMember): void {
    this.#takeOut(member)
    const lost = member.lose()
    this.#rebalance()
    void lost.then(() => this.add(member))
  }

  #takeOut(member: FakeMember): void {
    const index = this.#members.indexOf(member)
    if (index !== -1) this.#members.splice(index, 1)
  }

  #rebalance(): void {
    this.#rebalancing = this.#rebalancing.then(async () => {
      const targets = this.#targets()
      // Nothing is handed over before its owner has let go, as with Kafka's own incremental protocol.
      await Promise.all([...targets].map(([member, target]) => member.revokeAllBut(target)))
      for (const [member, target] of targets) if (this.#members.includes(member)) member.assign(target)
    })
  }

  #targets(): Map<FakeMember, TopicPartition[]> {
    const members = this.#members.map(member => ({ id: member, topics: member.topics }))
    return assignCopartitioned(members, topic => this.#partitionsOf(topic))
  }
}

export class FakeMember implements GroupMember {
  readonly topics: readonly string[]
  readonly #group: FakeGroup
  readonly #takeFailure: () => Error | undefined
  #listener: GroupListener | undefined
  #isMember = false
  #owned: TopicPartition[] = []
  /** Calls of the listener, one after the other. */
  #calls: Promise<void> = Promise.resolve()

  constructor(group: FakeGroup, options: GroupOptions, takeFailure: () => Error | undefined) {
    this.#group = group
    this.topics = options.topics
    this.#takeFailure = takeFailure
  }

  get owned(): readonly TopicPartition[] {
    return this.#owned
  }

  join(listener: GroupListener): Promise<void> {
    this.#listener = listener
    this.#group.add(this)
    return Promise.resolve()
  }

  committed(partitions: readonly TopicPartition[]): Promise<readonly (number | undefined)[]> {
    return Promise.resolve(partitions.map(partition => this.#group.committed.get(nameOf(partition))))
  }

  commit(offsets: readonly CommitOffset[]): Promise<void> {
    const failure = this.#takeFailure()
    if (failure !== undefined) return Promise.reject(failure)
    if (!this.#isMember) {
      return Promise.reject(
        new TopologyError(
          'TOPOLOGY_MEMBER_FENCED',
          `The commit came from no member of the group ${this.#group.groupId}`,
        ),
      )
    }
    for (const offset of offsets) this.#group.committed.set(nameOf(offset), offset.offset)
    return Promise.resolve()
  }

  async leave(): Promise<void> {
    await this.#group.remove(this)
    this.#isMember = false
  }

  enter(): void {
    this.#isMember = true
  }

  assign(target: readonly TopicPartition[]): void {
    const owned = new Set(this.#owned.map(nameOf))
    const added = target.filter(partition => !owned.has(nameOf(partition)))
    if (added.length === 0) return
    this.#owned = [...target]
    void this.#call(listener => listener.onAssigned(added))
  }

  async revokeAllBut(target: readonly TopicPartition[]): Promise<void> {
    const kept = new Set(target.map(nameOf))
    const revoked = this.#owned.filter(partition => !kept.has(nameOf(partition)))
    if (revoked.length === 0) return
    this.#owned = this.#owned.filter(partition => kept.has(nameOf(partition)))
    await this.#call(listener => listener.onRevoked(revoked))
  }

  async lose(): Promise<void> {
    this.#isMember = false
    const lost = this.#owned
    this.#owned = []
    if (lost.length > 0) await this.#call(listener => listener.onLost(lost))
  }

  #call(run: (listener: GroupListener) => Promise<void>): Promise<void> {
    const listener = this.#listener
    if (listener === undefined) return Promise.resolve()
    this.#calls = this.#calls
      .then(() => run(listener))
      .catch((error: unknown) => listener.onError(error as Error))
    return this.#calls
  }
}
