import type { TopologyError } from '../errors.ts'
import type { TopicPartition } from '../record.ts'

/*
 * What the runtime needs of Kafka, and no more. Ports speak record batches as bytes (magic 2), never message objects.
 * `client/platformatic/` implements them on a real broker, `testing/` in memory; one conformance suite holds for both.
 * Every rejection is a TopologyError; transient faults (leader moved, connection lost) are retried inside the adapter.
 */

export interface FetchedBatch extends TopicPartition {
  /**
   * Whole record batches one after another: CRC-checked, uncompressed, without control batches and without records of
   * aborted transactions. May be empty. The bytes belong to the receiver until it drops or releases them.
   */
  readonly records: Buffer
  /** Records below this offset, which a batch may contain, were not asked for: skip them. */
  readonly startOffset: number
  /** The position after this response: markers, aborted and compacted-away records are already behind it. */
  readonly nextOffset: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  /** Once at most: nobody reads `records` any more, other bytes may be written over them. Without it they are collected. */
  readonly release?: (() => void) | undefined
}

export interface FetchListener {
  /**
   * Never from within a call of the fetcher. A partition without news still gets an empty batch about every `maxWaitMs`:
   * what is read is then current.
   */
  onBatch(batch: FetchedBatch): void
  /** The partition is no longer fetched. OFFSET_OUT_OF_RANGE is left to the listener, which assigns it anew. */
  onError(partition: TopicPartition, error: Error): void
}

/** Fetches many partitions at once, one request under way per leader. Order within a partition holds. */
export interface Fetcher {
  assign(partition: TopicPartition, offset: number, listener: FetchListener): void
  /** Nothing of this partition is delivered after the call, not even a response that is under way. */
  unassign(partition: TopicPartition): void
  /** No further request asks for the partition; a response under way is still delivered. */
  pause(partition: TopicPartition): void
  resume(partition: TopicPartition): void
  close(): Promise<void>
}

export interface FetcherOptions {
  /** Default 1 MiB: the client's own parser is quadratic far above it. */
  readonly maxBytesPerPartition?: number
  readonly maxBytes?: number
  readonly minBytes?: number
  readonly maxWaitMs?: number
  /** Default: read-committed. */
  readonly isolation?: 'read-committed' | 'read-uncommitted'
}

export interface ProduceBatch extends TopicPartition {
  /** One record batch as `RecordBatchWriter.seal` returns it. The adapter writes producer id, epoch, sequence and CRC. */
  readonly records: Buffer
  readonly recordCount: number
}

/** Idempotent. Batches of one partition are appended in the order of the calls, each exactly once. */
export interface BatchProducer {
  /**
   * Resolves when all in-sync replicas have it (base offset -1: it was there already, and the broker no longer knows where).
   * Rejects only when retrying cannot help: refused for good, not authorized, closed before it was acknowledged, or a topic
   * that has been missing for half a minute. Once it has resolved, the producer has no more use of the bytes.
   */
  send(batch: ProduceBatch): Promise<{ readonly baseOffset: number }>
  close(): Promise<void>
}

/** A producer outside of transactions. */
export interface PlainProducer extends BatchProducer {
  /**
   * Gives up what is not acknowledged: those sends reject with the reason, and nothing of them is sent again. Of what was
   * under way any part may have been appended, or still be. What is sent afterwards waits for none of it.
   */
  abandon(reason: TopologyError): void
}

export interface CommitOffset extends TopicPartition {
  /** The NEXT offset to read, as Kafka stores it. */
  readonly offset: number
  /** Kept beside it, 4,096 bytes at most by the brokers' default. Default: none. */
  readonly metadata?: string
}

export interface TransactionOptions {
  /** A producer that starts with the same id ends its predecessor's transaction and shuts it out. */
  readonly transactionalId: string
  /** The broker aborts a transaction that is open for longer; until then readers of committed records wait behind it. */
  readonly timeoutMs: number
}

/**
 * What is sent becomes visible with the offsets of `commitOffsets`, or not at all. A transaction begins by itself with the
 * first batch or offset. One call of `commitOffsets`, `commitTransaction` and `abortTransaction` at a time.
 *
 * TOPOLOGY_TRANSACTION_ABORTED and TOPOLOGY_MEMBER_FENCED say that the transaction is lost and its work can be repeated,
 * after `abortTransaction`.
 */
export interface TransactionalProducer extends BatchProducer {
  /** Puts all of them into the transaction at once. */
  commitOffsets(offsets: readonly CommitOffset[], member: MemberMetadata): Promise<void>
  /** Everything that was sent has to be acknowledged before. Resolves at once when there is no transaction. */
  commitTransaction(): Promise<void>
  /**
   * Forgets what is not acknowledged yet (those sends reject), and ends the transaction, whatever has become of it.
   * @throws TOPOLOGY_PRODUCER_FENCED when another producer has taken over the transactional id.
   */
  abortTransaction(): Promise<void>
}

/** By what a group tells its member from one of the past. */
export interface MemberMetadata {
  readonly groupId: string
  readonly memberId: string
  /** With the classic protocol: the generation. */
  readonly epoch: number
  readonly instanceId: string | undefined
}

