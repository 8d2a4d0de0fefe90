import { randomUUID } from 'node:crypto'
import type { BatchProducer, GroupMember } from '../client/ports.ts'
import type { AppEnvironment } from './app.ts'
import type { Assignment } from './assignment.ts'
import { Committer, type Commits } from './commit.ts'
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
  /** For what belongs to no commit: the dead letters of tables, whose positions are not committed either. */
  readonly plainProducer: BatchProducer
  /** What the collector tells of a batch that could not be produced. */
  readonly onOutputFailure: (error: Error) => void
  /** Once. */
  createCommits(parts: CommitParts): Commits
  /** The application cannot go on, or does not wait any longer: what fails from now on is no failure of its. */
  end(): void
  close(): Promise<void>
}

export function openGuarantee(app: AppEnvironment): Promise<Guarantee> {
  return app.options.guarantee === 'exactly-once' ? openTransactions(app) : openAtLeastOnce(app)
}

async function openAtLeastOnce({ kafka, logger, onFailure }: AppEnvironment): Promise<Guarantee> {
  const producer = endingWithRefusal(await kafka.createProducer())
  let isEnded = false
  return {
    producer,
    plainProducer: producer,
    onOutputFailure: error => {
      if (!isEnded) onFailure(error)
    },
    createCommits: ({ collector, group, assignment }) =>
      new Committer({ collector, group, logger, tasks: () => assignment().tasksAtWork }),
    end: () => {
      isEnded = true
    },
    close() {
      // What it takes back then has not failed: the letters of a table that was still loading, say.
      isEnded = true
      return producer.close()
    },
  }
}

/** What is sent after a batch that was refused for good would overtake its records when they are repeated. */
function endingWithRefusal(producer: BatchProducer): BatchProducer {
  let refusal: Error | undefined
  return {
    async send(batch) {
      if (refusal !== undefined) throw refusal
      try {
        return await producer.send(batch)
      } catch (error) {
        refusal ??= error as Error
        throw error
      }
    },
    close: () => producer.close(),
  }
}

async function openTransactions({
  topology,
  options,
  kafka,
  logger,
  onFailure,
}: AppEnvironment): Promise<Guarantee> {
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
