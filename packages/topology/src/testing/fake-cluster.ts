import type { CommitOffset, ProduceBatch } from '../client/ports.ts'
import { TopologyError } from '../errors.ts'
import { formatTopicPartition, type TopicPartition } from '../record.ts'
import type { FakeFetcher } from './fake-fetcher.ts'
import { FakeGroup } from './fake-group.ts'
import { FakeLog, type FakeTransaction } from './fake-log.ts'

export interface FakeTopic {
  readonly name: string
  readonly partitions: number
  /** Default: delete. */
  readonly cleanupPolicy?: string
  /** Other settings; what is not named here has no limit. */
  readonly config?: Readonly<Record<string, string>>
}

interface StoredTopic {
  readonly logs: readonly FakeLog[]
  readonly cleanupPolicy: string
  readonly config: Readonly<Record<string, string>>
}

export interface OpenTransaction extends FakeTransaction {
  readonly logs: Set<FakeLog>
  /** By group. */
  readonly offsets: Map<string, CommitOffset[]>
}

/** What the coordinator knows of a transactional id. */
export interface FakeTransactional {
  /** Of the producer that may write. */
  epoch: number
  open: OpenTransaction | undefined
}

/** What all clients of one Kafka in memory share. */
export class FakeCluster {
  readonly topics: Map<string, StoredTopic> = new Map()
  readonly fetchers: Set<FakeFetcher> = new Set()
  readonly sendFailures: Error[] = []
  readonly commitFailures: Error[] = []
  readonly #groups = new Map<string, FakeGroup>()
  readonly #transactional = new Map<string, FakeTransactional>()
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

  append(batch: ProduceBatch, transaction?: FakeTransaction): number {
    const baseOffset = this.log(batch).append(batch.records, batch.recordCount, transaction)
    this.wake()
    return baseOffset
  }

  transactional(transactionalId: string): FakeTransactional {
    const known = this.#transactional.get(transactionalId)
    if (known !== undefined) return known
    const transactional: FakeTransactional = { epoch: -1, open: undefined }
    this.#transactional.set(transactionalId, transactional)
    return transactional
  }

  /** Writes the markers, each of which takes an offset, and commits what goes with it. */
  endTransaction(transactional: FakeTransactional, state: 'committed' | 'aborted'): void {
    const { open } = transactional
    transactional.open = undefined
    if (open === undefined) return
    open.state = state
    for (const log of open.logs) log.skipOffsets(1)
    if (state === 'committed')
      for (const [groupId, offsets] of open.offsets) this.group(groupId).commit(offsets)
    this.wake()
  }

  timeOutTransactions(): void {
    for (const transactional of this.#transactional.values())
      if (transactional.open !== undefined) this.endTransaction(transactional, 'aborted')
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
