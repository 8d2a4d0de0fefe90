import { assignCopartitioned } from '../client/copartition.ts'
import type {
  CommitOffset,
  GroupListener,
  GroupMember,
  GroupOptions,
  MemberMetadata,
} from '../client/ports.ts'
import { Ownership } from '../client/ownership.ts'
import { TopologyError } from '../errors.ts'
import { formatTopicPartition, type TopicPartition } from '../record.ts'

function nameOf({ topic, partition }: TopicPartition): string {
  return formatTopicPartition(topic, partition)
}

/** One consumer group: members in the order of joining, partitions with the same number together, in ranges. */
export class FakeGroup {
  readonly groupId: string
  readonly committed: Map<string, number> = new Map()
  readonly #metadata = new Map<string, string>()
  readonly #partitionsOf: (topic: string) => number
  readonly #members: FakeMember[] = []
  readonly #leaving = new Set<FakeMember>()
  readonly #returning = new Set<FakeMember>()
  #rebalancing: Promise<void> = Promise.resolve()
  readonly #known = new Set<string>()
  #entries = 0

  constructor(groupId: string, partitionsOf: (topic: string) => number) {
    this.groupId = groupId
    this.#partitionsOf = partitionsOf
  }

  get members(): readonly FakeMember[] {
    return this.#members
  }

  commit(offsets: readonly CommitOffset[]): void {
    for (const offset of offsets) {
      this.committed.set(nameOf(offset), offset.offset)
      this.#metadata.set(nameOf(offset), offset.metadata ?? '')
    }
  }

  committedAt(partition: TopicPartition): CommitOffset | undefined {
    const { topic, partition: number } = partition
    const offset = this.committed.get(nameOf(partition))
    const metadata = this.#metadata.get(nameOf(partition)) ?? ''
    return offset === undefined ? undefined : { topic, partition: number, offset, metadata }
  }

  allCommitted(): readonly CommitOffset[] {
    return Array.from(this.committed, ([name, offset]) => {
      const cut = name.lastIndexOf('-')
      const metadata = this.#metadata.get(name) ?? ''
      return { topic: name.slice(0, cut), partition: Number(name.slice(cut + 1)), offset, metadata }
    })
  }

  /** Whether a transaction may carry offsets of this member, as the group's coordinator decides. */
  knows({ memberId }: MemberMetadata): boolean {
    return this.#known.has(memberId)
  }

  forget({ id }: FakeMember): void {
    this.#known.delete(id)
  }

  add(member: FakeMember): void {
    this.#entries += 1
    member.enter(`member-${this.#entries}`)
    this.#known.add(member.id)
    this.#members.push(member)
    this.#rebalance()
  }

