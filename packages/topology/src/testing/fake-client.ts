import type {
  Admin,
  BatchProducer,
  KafkaClient,
  OffsetSpec,
  ProduceBatch,
  TopicSpec,
} from '../client/ports.ts'
import { TopologyError } from '../errors.ts'
import { formatTopicPartition, type RecordHeaders, type TopicPartition } from '../record.ts'
import { partitionForKey } from '../wire/murmur2.ts'
import { RecordBatchWriter } from '../wire/record-batch-writer.ts'
import { FakeFetcher } from './fake-fetcher.ts'
import { FakeGroup, FakeMember } from './fake-group.ts'
import { FakeLog, type FakeRecord } from './fake-log.ts'

export type { FakeRecord } from './fake-log.ts'

export interface FakeTopic {
  readonly name: string
  readonly partitions: number
  /** Default: delete. */
  readonly cleanupPolicy?: string
  /** Other settings; what is not named here has no limit. */
  readonly config?: Readonly<Record<string, string>>
}

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
  /** Batches are appended, but `send` stays pending until `releaseAcks`. */
  holdAcks(): void
  releaseAcks(): void
  /** The next `send` rejects with it and appends nothing. */
  failNextSend(error: Error): void
  failNextCommit(error: Error): void
}

interface StoredTopic {
  readonly logs: readonly FakeLog[]
  readonly cleanupPolicy: string
  readonly config: Readonly<Record<string, string>>
}

class FakeCluster {
  readonly topics: Map<string, StoredTopic> = new Map()
  readonly fetchers: Set<FakeFetcher> = new Set()
  readonly sendFailures: Error[] = []
  readonly commitFailures: Error[] = []
  readonly #groups = new Map<string, FakeGroup>()
  #held: (() => void)[] | undefined

  createTopic({ name, partitions, cleanupPolicy = 'delete', config = {} }: FakeTopic): void {
    if (this.topics.has(name)) return
    const logs = Array.from({ length: partitions }, (_, partition) => new FakeLog(name, partition))
    this.topics.set(name, { logs, cleanupPolicy, config })
  }

  partitionsOf(topic: string): number {
    return this.topics.get(topic)?.logs.length ?? 0
  }

  log({ topic, partition }: TopicPartition): FakeLog {
    const log = this.topics.get(topic)?.logs[partition]
    if (log !== undefined) return log
    throw new TopologyError(
      'TOPOLOGY_TOPIC_MISSING',
      `${formatTopicPartition(topic, partition)} does not exist`,
    )
  }

  group(groupId: string): FakeGroup {
    const known = this.#groups.get(groupId)
    if (known !== undefined) return known
    const group = new FakeGroup(groupId, topic => this.partitionsOf(topic))
    this.#groups.set(groupId, group)
    return group
  }

  append(batch: ProduceBatch): number {
    const baseOffset = this.log(batch).append(batch.records, batch.recordCount)
    this.wake()
    return baseOffset
  }

  wake(): void {
    for (const fetcher of this.fetchers) fetcher.schedule()
  }

  holdAcks(): void {
    this.#held ??= []
  }

  releaseAcks(): void {
    const held = this.#held ?? []
    this.#held = undefined
    for (const release of held) release()
  }

  async acknowledgement(): Promise<void> {
    const held = this.#held
    if (held !== undefined) await new Promise<void>(resolve => held.push(resolve))
  }
}

function closedError(what: string): TopologyError {
  return new TopologyError('TOPOLOGY_CLOSED', `The ${what} is closed`)
}

class FakeProducer implements BatchProducer {
  readonly #cluster: FakeCluster
  readonly #pending = new Set<Promise<unknown>>()
  #isClosed = false

  constructor(cluster: FakeCluster) {
    this.#cluster = cluster
  }

  send(batch: ProduceBatch): Promise<{ readonly baseOffset: number }> {
    const sending = this.#send(batch)
    this.#pending.add(sending)
    return sending.finally(() => this.#pending.delete(sending))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.allSettled(this.#pending)
  }

  async #send(batch: ProduceBatch): Promise<{ readonly baseOffset: number }> {
    if (this.#isClosed) throw closedError('producer')
    const failure = this.#cluster.sendFailures.shift()
    if (failure !== undefined) throw failure
    const baseOffset = this.#cluster.append(batch)
    await this.#cluster.acknowledgement()
    return { baseOffset }
  }
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
    async listOffsets(partitions: readonly TopicPartition[], spec: OffsetSpec) {
      return partitions.map(partition => {
        const log = cluster.log(partition)
        if (spec === 'earliest') return log.startOffset
        return spec === 'latest' ? log.endOffset : log.offsetAt(spec.timestampMs)
      })
    },
    close: () => Promise.resolve(),
  }
}

function createClient(cluster: FakeCluster): KafkaClient {
  const fetchers = new Set<FakeFetcher>()
  return {
    admin: createAdmin(cluster),
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
    expireMember(groupId, index) {
      const group = cluster.group(groupId)
      const member = group.members[index]
      if (member === undefined)
        throw new TopologyError('TOPOLOGY_STATE_INVALID', `${groupId} has no member ${index}`)
      group.expire(member)
    },
    holdAcks: () => cluster.holdAcks(),
    releaseAcks: () => cluster.releaseAcks(),
    failNextSend: error => cluster.sendFailures.push(error),
    failNextCommit: error => cluster.commitFailures.push(error),
  }
}
