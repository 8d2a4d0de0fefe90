import type { CommitOffset, GroupMember, TransactionalProducer } from '../client/ports.ts'
import type { Logger } from '../config.ts'
import { TopologyError, type TopologyErrorCode } from '../errors.ts'
import type { Commits, UncommittedOffset } from './commit.ts'
import type { RecordCollector } from './record-collector.ts'
import type { Task } from './task.ts'
import type { TransactionBatches } from './transaction-batches.ts'

export interface TransactionalCommitterOptions {
  readonly collector: Pick<RecordCollector, 'sendOpen' | 'discard'>
  readonly batches: TransactionBatches
  readonly producer: TransactionalProducer
  readonly group: Pick<GroupMember, 'commitThrough'>
  /** All that have work in the transaction. */
  readonly tasks: () => readonly Task[]
  /** Ends the work of all tasks where it stands; what it returns starts it again from the committed offsets. */
  readonly suspend: () => () => void
  readonly onCommitted: (offsets: readonly UncommittedOffset[]) => void
  readonly onFailure: (error: Error) => void
  readonly logger: Logger
}

const REPEATABLE: ReadonlySet<TopologyErrorCode> = new Set([
  'TOPOLOGY_TRANSACTION_ABORTED',
  'TOPOLOGY_MEMBER_FENCED',
])

/**
 * The commit procedure with exactly-once. One at a time, always in this order:
 *
 * 1. In one turn of the event loop: take the lowest contiguous finished offsets of all tasks, send what the collector has,
 *    and hold back what comes later. The collector has exactly the outputs of what those offsets cover (`HeldOutputs`).
 * 2. Wait until the brokers have acknowledged all of it.
 * 3. Put the offsets into the transaction, with the member's id and epoch: the group refuses them from a member of the past.
 * 4. End the transaction. Outputs, dead letters and offsets become visible together.
 * 5. Let the held batches go: they begin the next transaction.
 *
 * When any of this cannot be had, the work of all tasks ends where it stands, the transaction is aborted, and the tasks
 * begin again at the committed offsets.
 */
export class TransactionalCommitter implements Commits {
  readonly #options: TransactionalCommitterOptions
  #last: Promise<void> = Promise.resolve()
  /** Why the open transaction can only be aborted. */
  #doom: Error | undefined
  #doomed = doomed()
  #isEnded = false
  commits = 0
  aborts = 0

  constructor(options: TransactionalCommitterOptions) {
    this.#options = options
  }

  commit(): Promise<void> {
    this.#last = this.#last.then(() => this.#run())
    return this.#last
  }

  tasksLost(): Promise<void> {
    return this.#repeat(new TopologyError('TOPOLOGY_MEMBER_FENCED', 'Partitions were lost in a transaction'))
  }

  /** A batch could not be produced. */
  outputFailed(error: Error): void {
    if (TopologyError.is(error) && REPEATABLE.has(error.code)) void this.#repeat(error)
    else this.#fail(error)
  }

  /** Nothing is committed any more, and nothing fails. Closing the producer aborts what is open. */
  end(): void {
    this.#isEnded = true
  }

  #fail(error: Error): void {
    if (this.#isEnded) return
    this.end()
    this.#options.onFailure(error)
  }

  #repeat(reason: Error): Promise<void> {
    if (this.#doom !== undefined) return this.#last
    this.#doom = reason
    this.#doomed.reject(reason)
    return this.commit()
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    if (this.#isEnded) return
    try {
      if (this.#doom === undefined) await this.#commit()
      if (this.#doom !== undefined && !this.#isEnded) await this.#abort(this.#doom)
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  async #commit(): Promise<void> {
    const { tasks, collector, batches, group, producer } = this.#options
    const uncommitted = tasks().flatMap(task => task.uncommitted())
    collector.sendOpen()
    batches.hold()
    const offsets: CommitOffset[] = uncommitted.map(({ offset }) => offset)
    try {
      // A doomed transaction needs no acknowledgements, which may be long in coming.
      await Promise.race([batches.flush(), this.#doomed.promise])
      if (offsets.length > 0)
        await group.commitThrough(offsets, member => producer.commitOffsets(offsets, member))
      if (this.#isEnded) return
      await producer.commitTransaction()
    } catch (error) {
      if (!TopologyError.is(error) || !REPEATABLE.has(error.code)) throw error
      this.#doom ??= error
      return
    }
    this.#options.onCommitted(uncommitted)
    if (uncommitted.length > 0) this.commits += 1
    // What was doomed meanwhile has its work in the held batches.
    if (this.#doom === undefined) batches.release()
  }

  async #abort(reason: Error): Promise<void> {
    const { collector, batches, producer, suspend, logger } = this.#options
    const code = TopologyError.is(reason) ? reason.code : undefined
    logger.warn(
      { code, error: reason.message },
      'a transaction is aborted; its work is repeated from the committed offsets',
    )
    const restart = suspend()
    collector.discard()
    batches.discard(reason)
    await producer.abortTransaction()
    this.aborts += 1
    this.#doom = undefined
    this.#doomed = doomed()
    batches.release()
    restart()
  }
}

/** Rejects as soon as a transaction is doomed; nobody has to listen. */
function doomed(): PromiseWithResolvers<never> {
  const resolvers = Promise.withResolvers<never>()
  resolvers.promise.catch(() => undefined)
  return resolvers
}
