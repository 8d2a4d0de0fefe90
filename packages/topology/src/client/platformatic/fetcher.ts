import type { TopologyError } from '../../errors.ts'
import { formatTopicPartition, type TopicPartition } from '../../record.ts'
import { BufferPool } from '../../wire/buffer-pool.ts'
import type { Fetcher, FetcherOptions, FetchListener } from '../ports.ts'
import type { Cluster, Leader } from './cluster.ts'
import type { FetchLimits } from './fetch-request.ts'
import { FetchingPartition } from './fetching-partition.ts'
import { LeaderFetch } from './leader-fetch.ts'
import { LeaderFinder } from './leader-finder.ts'
import { reportRetry } from './retry.ts'

function nameOf({ topic, partition }: TopicPartition): string {
  return formatTopicPartition(topic, partition)
}

/** Keeps each assigned partition with the broker that leads it. */
export class BrokerFetcher implements Fetcher {
  readonly #cluster: Cluster
  readonly #limits: FetchLimits
  readonly #maxWaitMs: number
  readonly #onClose: () => void
  readonly #finder: LeaderFinder<FetchingPartition>
  readonly #partitions = new Map<string, FetchingPartition>()
  readonly #pool = new BufferPool()
  readonly #leaders = new Map<number, LeaderFetch>()

  constructor(cluster: Cluster, options: FetcherOptions, onClose: () => void) {
    this.#cluster = cluster
    this.#onClose = onClose
    this.#maxWaitMs = options.maxWaitMs ?? 500
    this.#limits = {
      maxBytesPerPartition: options.maxBytesPerPartition ?? 1_048_576,
      maxBytes: options.maxBytes ?? 52_428_800,
      minBytes: options.minBytes ?? 1,
      isReadCommitted: options.isolation !== 'read-uncommitted',
    }
    this.#finder = new LeaderFinder(cluster, {
      found: (partition, leader) => this.#place(partition, leader),
      shouldRetry: () => true,
      gaveUp: (partition, error) => this.#fail(partition, error),
    })
  }

  assign(partition: TopicPartition, offset: number, listener: FetchListener): void {
    this.unassign(partition)
    const assigned = new FetchingPartition(partition.topic, partition.partition, offset, listener)
    this.#partitions.set(nameOf(partition), assigned)
    this.#finder.find(assigned)
  }

  unassign(partition: TopicPartition): void {
    const assigned = this.#partitions.get(nameOf(partition))
    if (assigned !== undefined) this.#forget(assigned)
  }

  pause(partition: TopicPartition): void {
    const assigned = this.#partitions.get(nameOf(partition))
    if (assigned !== undefined) assigned.isPaused = true
  }

  resume(partition: TopicPartition): void {
    const assigned = this.#partitions.get(nameOf(partition))
    if (assigned === undefined) return
    assigned.isPaused = false
    assigned.leader?.schedule()
  }

  async close(): Promise<void> {
    this.#finder.close()
    for (const assigned of this.#partitions.values()) this.#forget(assigned)
    this.#onClose()
    await Promise.all(Array.from(this.#leaders.values(), leader => leader.close()))
  }

  #place(partition: FetchingPartition, { nodeId, epoch }: Leader): void {
    let leader = this.#leaders.get(nodeId)
    if (leader === undefined) {
      leader = new LeaderFetch({
        cluster: this.#cluster,
        nodeId,
        limits: this.#limits,
        pool: this.#pool,
        maxWaitMs: this.#maxWaitMs,
        onMoved: (moved, error) => this.#seek(moved, error),
        onFailed: (failed, error) => this.#fail(failed, error),
      })
      this.#leaders.set(nodeId, leader)
    }
    partition.leaderEpoch = epoch
    partition.leader = leader
    leader.partitions.add(partition)
    leader.schedule()
  }

  #seek(partition: FetchingPartition, error: TopologyError): void {
    partition.leader?.partitions.delete(partition)
    partition.leader = undefined
    partition.failures += 1
    const { topic, failures } = partition
    const facts = { topic, partition: partition.partition, failures, error }
    reportRetry(this.#cluster.settings.logger, facts, 'a fetch failed and is tried again')
    this.#finder.find(partition)
  }

  #fail(partition: FetchingPartition, error: TopologyError): void {
    this.#forget(partition)
    partition.listener.onError({ topic: partition.topic, partition: partition.partition }, error)
  }

  #forget(partition: FetchingPartition): void {
    partition.isGone = true
    partition.leader?.partitions.delete(partition)
    partition.leader = undefined
    if (this.#partitions.get(nameOf(partition)) === partition) this.#partitions.delete(nameOf(partition))
  }
}