  /** Lets the member give up its partitions before the others get them. */
  async remove(member: FakeMember): Promise<void> {
    this.#takeOut(member)
    this.#leaving.add(member)
    const revoked = member.revokeAllBut([]).finally(() => this.#leaving.delete(member))
    this.#rebalancing = this.#rebalancing.then(() => revoked)
    this.#rebalance()
    await revoked
  }

  /** As when a member's session has ended: it is out at once, hears of it, and joins again unless its process is dead. */
  expire(index: number, isDead: boolean): void {
    const member = this.#members[index]
    if (member === undefined)
      throw new TopologyError('TOPOLOGY_STATE_INVALID', `${this.groupId} has no member ${index}`)
    this.#expire(member, isDead)
  }

  /** The same by `instanceId`; it reaches a member that is leaving or about to join again, too. */
  expireInstance(instanceId: string, isDead: boolean): void {
    const all = [...this.#members, ...this.#leaving, ...this.#returning]
    const member = all.find(candidate => candidate.instanceId === instanceId)
    if (member !== undefined) this.#expire(member, isDead)
  }

  #expire(member: FakeMember, isDead: boolean): void {
    this.#takeOut(member)
    this.#leaving.delete(member)
    this.forget(member)
    if (isDead) this.#returning.delete(member)
    else this.#returning.add(member)
    const lost = member.lose()
    this.#rebalance()
    void lost.then(() => {
      if (this.#returning.delete(member) && !member.hasLeft) this.add(member)
    })
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
      // Those that leave have been asked or will be, and a rebalance of their own follows.
      const kept = new Set([...this.#leaving].flatMap(member => member.owned.map(nameOf)))
      for (const [member, target] of targets) {
        if (!this.#members.includes(member)) continue
        member.assign(target.filter(partition => !kept.has(nameOf(partition))))
      }
    })
  }

  #targets(): Map<FakeMember, TopicPartition[]> {
    const members = this.#members.map(member => ({ id: member, topics: member.topics }))
    return assignCopartitioned(members, topic => this.#partitionsOf(topic))
  }
}

export class FakeMember implements GroupMember {
  readonly topics: readonly string[]
  hasLeft = false
  readonly #group: FakeGroup
  readonly #takeFailure: () => Error | undefined
  /** Another one each time that it enters the group. */
  #id = ''
  readonly instanceId: string | undefined
  #ownership: Ownership | undefined
  #isMember = false
  /** Settles when the session ends: nobody waits any longer for what the member has to give up. */
  #ended = Promise.withResolvers<void>()

  constructor(group: FakeGroup, options: GroupOptions, takeFailure: () => Error | undefined) {
    this.#group = group
    this.topics = options.topics
    this.instanceId = options.instanceId
    this.#takeFailure = takeFailure
  }

  get isMember(): boolean {
    return this.#isMember
  }

  get owned(): readonly TopicPartition[] {
    return this.#ownership?.partitions ?? []
  }

  join(listener: GroupListener): Promise<void> {
    this.#ownership = new Ownership(listener)
    this.#group.add(this)
    return Promise.resolve()
  }

  committed(partitions: readonly TopicPartition[]): Promise<readonly (number | undefined)[]> {
    return Promise.resolve(partitions.map(partition => this.#group.committed.get(nameOf(partition))))
  }

  committedOffsets(partitions: readonly TopicPartition[]): Promise<readonly (CommitOffset | undefined)[]> {
    return Promise.resolve(partitions.map(partition => this.#group.committedAt(partition)))
  }

  commit(offsets: readonly CommitOffset[]): Promise<void> {
    return this.commitThrough(offsets, () => {
      this.#group.commit(offsets)
      return Promise.resolve()
    })
  }

  commitThrough(
    offsets: readonly CommitOffset[],
    send: (member: MemberMetadata) => Promise<void>,
  ): Promise<void> {
    const failure = this.#takeFailure()
    if (failure !== undefined) return Promise.reject(failure)
    const foreign = offsets.find(offset => this.#ownership?.stampOf(offset) === undefined)
    if (!this.#isMember || foreign !== undefined) {
      const what = foreign === undefined ? 'The commit' : nameOf(foreign)
      return Promise.reject(
        new TopologyError(
          'TOPOLOGY_MEMBER_FENCED',
          `${what} is not of a member of the group ${this.#group.groupId}`,
        ),
      )
    }
    const { groupId } = this.#group
    return send({ groupId, memberId: this.#id, epoch: 1, instanceId: this.instanceId })
  }

  async leave(): Promise<void> {
    this.hasLeft = true
    await this.#group.remove(this)
    // The group does not wait for a member whose session has ended; the member still waits for its listener.
    await this.#ownership?.revokeAllBut([])
    this.#isMember = false
    this.#group.forget(this)
  }

  get id(): string {
    return this.#id
  }

  enter(id: string): void {
    this.#id = id
    this.#isMember = true
    this.#ended = Promise.withResolvers()
  }

  assign(target: readonly TopicPartition[]): void {
    void this.#ownership?.assign(target)
  }

  async revokeAllBut(target: readonly TopicPartition[]): Promise<void> {
    await Promise.race([this.#ownership?.revokeAllBut(target), this.#ended.promise])
  }

  async lose(): Promise<void> {
    this.#isMember = false
    this.#ended.resolve()
    await this.#ownership?.lose()
  }
}
