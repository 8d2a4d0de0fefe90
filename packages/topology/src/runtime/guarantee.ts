import { randomUUID } from 'node:crypto'
import type { BatchProducer, GroupMember, PlainProducer } from '../client/ports.ts'
import { TopologyError } from '../errors.ts'
import type { AppEnvironment } from './app.ts'
import type { Assignment } from './assignment.ts'
import { Committer, type Commits, type UncommittedOffset } from './commit.ts'
import type { RecordCollector } from './record-collector.ts'
import { TransactionBatches } from './transaction-batches.ts'
import { TransactionalCommitter } from './transactional-commit.ts'

export interface CommitParts {
  readonly collector: RecordCollector
  readonly group: GroupMember
  readonly assignment: () => Assignment
}

/** How outputs leave and how offsets are committed: the one difference between the guarantees, but for `holdsOutputs`. */
export interface Guarantee {
  readonly producer: BatchProducer
  /** For what belongs to no commit and to no task: the dead letters of tables, whose positions are not committed either. */
  readonly plainProducer: BatchProducer
  /** What the collector tells of a batch that could not be produced. */
  readonly onOutputFailure: (error: Error) => void
  /** Once. */
  createCommits(parts: CommitParts): Commits
  /**
   * The application cannot go on, or does not wait any longer: nothing is sent or committed any more, and what fails from now
   * on is no failure of its.
   */
  end(): void
  close(): Promise<void>
}

export function openGuarantee(app: AppEnvironment): Promise<Guarantee> {
  return app.options.guarantee === 'exactly-once' ? openTransactions(app) : openAtLeastOnce(app)
}

async function openAtLeastOnce(app: AppEnvironment): Promise<Guarantee> {
  const { kafka, logger, counters, onFailure } = app
  const [producer, plainProducer] = await Promise.all([
    kafka.createProducer().then(endingWithRefusal),
    kafka.createProducer(),
  ])
  let committer: Committer | undefined
  let isEnded = false
  const end = (): void => {
    isEnded = true
    producer.refuse(new TopologyError('TOPOLOGY_CLOSED', 'The application takes no more outputs'))
    committer?.end()
  }
  return {
    producer,
    plainProducer,
    onOutputFailure: error => {
      if (!isEnded) onFailure(error)
    },
    createCommits({ collector, group, assignment }) {
      committer = new Committer({
        collector,
        producer,
        group,
        logger,
        tasks: () => assignment().tasksAtWork,
        onCommitted: offsets => noteCommitted(app, offsets),
        onPutOff: () => {
          counters.commitFailures += 1
        },
      })
      return committer
    },
    end,
    async close() {
      end()
      await Promise.all([producer.close(), plainProducer.close()])
    },
  }
}

/** What is sent after a batch that was refused for good would overtake its records when they are repeated. */
function endingWithRefusal(
  producer: PlainProducer,
): PlainProducer & { readonly refuse: (reason: Error) => void } {
  let refusal: Error | undefined
  let abandoned: TopologyError | undefined
  return {
    async send(batch) {
      if (refusal !== undefined) throw refusal
      try {
        return await producer.send(batch)
      } catch (error) {
        if (error !== abandoned) refusal ??= error as Error
        throw error
      }
    },
    refuse(reason) {
      refusal ??= reason
    },
    abandon(reason) {
      abandoned = reason
      producer.abandon(reason)
    },
    close: () => producer.close(),
  }
}

/** What the group has now, in the sources and in the history that the application is judged by. */
function noteCommitted({ clock, commitLog }: AppEnvironment, offsets: readonly UncommittedOffset[]): void {
  const nowMs = clock.now()
  for (const { source, offset } of offsets) {
    source.committed = offset.offset
    source.committedAtMs = clock.monotonicMs()
    commitLog.look(source, source.highWatermark, nowMs)
    commitLog.committed(source, offset.offset, nowMs)
  }
}

async function openTransactions(app: AppEnvironment): Promise<Guarantee> {
  const { topology, options, kafka, logger, onFailure } = app
  const plainProducer = await kafka.createProducer()
  const producer = await kafka.createTransactionalProducer({
    // The group fences by member id and epoch; a stable id besides ends a crashed predecessor's transaction at once.
    transactionalId: `${topology.name}-${options.instanceId ?? randomUUID()}`,
    timeoutMs: options.transactionTimeoutMs,
  })
  let committer: TransactionalCommitter | undefined
  const batches = new TransactionBatches(producer, error => committer?.outputFailed(error))
  return {
    producer: batches,
    plainProducer,
    // The batches know of it already, and which transaction it was.
    onOutputFailure: () => undefined,
    createCommits({ collector, group, assignment }) {
      committer = new TransactionalCommitter({
        collector,
        batches,
        producer,
        group,
        tasks: () => assignment().tasksAtWork,
        suspend: () => assignment().suspend(),
        onCommitted: offsets => noteCommitted(app, offsets),
        onFailure,
        logger,
      })
      return committer
    },
    end: () => committer?.end(),
    async close() {
      await Promise.all([producer.close(), plainProducer.close()])
    },
  }
}
