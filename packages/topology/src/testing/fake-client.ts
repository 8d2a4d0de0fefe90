import type { Admin, GroupAdmin, KafkaClient, OffsetSpec, TopicSpec } from '../client/ports.ts'
import { TopologyError } from '../errors.ts'
import { formatTopicPartition, type RecordHeaders, type TopicPartition } from '../record.ts'
import { partitionForKey } from '../wire/murmur2.ts'
import { RecordBatchWriter } from '../wire/record-batch-writer.ts'
import { FakeCluster, type FakeTopic } from './fake-cluster.ts'
import { FakeFetcher } from './fake-fetcher.ts'
import { FakeMember } from './fake-group.ts'
import type { FakeRecord } from './fake-log.ts'
import { FakeProducer, FakeTransactionalProducer } from './fake-producer.ts'

export type { FakeTopic } from './fake-cluster.ts'
export type { FakeRecord } from './fake-log.ts'

export interface FakeInput {
  readonly key: Uint8Array | string | null
  readonly value: Uint8Array | string | null
  /** Default: 0. */
  readonly timestampMs?: number
  readonly headers?: RecordHeaders
  /** Default: where Java's murmur2 puts the key; 0 without a key. */
  readonly partition?: number
}

export interface FakePlace {
  readonly partition: number
  readonly offset: number
}

/**
 * Kafka in memory, for tests: everything happens in microtasks and in one order. What a broker test would have to provoke
 * is in the test's hand: acknowledgements held back, failing sends and commits, ended sessions, deleted records.
 */
export interface FakeClient extends KafkaClient {
  /** Another client of the same topics and groups. Closing one leaves the others alone. */
  anotherClient(): KafkaClient
  put(topic: string, input: FakeInput): FakePlace
  /** All records of a topic, or of one partition, partition by partition. */
  records(topic: string, partition?: number): FakeRecord[]
  endOffset(topic: string, partition: number): number
  /** Offsets that hold no record, as transaction markers and compacted-away records leave behind. */
  skipOffsets(topic: string, partition: number, count: number): void
  deleteBefore(topic: string, partition: number, offset: number): void
  /** What a poll without data does on a broker: partitions at their end get an empty batch. */
  answerIdlePolls(): void
  committed(groupId: string, topic: string, partition: number): number | undefined
  setCommitted(groupId: string, topic: string, partition: number, offset: number): void
  /** The partitions of each member, members in the order of joining. */
  assignments(groupId: string): readonly (readonly TopicPartition[])[]
  /** Ends the session of the member that joined `index`-th: others get its partitions, it hears onLost and joins again. */
  expireMember(groupId: string, index: number): void
  /** As `expireMember`, for a process that was killed: it does not join again. */
  removeDeadMember(groupId: string, index: number): void
  /** Either of them by the member's `instanceId`, also when it is leaving or about to join again. Nothing when it is no member. */
  expireInstance(groupId: string, instanceId: string, process: 'alive' | 'dead'): void
  /** Batches are appended, but `send` stays pending until `releaseAcks`. */
  holdAcks(): void
  releaseAcks(): void
  /** The next `send` rejects with it and appends nothing. */
  failNextSend(error: Error): void
  failNextCommit(error: Error): void
  /** As when they have been open for too long: they are aborted, and their producers may begin new ones. */
  timeOutTransactions(): void
}

function createAdmin(cluster: FakeCluster): Admin {
  return {
    describeTopics: names =>
      Promise.resolve(
        names.map(name => {
          const topic = cluster.topics.get(name)
          return topic && { name, partitions: topic.logs.length, cleanupPolicy: topic.cleanupPolicy }
        }),
      ),
    topicConfigs: (topics, names) =>
      Promise.resolve(
        topics.map(name => {
          const topic = cluster.topics.get(name)
          if (topic === undefined) return undefined
          const settings = Object.entries({ ...topic.config, 'cleanup.policy': topic.cleanupPolicy })
          return new Map(settings.filter(([key]) => names.includes(key)))
        }),
      ),
    createTopics(specs: readonly TopicSpec[]) {
      for (const { name, partitions, config = {} } of specs) {
        const cleanupPolicy = config['cleanup.policy']
        cluster.createTopic({
          name,
          partitions,
          config,
          ...(cleanupPolicy !== undefined && { cleanupPolicy }),
        })
      }
      return Promise.resolve()
    },
    // The promise, not the call, carries the failure.
    async listOffsets(partitions: readonly TopicPartition[], spec: OffsetSpec, isolation) {
      return partitions.map(partition => {
        const log = cluster.log(partition)
        if (spec === 'earliest') return log.startOffset
        if (spec !== 'latest') return log.offsetAt(spec.timestampMs)
        return isolation === 'read-committed' ? log.lastStableOffset : log.endOffset
      })
    },
    close: () => Promise.resolve(),
  }
}

