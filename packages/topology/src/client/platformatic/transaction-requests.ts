import {
  addOffsetsToTxnV4,
  addPartitionsToTxnV3,
  endTxnV4,
  initProducerIdV4,
  txnOffsetCommitV4,
} from '@platformatic/kafka'
import { formatTopicPartition, type TopicPartition } from '../../record.ts'
import { TopologyError } from '../../errors.ts'
import type { CommitOffset, MemberMetadata, TransactionOptions } from '../ports.ts'
import type { Cluster } from './cluster.ts'
import { Coordinator } from './coordinator.ts'
import { endsTransaction, ErrorCode } from './error-codes.ts'
import { brokerError, transactionOver } from './errors.ts'
import { offsetsByTopic, STALE_EPOCH_RETRY_MS } from './group/group-offsets.ts'
import type { ProducerIdentity } from './partition-sequence.ts'
import { retrying } from './retry.ts'

/** The markers of the transaction before are still being written, which takes milliseconds: ask again soon. */
const CONCURRENT_RETRY = { firstMs: 5, maxMs: 100 }
/** Asks for a first identity, or for one after whatever came before. */
export const NO_IDENTITY: ProducerIdentity = { producerId: -1n, epoch: -1 }

/** What a transactional producer asks the coordinators, each until there is a final answer. */
export class TransactionRequests {
  readonly #cluster: Cluster
  readonly #options: TransactionOptions
  readonly #signal: AbortSignal
  readonly #coordinator: Coordinator
  readonly #groups = new Map<string, Coordinator>()

  constructor(cluster: Cluster, options: TransactionOptions, signal: AbortSignal) {
    this.#cluster = cluster
    this.#options = options
    this.#signal = signal
    this.#coordinator = this.#coordinatorOf('transaction', options.transactionalId)
  }

  /** Aborts whatever is open under the transactional id. @throws TOPOLOGY_TRANSACTION_ABORTED when `previous` is not the last. */
  async identity(previous: ProducerIdentity, timeoutMs?: number): Promise<ProducerIdentity> {
    const { transactionalId, timeoutMs: transactionTimeoutMs } = this.#options
    let identity = previous
    const run = async (): Promise<number> => {
      const { errorCode, producerId, producerEpoch } = await this.#coordinator.call(
        initProducerIdV4.api,
        transactionalId,
        transactionTimeoutMs,
        previous.producerId,
        previous.epoch,
      )
      identity = { producerId, epoch: producerEpoch, transactionalId }
      return errorCode
    }
    await this.#ask('Starting transactions', run, timeoutMs)
    return identity
  }

  async addPartitions(
    { producerId, epoch }: ProducerIdentity,
    partitions: readonly TopicPartition[],
  ): Promise<void> {
    const topics = Array.from(
      Map.groupBy(partitions, ({ topic }) => topic),
      ([name, parts]) => ({ name, partitions: parts.map(({ partition }) => partition) }),
    )
    const { transactionalId } = this.#options
    const transaction = { transactionalId, producerId, producerEpoch: epoch, verifyOnly: false, topics }
    const names = partitions.map(({ topic, partition }) => formatTopicPartition(topic, partition)).join(', ')
    await this.#ask(`Adding ${names} to a transaction`, async () => {
      const { resultsByTransaction } = await this.#coordinator.call(addPartitionsToTxnV3.api, [transaction])
      const codes = resultsByTransaction
        .flatMap(({ topicResults }) => topicResults)
        .flatMap(({ resultsByPartition }) => resultsByPartition)
        .map(({ partitionErrorCode }) => partitionErrorCode)
      // One refused partition has the others answered with "operation not attempted" (55).
      const failed = codes.filter(code => code !== ErrorCode.none)
      return failed.find(code => code !== ErrorCode.operationNotAttempted) ?? failed[0] ?? ErrorCode.none
    })
  }

  async addGroup({ producerId, epoch }: ProducerIdentity, groupId: string): Promise<void> {
    await this.#ask(`Adding the offsets of the group ${groupId} to a transaction`, async () => {
      const { transactionalId } = this.#options
      const request = [transactionalId, producerId, epoch, groupId] as const
      return (await this.#coordinator.call(addOffsetsToTxnV4.api, ...request)).errorCode
    })
  }

  /** One attempt. Rejects with advice about another one, for which the member's epoch is to be looked up again. */
  async commitOffsets(
    { producerId, epoch }: ProducerIdentity,
    offsets: readonly CommitOffset[],
    member: MemberMetadata,
  ): Promise<void> {
    const { groupId, memberId, instanceId = null } = member
    const coordinator = this.#groups.get(groupId) ?? this.#coordinatorOf('group', groupId)
    this.#groups.set(groupId, coordinator)
    const { topics } = await coordinator.call(
      txnOffsetCommitV4.api,
      this.#options.transactionalId,
      groupId,
      producerId,
      epoch,
      member.epoch,
      memberId,
      instanceId,
      offsetsByTopic(offsets),
    )
    for (const { name, partitions } of topics)
      for (const { partitionIndex, errorCode } of partitions) {
        if (errorCode === ErrorCode.none) continue
        coordinator.note(errorCode)
        throw offsetError(
          errorCode,
          `Committing ${formatTopicPartition(name, partitionIndex)} for the group ${groupId} in a transaction`,
        )
      }
  }

  /** Repeating it after a lost answer is harmless: the same ending of an ended transaction is acknowledged again. */
  async end(
    { producerId, epoch }: ProducerIdentity,
    isCommitted: boolean,
    timeoutMs?: number,
  ): Promise<void> {
    const run = async (): Promise<number> => {
      const { transactionalId } = this.#options
      const request = [transactionalId, producerId, epoch, isCommitted] as const
      return (await this.#coordinator.call(endTxnV4.api, ...request)).errorCode
    }
    await this.#ask(isCommitted ? 'Committing a transaction' : 'Aborting a transaction', run, timeoutMs)
  }

  async close(): Promise<void> {
    await Promise.all([this.#coordinator, ...this.#groups.values()].map(coordinator => coordinator.close()))
  }

  #coordinatorOf(kind: 'group' | 'transaction', id: string): Coordinator {
    return new Coordinator(this.#cluster, { kind, id }, this.#cluster.settings.requestTimeoutMs)
  }

  async #ask(subject: string, request: () => Promise<number>, timeoutMs = Infinity): Promise<void> {
    const { settings } = this.#cluster
    const what = `${subject} of ${this.#options.transactionalId}`
    await retrying(settings, { what, timeoutMs, signal: this.#signal }, async () => {
      let waitMs = CONCURRENT_RETRY.firstMs
      let code = await request()
      while (code === ErrorCode.concurrentTransactions) {
        await settings.clock.sleep(waitMs, { signal: this.#signal })
        waitMs = Math.min(2 * waitMs, CONCURRENT_RETRY.maxMs)
        code = await request()
      }
      if (code === ErrorCode.none) return
      this.#coordinator.note(code)
      const error = brokerError(code, what)
      throw endsTransaction(code) ? transactionOver(subject, error) : error
    })
  }
}

/** The group's coordinator calls a stale epoch an illegal generation here, because older producers know no other word. */
function offsetError(errorCode: number, what: string): TopologyError {
  const error = brokerError(errorCode, what)
  if (endsTransaction(errorCode)) return transactionOver(what, error)
  if (errorCode === ErrorCode.illegalGeneration || errorCode === ErrorCode.staleMemberEpoch)
    return new TopologyError(error.code, error.message, {
      retry: { kind: 'after', ms: STALE_EPOCH_RETRY_MS },
    })
  return error
}
