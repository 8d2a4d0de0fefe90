import { initProducerIdV4 } from '@platformatic/kafka'
import type { TopologyError } from '../../errors.ts'
import { formatTopicPartition } from '../../record.ts'
import type { PlainProducer, ProduceBatch } from '../ports.ts'
import type { Cluster, Leader } from './cluster.ts'
import { ErrorCode } from './error-codes.ts'
import { brokerError, closedError, transactionOver, translateError } from './errors.ts'
import { LeaderFinder } from './leader-finder.ts'
import { LeaderSender } from './leader-sender.ts'
import { PartitionSequence, type ProducerIdentity } from './partition-sequence.ts'
import { reportRetry, retrying } from './retry.ts'
import { SendingPartition } from './sending-partition.ts'

/** A topic that has just been created is unknown to some brokers for a moment; one that stays unknown is not coming. */
const MISSING_TOPIC_TIMEOUT_MS = 30_000

/** -1 asks for a new producer id; the client's own producer asks for producer 0 of epoch 0, which is somebody else's. */
async function requestIdentity(cluster: Cluster): Promise<ProducerIdentity> {
  const what = 'Asking for a producer id'
  const response = await cluster.anyBroker(what, link =>
    link.call(initProducerIdV4.api, null, 60_000, -1n, -1),
  )
  if (response.errorCode !== ErrorCode.none) throw brokerError(response.errorCode, what)
  return { producerId: response.producerId, epoch: response.producerEpoch }
}

export async function createBrokerProducer(cluster: Cluster, onClose: () => void): Promise<BrokerProducer> {
  const { settings } = cluster
  const options = { what: 'Starting a producer', timeoutMs: settings.operationTimeoutMs }
  const identity = await retrying(settings, options, () => requestIdentity(cluster))
  return new BrokerProducer(cluster, identity, onClose)
}

/**
 * Keeps each partition's batches with the broker that leads it. With a transactional identity whatever would need another
 * one ends the producer instead: its transaction is lost then.
 */
export class BrokerProducer implements PlainProducer {
  readonly #cluster: Cluster
  readonly #onClose: () => void
  readonly #finder: LeaderFinder<SendingPartition>
  readonly #partitions = new Map<string, SendingPartition>()
  readonly #leaders = new Map<number, LeaderSender>()
  readonly #closing = new AbortController()
  #identity: ProducerIdentity
  /** Under it batches may be with the brokers that nobody knows of: nothing new is sent under it. */
  #spent: ProducerIdentity | undefined
  #renewing: Promise<ProducerIdentity> | undefined
  /** Why no more batches are taken. */
  #end: TopologyError | undefined

  constructor(cluster: Cluster, identity: ProducerIdentity, onClose: () => void) {
    this.#cluster = cluster
    this.#identity = identity
    this.#onClose = onClose
    this.#finder = new LeaderFinder(cluster, {
      found: (partition, leader) => this.#place(partition, leader),
      shouldRetry: (partition, error) => !this.#isMissingForLong(partition, error),
      gaveUp: (partition, error) => this.#giveUp(partition, error),
    })
  }

  send(batch: ProduceBatch): Promise<{ readonly baseOffset: number }> {
    if (this.#end !== undefined) return Promise.reject(this.#end)
    return new Promise((resolve, reject) => {
      const name = formatTopicPartition(batch.topic, batch.partition)
      const known = this.#partitions.get(name)
      const partition =
        known ?? new SendingPartition(batch.topic, batch.partition, new PartitionSequence(this.#identity))
      partition.sequence.push({ batch, resolve, reject })
      if (known === undefined) {
        this.#partitions.set(name, partition)
        if (this.#identity === this.#spent) void this.#renewIdentity(partition)
        else this.#finder.find(partition)
      } else partition.leader?.offer(partition)
    })
  }

  abandon(reason: TopologyError): void {
    const partitions = [...this.#partitions.values()]
    if (partitions.every(({ sequence }) => sequence.isIdle)) return
    for (const partition of partitions) this.#giveUp(partition, reason)
    // With their connections goes what is still on its way.
    for (const leader of this.#leaders.values()) void leader.close()
    this.#leaders.clear()
    this.#spent = this.#identity
  }

  async close(reason: TopologyError = closedError('The producer')): Promise<void> {
    this.#stop(reason)
    this.#onClose()
    await Promise.all(Array.from(this.#leaders.values(), leader => leader.close()))
  }

  #stop(reason: TopologyError): void {
    this.#end ??= reason
    this.#closing.abort(reason)
    this.#finder.close()
    for (const partition of this.#partitions.values()) this.#giveUp(partition, reason)
  }

  #place(partition: SendingPartition, { nodeId }: Leader): void {
    partition.missingSinceMs = undefined
    let leader = this.#leaders.get(nodeId)
    if (leader === undefined) {
      leader = new LeaderSender({
        cluster: this.#cluster,
        nodeId,
        transactionalId: this.#identity.transactionalId ?? null,
        onFailed: (failed, error) => this.#recover(failed, error),
        onFenced: error =>
          this.#stop(
            this.#identity.transactionalId === undefined ? error : transactionOver('Producing', error),
          ),
      })
      this.#leaders.set(nodeId, leader)
    }
    partition.leader = leader
    leader.offer(partition)
  }

  #recover(partition: SendingPartition, error: TopologyError): void {
    partition.leader = undefined
    partition.failures += 1
    if (error.retry.kind === 'never') {
      this.#giveUp(partition, error)
      return
    }
    const { topic, failures, sequence } = partition
    const facts = { topic, partition: partition.partition, failures, error }
    reportRetry(this.#cluster.settings.logger, facts, 'producing failed and is tried again')
    if (sequence.needsIdentity) void this.#renewIdentity(partition)
    else this.#finder.find(partition)
  }

  /** The broker has lost this partition's sequences, or they are not known. Never rejects. */
  async #renewIdentity(partition: SendingPartition): Promise<void> {
    const { sequence } = partition
    try {
      // Another partition may have met the same loss a moment ago.
      const identity = sequence.identity === this.#identity ? await this.#nextIdentity() : this.#identity
      if (this.#end !== undefined || partition.isGone) return
      sequence.useIdentity(identity)
      this.#finder.find(partition)
    } catch (error) {
      if (this.#end === undefined && !partition.isGone)
        this.#giveUp(partition, translateError(error, 'Renewing a producer id'))
    }
  }

  /** The same one for all that ask while it is under way. */
  #nextIdentity(): Promise<ProducerIdentity> {
    const { settings } = this.#cluster
    const options = { what: 'Renewing a producer id', signal: this.#closing.signal }
    this.#renewing ??= retrying(settings, options, () => requestIdentity(this.#cluster))
      .then(identity => (this.#identity = identity))
      .finally(() => (this.#renewing = undefined))
    return this.#renewing
  }

  #isMissingForLong(partition: SendingPartition, error: TopologyError): boolean {
    if (error.code !== 'TOPOLOGY_TOPIC_MISSING') return false
    const nowMs = this.#cluster.settings.clock.monotonicMs()
    partition.missingSinceMs ??= nowMs
    return nowMs - partition.missingSinceMs >= MISSING_TOPIC_TIMEOUT_MS
  }

  /** Whatever is sent to it later starts the search anew. */
  #giveUp(partition: SendingPartition, error: TopologyError): void {
    this.#partitions.delete(formatTopicPartition(partition.topic, partition.partition))
    partition.isGone = true
    partition.leader = undefined
    partition.sequence.abandon(error)
  }
}