function createGroups(cluster: FakeCluster): GroupAdmin {
  return {
    async describe(groupId) {
      const { members, committed } = cluster.group(groupId)
      if (members.length + committed.size === 0) return undefined
      return {
        protocol: 'consumer',
        state: members.length === 0 ? 'Empty' : 'Stable',
        members: members.map(({ id, instanceId, owned }) => ({
          memberId: id,
          instanceId,
          clientId: 'fake',
          host: '/127.0.0.1',
          partitions: owned,
        })),
      }
    },
    committed: groupId => Promise.resolve(cluster.group(groupId).allCommitted()),
    async commit(groupId, offsets) {
      const group = cluster.group(groupId)
      if (group.members.length > 0)
        throw new TopologyError('TOPOLOGY_MEMBER_FENCED', `The group ${groupId} has members`)
      group.commit(offsets)
    },
  }
}

function createClient(cluster: FakeCluster): KafkaClient {
  const fetchers = new Set<FakeFetcher>()
  return {
    admin: createAdmin(cluster),
    groups: createGroups(cluster),
    createFetcher(options = {}) {
      const fetcher = new FakeFetcher(
        partition => cluster.log(partition),
        options,
        closed => {
          fetchers.delete(closed)
          cluster.fetchers.delete(closed)
        },
      )
      fetchers.add(fetcher)
      cluster.fetchers.add(fetcher)
      return fetcher
    },
    createProducer: () => Promise.resolve(new FakeProducer(cluster)),
    createTransactionalProducer: transaction =>
      Promise.resolve(new FakeTransactionalProducer(cluster, transaction.transactionalId)),
    createGroupMember: options =>
      new FakeMember(cluster.group(options.groupId), options, () => cluster.commitFailures.shift()),
    async close() {
      await Promise.all([...fetchers].map(fetcher => fetcher.close()))
    },
  }
}

function bytesOf(part: Uint8Array | string | null): Uint8Array | null {
  return typeof part === 'string' ? Buffer.from(part) : part
}

function put(cluster: FakeCluster, topic: string, input: FakeInput): FakePlace {
  const key = bytesOf(input.key)
  const byHash =
    key === null ? 0 : partitionForKey(key, 0, key.length, Math.max(1, cluster.partitionsOf(topic)))
  const partition = input.partition ?? byHash
  const writer = new RecordBatchWriter()
  writer.appendRecord(key, bytesOf(input.value), input.timestampMs ?? 0, input.headers)
  return { partition, offset: cluster.append({ topic, partition, records: writer.seal(), recordCount: 1 }) }
}

/** @example `const kafka = createFakeClient({ topics: [{ name: 'orders', partitions: 6 }] })` */
export function createFakeClient(options: { readonly topics?: readonly FakeTopic[] } = {}): FakeClient {
  const cluster = new FakeCluster()
  for (const topic of options.topics ?? []) cluster.createTopic(topic)

  return {
    ...createClient(cluster),
    anotherClient: () => createClient(cluster),
    put: (topic, input) => put(cluster, topic, input),
    records(topic, partition) {
      if (partition !== undefined) return cluster.log({ topic, partition }).all()
      return (cluster.topics.get(topic)?.logs ?? []).flatMap(log => log.all())
    },
    endOffset: (topic, partition) => cluster.log({ topic, partition }).endOffset,
    skipOffsets(topic, partition, count) {
      cluster.log({ topic, partition }).skipOffsets(count)
      cluster.wake()
    },
    deleteBefore: (topic, partition, offset) => cluster.log({ topic, partition }).deleteBefore(offset),
    answerIdlePolls() {
      for (const fetcher of cluster.fetchers) fetcher.answerIdlePolls()
    },
    committed: (groupId, topic, partition) =>
      cluster.group(groupId).committed.get(formatTopicPartition(topic, partition)),
    setCommitted(groupId, topic, partition, offset) {
      cluster.group(groupId).committed.set(formatTopicPartition(topic, partition), offset)
    },
    assignments: groupId => cluster.group(groupId).members.map(member => member.owned),
    expireMember: (groupId, index) => cluster.group(groupId).expire(index, false),
    removeDeadMember: (groupId, index) => cluster.group(groupId).expire(index, true),
    expireInstance: (groupId, instanceId, process) =>
      cluster.group(groupId).expireInstance(instanceId, process === 'dead'),
    holdAcks: () => cluster.holdAcks(),
    releaseAcks: () => cluster.releaseAcks(),
    failNextSend: error => cluster.sendFailures.push(error),
    failNextCommit: error => cluster.commitFailures.push(error),
    timeOutTransactions: () => cluster.timeOutTransactions(),
  }
}