/**
 * Calls are incremental (each names only the partitions that change), never empty, and one after the other, but that a loss
 * is told at once, while a revocation is under way too. A member that gets no partition hears nothing.
 */
export interface GroupListener {
  /** Partitions that are now this member's. Earlier revocations are over. */
  onAssigned(partitions: readonly TopicPartition[]): Promise<void>
  /** Awaited before the partitions are given up: drain and commit here. */
  onRevoked(partitions: readonly TopicPartition[]): Promise<void>
  /**
   * The partitions are already someone else's: drop them, commit nothing. Those of a revocation that is under way are among
   * them. The member joins again by itself.
   */
  onLost(partitions: readonly TopicPartition[]): Promise<void>
  /** The member cannot go on, or the listener has thrown. */
  onError(error: Error): void
}

export interface GroupOptions {
  readonly groupId: string
  readonly topics: readonly string[]
  /** Static membership. */
  readonly instanceId?: string
  readonly protocol?: 'consumer' | 'classic'
  readonly sessionTimeoutMs?: number
  readonly rebalanceTimeoutMs?: number
}

/** All topics' partitions with the same number go to the same member. */
export interface GroupMember {
  /** Whether the group counts this member in; undefined where nobody knows. False before `join` is through and once it is put out. */
  readonly isMember?: boolean | undefined
  /** Resolves once the group has accepted the member. Partitions follow through the listener. */
  join(listener: GroupListener): Promise<void>
  /** One entry per partition asked for; `undefined` where the group has committed nothing. */
  committed(partitions: readonly TopicPartition[]): Promise<readonly (number | undefined)[]>
  /** As `committed`, with what was kept beside the offsets. */
  committedOffsets(partitions: readonly TopicPartition[]): Promise<readonly (CommitOffset | undefined)[]>
  /** Carries the member's epoch; rejects with TOPOLOGY_MEMBER_FENCED when the group has moved on. */
  commit(offsets: readonly CommitOffset[]): Promise<void>
  /**
   * As `commit`, but `send` carries the offsets to the group, in a transaction. It is called again when the member has got
   * another epoch meanwhile and still has all of the partitions.
   */
  commitThrough(
    offsets: readonly CommitOffset[],
    send: (member: MemberMetadata) => Promise<void>,
  ): Promise<void>
  /** Revokes through the listener first. */
  leave(): Promise<void>
}

/** A member of a group, as its coordinator knows it. */
export interface GroupMemberDescription {
  readonly memberId: string
  /** Of a static member. */
  readonly instanceId: string | undefined
  readonly clientId: string
  readonly host: string
  readonly partitions: readonly TopicPartition[]
}

export interface GroupDescription {
  readonly protocol: 'consumer' | 'classic'
  /** As the brokers name it: Stable, Empty, Reconciling, PreparingRebalance … */
  readonly state: string
  readonly members: readonly GroupMemberDescription[]
}

/** Groups as seen from outside, without being a member. */
export interface GroupAdmin {
  /** Undefined for a group that the coordinator does not know. */
  describe(groupId: string): Promise<GroupDescription | undefined>
  /** Everything that the group has committed. */
  committed(groupId: string): Promise<readonly CommitOffset[]>
  /**
   * Commits for a group without members, which there need not be yet.
   * @throws TOPOLOGY_MEMBER_FENCED for a group with members
   */
  commit(groupId: string, offsets: readonly CommitOffset[]): Promise<void>
}

export type OffsetSpec = 'earliest' | 'latest' | { readonly timestampMs: number }

export interface TopicDescription {
  readonly name: string
  readonly partitions: number
  /** `delete`, `compact` or both. */
  readonly cleanupPolicy: string
}

export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor?: number
  readonly config?: Readonly<Record<string, string>>
}

export interface Admin {
  /** One entry per name; `undefined` where the topic does not exist. */
  describeTopics(names: readonly string[]): Promise<readonly (TopicDescription | undefined)[]>
  /** The settings with these names as they are in force, by topic and name; nothing for a topic that does not exist. */
  topicConfigs(
    topics: readonly string[],
    names: readonly string[],
  ): Promise<readonly (ReadonlyMap<string, string> | undefined)[]>
  /** Existing topics are left alone. */
  createTopics(specs: readonly TopicSpec[]): Promise<void>
  /**
   * One offset per partition. With `read-committed`, `latest` is the last stable offset. A timestamp that no record reaches
   * gives `latest`. @throws TOPOLOGY_TOPIC_MISSING
   */
  listOffsets(
    partitions: readonly TopicPartition[],
    spec: OffsetSpec,
    isolation: 'read-committed' | 'read-uncommitted',
  ): Promise<readonly number[]>
  close(): Promise<void>
}

export interface KafkaClient {
  readonly admin: Admin
  readonly groups: GroupAdmin
  createFetcher(options?: FetcherOptions): Fetcher
  createProducer(): Promise<PlainProducer>
  /** Aborts what a predecessor with the same id has left open. */
  createTransactionalProducer(options: TransactionOptions): Promise<TransactionalProducer>
  createGroupMember(options: GroupOptions): GroupMember
  close(): Promise<void>
}
