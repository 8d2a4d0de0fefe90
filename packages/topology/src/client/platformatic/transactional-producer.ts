import { TopologyError } from '../../errors.ts'
import { formatTopicPartition, type TopicPartition } from '../../record.ts'
import type {
  CommitOffset,
  MemberMetadata,
  ProduceBatch,
  TransactionalProducer,
  TransactionOptions,
} from '../ports.ts'
import type { Cluster } from './cluster.ts'
import { closedError } from './errors.ts'
import type { ProducerIdentity } from './partition-sequence.ts'
import { BrokerProducer } from './producer.ts'
import { NO_IDENTITY, TransactionRequests } from './transaction-requests.ts'

/** How long closing waits for the end of an open transaction, which the broker otherwise ends by itself. */
const CLOSE_TIMEOUT_MS = 5_000

export async function openTransactionalProducer(
  cluster: Cluster,
  options: TransactionOptions,
  onClose: () => void,
): Promise<BrokerTransactionalProducer> {
  const closing = new AbortController()
  const requests = new TransactionRequests(cluster, options, closing.signal)
  try {
    const identity = await requests.identity(NO_IDENTITY, cluster.settings.operationTimeoutMs)
    return new BrokerTransactionalProducer({ cluster, options, requests, closing, onClose }, identity)
  } catch (error) {
    await requests.close()
    throw error
  }
}

interface Parts {
  readonly cluster: Cluster
  readonly options: TransactionOptions
  readonly requests: TransactionRequests
  readonly closing: AbortController
  readonly onClose: () => void
}

/**
 * A transaction begins with the first partition or offset that is added to it. An aborted one is followed by a new epoch of
 * the producer: sequences start anew, and what the old epoch still has on its way to a broker is refused there.
 */
export class BrokerTransactionalProducer implements TransactionalProducer {
  readonly #parts: Parts
  #identity: ProducerIdentity
  #producer: BrokerProducer
  /** What the transaction holds, or is about to. */
  #partitions = new Map<string, Promise<void>>()
  #groups = new Set<string>()
  #hasBegun = false
  /** Partitions that go into the next request, and when it is answered. */
  #toAdd: TopicPartition[] = []
  #adding: Promise<void> | undefined

  constructor(parts: Parts, identity: ProducerIdentity) {
    this.#parts = parts
    this.#identity = identity
    this.#producer = this.#startProducer()
  }

  async send(batch: ProduceBatch): Promise<{ readonly baseOffset: number }> {
    const name = formatTopicPartition(batch.topic, batch.partition)
    let added = this.#partitions.get(name)
    if (added === undefined) {
      added = this.#add(batch)
      this.#partitions.set(name, added)
    }
    // After an abort it is another one, and this batch is none of its business.
    const producer = this.#producer
    await added
    return producer.send(batch)
  }

  async commitOffsets(offsets: readonly CommitOffset[], member: MemberMetadata): Promise<void> {
    if (offsets.length === 0) return
    const { requests } = this.#parts
    this.#hasBegun = true
    if (!this.#groups.has(member.groupId)) {
      await requests.addGroup(this.#identity, member.groupId)
      this.#groups.add(member.groupId)
    }
    await requests.commitOffsets(this.#identity, offsets, member)
  }

  async commitTransaction(): Promise<void> {
    if (!this.#hasBegun) return
    await this.#parts.requests.end(this.#identity, true)
    this.#forget()
  }

  async abortTransaction(): Promise<void> {
    const { requests, options } = this.#parts
    const hadBegun = this.#hasBegun
    const reason = new TopologyError(
      'TOPOLOGY_TRANSACTION_ABORTED',
      `A transaction of ${options.transactionalId} was aborted`,
    )
    const closed = this.#producer.close(reason)
    this.#forget()
    this.#hasBegun = hadBegun
    await closed
    if (hadBegun) {
      try {
        await requests.end(this.#identity, false)
      } catch (error) {
        // The coordinator has ended it already, or has handed the id to somebody else, which the next question tells.
        if (!isTransactionOver(error)) throw error
      }
    }
    this.#identity = await this.#nextIdentity()
    this.#hasBegun = false
    this.#producer = this.#startProducer()
  }

  async close(): Promise<void> {
    const { requests, closing, onClose } = this.#parts
    onClose()
    await this.#producer.close()
    if (this.#hasBegun) await requests.end(this.#identity, false, CLOSE_TIMEOUT_MS).catch(() => undefined)
    closing.abort(closedError('The producer'))
    await requests.close()
  }

  async #nextIdentity(): Promise<ProducerIdentity> {
    const { requests, options } = this.#parts
    try {
      return await requests.identity(this.#identity)
    } catch (error) {
      if (!isTransactionOver(error)) throw error
      throw new TopologyError(
        'TOPOLOGY_PRODUCER_FENCED',
        `Another producer has taken over the transactional id ${options.transactionalId}`,
        { cause: error },
      )
    }
  }

  #startProducer(): BrokerProducer {
    return new BrokerProducer(this.#parts.cluster, this.#identity, () => undefined)
  }

  #forget(): void {
    this.#partitions = new Map()
    this.#groups = new Set()
    this.#toAdd = []
    this.#adding = undefined
    this.#hasBegun = false
  }

  /** What is sent first in the same turn shares a request. */
  #add({ topic, partition }: TopicPartition): Promise<void> {
    this.#hasBegun = true
    this.#toAdd.push({ topic, partition })
    this.#adding ??= Promise.resolve().then(async () => {
      const partitions = this.#toAdd
      this.#toAdd = []
      this.#adding = undefined
      if (partitions.length > 0) await this.#parts.requests.addPartitions(this.#identity, partitions)
    })
    return this.#adding
  }
}

function isTransactionOver(error: unknown): boolean {
  return TopologyError.is(error) && error.code === 'TOPOLOGY_TRANSACTION_ABORTED'
}
