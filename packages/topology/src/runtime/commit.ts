import type { CommitOffset, GroupMember, PlainProducer } from '../client/ports.ts'
import type { Logger } from '../config.ts'
import { TopologyError } from '../errors.ts'
import type { RecordCollector } from './record-collector.ts'
import type { Task } from './task.ts'
import type { TaskSource } from './task-source.ts'

/** What the application asks of either guarantee's commit procedure. */
export interface Commits {
  /** How many have changed the group's offsets. */
  readonly commits: number
  /** Transactions that were given up; their work is repeated. */
  readonly aborts: number
  /** For all tasks. Resolves when this one and those before it are over. */
  commit(): Promise<void>
  /** Tasks were taken away in the middle of their work. */
  tasksLost(): Promise<void>
}

export interface UncommittedOffset {
  readonly source: TaskSource
  readonly offset: CommitOffset
}

export interface CommitterOptions {
  readonly collector: RecordCollector
  readonly producer: Pick<PlainProducer, 'abandon'>
  readonly group: Pick<GroupMember, 'commit'>
  readonly tasks: () => readonly Task[]
  /** The group has them. */
  readonly onCommitted: (offsets: readonly UncommittedOffset[]) => void
  /** The group did not take them for now. */
  readonly onPutOff: () => void
  readonly logger: Logger
}

/**
 * The commit procedure with at-least-once (law 1). One at a time, always in this order:
 *
 * 1. Per source partition take the lowest contiguous finished offset: everything below it is through its asynchronous
 *    steps, and its outputs and dead letters are in the collector.
 * 2. Flush the collector: all of those are acknowledged by the broker.
 * 3. Commit the offsets with the member's epoch. A member that has lost the partition is refused (harmless: whoever has
 *    it repeats the work).
 */
export class Committer implements Commits {
  readonly #options: CommitterOptions
  #last: Promise<void> = Promise.resolve()
  #isEnded = false
  commits = 0
  readonly aborts: number = 0

  constructor(options: CommitterOptions) {
    this.#options = options
  }

  /** Rejects when outputs could not be produced or the broker refused for good; a fenced member is only logged. */
  commit(): Promise<void> {
    const run = this.#last.then(() => this.#run())
    this.#last = run.catch(() => undefined)
    return run
  }

  /**
   * Whoever has the partitions now repeats what was not committed. Outputs that are not acknowledged are not sent again, or they
   * would come behind newer ones of the same keys. A batch has outputs of several tasks: none is given up while some have work.
   */
  tasksLost(): Promise<void> {
    const { tasks, collector, producer } = this.#options
    if (tasks().length > 0) return Promise.resolve()
    const reason = new TopologyError(
      'TOPOLOGY_MEMBER_FENCED',
      'The partitions are lost, and with them what was not acknowledged',
    )
    collector.abandon(reason)
    producer.abandon(reason)
    return Promise.resolve()
  }

  /** Nothing is committed any more. */
  end(): void {
    this.#isEnded = true
  }

  async #run(): Promise<void> {
    if (this.#isEnded) return
    const uncommitted = this.#options.tasks().flatMap(task => task.uncommitted())
    const offsets: CommitOffset[] = uncommitted.map(({ offset }) => offset)
    try {
      await this.#options.collector.flush()
      if (uncommitted.length === 0 || this.#isEnded) return
      await this.#options.group.commit(offsets)
    } catch (error) {
      if (!TopologyError.is(error)) throw error
      const isTransient = error.retry.kind !== 'never'
      if (error.code !== 'TOPOLOGY_MEMBER_FENCED' && !isTransient) throw error
      this.#options.logger.warn(
        { code: error.code, error: error.message, offsets: offsets.length },
        'commit put off',
      )
      this.#options.onPutOff()
      return
    }
    this.#options.onCommitted(uncommitted)
    this.commits += 1
  }
}
