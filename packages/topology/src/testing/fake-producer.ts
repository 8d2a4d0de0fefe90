import type {
  CommitOffset,
  MemberMetadata,
  PlainProducer,
  ProduceBatch,
  TransactionalProducer,
} from '../client/ports.ts'
import { TopologyError } from '../errors.ts'
import type { FakeCluster, FakeTransactional, OpenTransaction } from './fake-cluster.ts'

function closedError(): TopologyError {
  return new TopologyError('TOPOLOGY_CLOSED', 'The producer is closed')
}

export class FakeProducer implements PlainProducer {
  readonly #cluster: FakeCluster
  /** Sends that are not acknowledged. */
  readonly #rejects = new Set<(error: Error) => void>()
  #isClosed = false

  constructor(cluster: FakeCluster) {
    this.#cluster = cluster
  }

  send(batch: ProduceBatch): Promise<{ readonly baseOffset: number }> {
    return new Promise((resolve, reject) => {
      this.#rejects.add(reject)
      this.#append(batch)
        .then(resolve, reject)
        .finally(() => this.#rejects.delete(reject))
    })
  }

  abandon(reason: TopologyError): void {
    for (const reject of this.#rejects) reject(reason)
  }

  close(): Promise<void> {
    this.#isClosed = true
    this.abandon(closedError())
    return Promise.resolve()
  }

  async #append(batch: ProduceBatch): Promise<{ readonly baseOffset: number }> {
    if (this.#isClosed) throw closedError()
    const failure = this.#cluster.sendFailures.shift()
    if (failure !== undefined) throw failure
    const baseOffset = this.#cluster.append(batch)
    await this.#cluster.acknowledgement()
    return { baseOffset }
  }
}

/** The epoch tells a producer from its successor under the same id, as a broker does. */
export class FakeTransactionalProducer implements TransactionalProducer {
  readonly #cluster: FakeCluster
  readonly #id: string
  readonly #transactional: FakeTransactional
  #epoch: number
  #transaction: OpenTransaction | undefined
  /** Sends that are not acknowledged. */
  #rejects = new Set<(error: Error) => void>()
  #isClosed = false

  constructor(cluster: FakeCluster, transactionalId: string) {
    this.#cluster = cluster
    this.#id = transactionalId
    this.#transactional = cluster.transactional(transactionalId)
    cluster.endTransaction(this.#transactional, 'aborted')
    this.#transactional.epoch += 1
    this.#epoch = this.#transactional.epoch
  }

  send(batch: ProduceBatch): Promise<{ readonly baseOffset: number }> {
    return new Promise((resolve, reject) => {
      this.#rejects.add(reject)
      this.#append(batch)
        .then(resolve, reject)
        .finally(() => this.#rejects.delete(reject))
    })
  }

  async commitOffsets(offsets: readonly CommitOffset[], member: MemberMetadata): Promise<void> {
    const transaction = this.#begun()
    const { groupId, memberId } = member
    if (!this.#cluster.group(groupId).knows(member))
      throw new TopologyError('TOPOLOGY_MEMBER_FENCED', `${memberId} is no member of the group ${groupId}`)
    transaction.offsets.set(groupId, [...(transaction.offsets.get(groupId) ?? []), ...offsets])
  }

  async commitTransaction(): Promise<void> {
    if (this.#transaction === undefined) return
    this.#begun()
    this.#transaction = undefined
    this.#cluster.endTransaction(this.#transactional, 'committed')
  }

  async abortTransaction(): Promise<void> {
    for (const reject of this.#rejects) reject(this.#over('was aborted'))
    this.#transaction = undefined
    if (this.#epoch !== this.#transactional.epoch)
      throw new TopologyError('TOPOLOGY_PRODUCER_FENCED', `Another producer has taken over ${this.#id}`)
    this.#cluster.endTransaction(this.#transactional, 'aborted')
    this.#transactional.epoch += 1
    this.#epoch = this.#transactional.epoch
  }

  close(): Promise<void> {
    if (!this.#isClosed && this.#epoch === this.#transactional.epoch)
      this.#cluster.endTransaction(this.#transactional, 'aborted')
    this.#isClosed = true
    for (const reject of this.#rejects) reject(closedError())
    return Promise.resolve()
  }

  async #append(batch: ProduceBatch): Promise<{ readonly baseOffset: number }> {
    const transaction = this.#begun()
    const failure = this.#cluster.sendFailures.shift()
    if (failure !== undefined) throw failure
    transaction.logs.add(this.#cluster.log(batch))
    const baseOffset = this.#cluster.append(batch, transaction)
    await this.#cluster.acknowledgement()
    return { baseOffset }
  }

  /** The open transaction, which begins with the first call. */
  #begun(): OpenTransaction {
    if (this.#isClosed) throw closedError()
    const transactional = this.#transactional
    if (this.#epoch !== transactional.epoch) throw this.#over('belongs to another producer now')
    if (this.#transaction === undefined) {
      transactional.open = { state: 'open', logs: new Set(), offsets: new Map() }
      this.#transaction = transactional.open
    }
    if (this.#transaction !== transactional.open) throw this.#over('has been open for too long')
    return this.#transaction
  }

  #over(what: string): TopologyError {
    return new TopologyError('TOPOLOGY_TRANSACTION_ABORTED', `The transaction of ${this.#id} ${what}`)
  }
}
