import type { Fetcher, GroupMember } from '../client/ports.ts'
import { TopologyError } from '../errors.ts'
import { openTracing, type Tracing } from '../observability/tracing.ts'
import type { DeliverNode, NodeId } from '../plan/node.ts'
import type { AppEnvironment } from './app.ts'
import { Assignment } from './assignment.ts'
import { closing, lastCommitMs } from './closing.ts'
import type { Commits } from './commit.ts'
import { DeliveryStage } from './delivery/delivery-stage.ts'
import { openGuarantee, type Guarantee } from './guarantee.ts'
import { NO_LIMITS, readOutputLimits, type OutputLimits } from './output-limits.ts'
import { RecordCollector, type RecordCollectorOptions } from './record-collector.ts'
import {
  deadLetterTopicOf,
  openCodecs,
  resolveTopics,
  type TopicPartitions,
  type TopologyCodecs,
} from './start-up.ts'
import { checkPartitioning } from './tables/partition-check.ts'
import { patientRegistry } from './patient-registry.ts'
import { createTables } from './tables/table-set.ts'
import type { Tables } from './tables/tables.ts'
import type { TaskEnvironment } from './task-environment.ts'
import { TaskRunner } from './task-runner.ts'

/** What a running application holds. */
export interface OpenApplication {
  readonly tables: Tables
  readonly assignment: Assignment
  readonly committer: Commits
  readonly group: Pick<GroupMember, 'isMember'>
  /** By the name of their step. */
  readonly deliveries: ReadonlyMap<string, DeliveryStage>
  /** Loads the global tables, then joins the group: partitions come only to a process that can work on them. */
  join(): Promise<void>
  /** Leaves the group (which drains and commits), then closes everything in the reverse order of opening. */
  close(): Promise<void>
}

/** Checks and opens everything up to joining the group. Rejects with what keeps the topology from running. */
export async function openApplication(environment: AppEnvironment): Promise<OpenApplication> {
  const given = withPatientRegistry(environment)
  const tracing = await openTracing(given.topology.name)
  const { topology, options, kafka } = given
  const topics = await resolveTopics(topology, kafka.admin, options)
  await checkPartitioning({ topology, client: kafka, samplesPerPartition: options.partitionSamples })
  const codecs = await openCodecs(topology, given.registry)
  const limits = await readOutputLimits(kafka.admin, [...topics.keys()])
  const guarantee = await openGuarantee(given)
  const app = endingCommitsOnFailure(given, guarantee)
  const runner = new TaskRunner(app.onFailure)
  const wakeAll = (): void => {
    for (const task of assignment.tasks) runner.ready(task)
  }
  const { collector, letters } = createCollectors(app, guarantee, { partitions: topics, limits }, wakeAll)
  const tables = await openTables(app, letters)
  const fetcher = createFetcher(app)
  const group = createGroup(app)
  const deliveries = createDeliveries(app, tracing, wakeAll)
  const committer = guarantee.createCommits({ collector, group, assignment: () => assignment })
  const tasks = taskEnvironment(app, { tracing, collector, codecs, deliveries, fetcher, runner })
  const assignment = new Assignment({
    topology,
    partitions: topics,
    environment: tasks,
    admin: kafka.admin,
    fetcher,
    group,
    tables,
    committer,
    clock: app.clock,
    logger: app.logger,
    onReleased: partition => app.commitLog.forget(partition),
    drainTimeoutMs: options.shutdownTimeoutMs - lastCommitMs(options),
  })
  const stopCommits = commitRegularly(app, committer, assignment)
  const close = closing(app, { group, fetcher, tables, deliveries, guarantee, assignment })
  return {
    tables,
    assignment,
    committer,
    group,
    deliveries: new Map([...deliveries].map(([id, stage]) => [stepName(topology.deliveries, id), stage])),
    async join() {
      tables.loadGlobal()
      await Promise.all(topology.globalTables.map(table => tables.whenLive(table.node)))
      await group.join(assignment)
    },
    async close() {
      stopCommits()
      await close()
      runner.stop()
    },
  }
}

/** Work that led to a failure must not be committed by what follows it. */
function endingCommitsOnFailure(app: AppEnvironment, guarantee: Guarantee): AppEnvironment {
  return {
    ...app,
    onFailure(error) {
      guarantee.end()
      app.onFailure(error)
    },
  }
}

function createFetcher({ kafka, options }: AppEnvironment): Fetcher {
  return kafka.createFetcher({
    maxBytesPerPartition: options.fetchBytesPerPartition,
    maxWaitMs: options.fetchWaitMs,
    isolation: 'read-committed',
  })
}

interface OutputTopics {
  readonly partitions: TopicPartitions
  readonly limits: ReadonlyMap<string, OutputLimits>
}

function withPatientRegistry(app: AppEnvironment): AppEnvironment {
  if (app.registry === undefined) return app
  const { clock, random, logger, closing: signal } = app
  return { ...app, registry: patientRegistry(app.registry, { clock, random, logger, signal }) }
}

/** `letters` takes what belongs to no commit: its fate is not that of the tasks. */
function createCollectors(
  app: AppEnvironment,
  guarantee: Guarantee,
  topics: OutputTopics,
  onSpace: () => void,
): { readonly collector: RecordCollector; readonly letters: RecordCollector } {
  const { producer, plainProducer, onOutputFailure } = guarantee
  const collector = createCollector(app, topics, { producer, onSpace, onFailure: onOutputFailure })
  const letters = createCollector(app, topics, {
    producer: plainProducer,
    onSpace: () => undefined,
    // Whoever loads the table next has the letter again.
    onFailure: error => {
      if (!app.closing.aborted) app.onFailure(error)
    },
  })
  return { collector, letters }
}

function createCollector(
  app: AppEnvironment,
  topics: OutputTopics,
  way: Pick<RecordCollectorOptions, 'producer' | 'onSpace' | 'onFailure'>,
): RecordCollector {
  const { batchBytes, lingerMs, maxPendingBytes, maxRecordBytes } = app.options
  return new RecordCollector({
    ...way,
    clock: app.clock,
    partitionsOf(topic) {
      const partitions = topics.partitions.get(topic)
      if (partitions === undefined) {
        throw new TopologyError(
          'TOPOLOGY_TOPIC_MISSING',
          `A record was sent to '${topic}', which is not among the topics of the topology: ${[...topics.partitions.keys()].join(', ')}`,
        )
      }
      return partitions
    },
    limitsOf: topic => topics.limits.get(topic) ?? NO_LIMITS,
    counters: app.counters,
    batchBytes,
    lingerMs,
    maxPendingBytes,
    maxRecordBytes,
  })
}

function openTables(app: AppEnvironment, collector: RecordCollector): Promise<Tables> {
  const { topology, options, counters, logger } = app
  const deadLetterTopic = deadLetterTopicOf(topology, options)
  return createTables({
    client: app.kafka,
    tables: [
      ...topology.globalTables,
      ...topology.subTopologies.flatMap(({ tables, memories }) => [...tables, ...memories]),
    ],
    registry: app.registry,
    clock: app.clock,
    random: app.random,
    staleAfterMs: options.tableStaleAfterMs,
    onMalformedRow: options.onMalformedRow,
    async deadLetter(letter) {
      counters.deadLetter(letter.step, letter.error)
      collector.appendDeadLetter(deadLetterTopic, letter)
      await collector.flush()
    },
    events: {
      onProgress: progress => app.events.onTableProgress?.(progress),
      onFailure: (_, error) => app.onFailure(error),
      onRetry: (partition, error, delayMs) =>
        logger.warn(
          { ...partition, error: error.message, delayMs },
          'a table is cut off from its topic; trying again',
        ),
    },
  })
}

function createGroup(app: AppEnvironment): GroupMember {
  const { topology, options } = app
  const topics = new Set(topology.subTopologies.flatMap(({ sources }) => sources.map(({ topic }) => topic)))
  return app.kafka.createGroupMember({
    groupId: topology.name,
    topics: [...topics],
    ...(options.instanceId === undefined ? {} : { instanceId: options.instanceId }),
    protocol: options.groupProtocol,
    sessionTimeoutMs: options.sessionTimeoutMs,
    rebalanceTimeoutMs: options.shutdownTimeoutMs + 5_000,
  })
}

function createDeliveries(
  app: AppEnvironment,
  tracing: Tracing | undefined,
  onSpace: () => void,
): Map<NodeId, DeliveryStage> {
  const { clock, random, logger, onFailure } = app
  return new Map(
    app.topology.deliveries.map(node => [
      node.id,
      new DeliveryStage(node, {
        clock,
        tracing,
        random,
        onFailure: error => onFailure(error as Error),
        onSpace,
        onRetry: ({ step, error, failures, waitMs, items }) =>
          logger.warn({ step, error, failures, waitMs, items }, 'a delivery failed; trying again'),
      }),
    ]),
  )
}

function taskEnvironment(
  app: AppEnvironment,
  parts: {
    readonly tracing: Tracing | undefined
    readonly collector: RecordCollector
    readonly codecs: TopologyCodecs
    readonly deliveries: ReadonlyMap<NodeId, DeliveryStage>
    readonly fetcher: Fetcher
    readonly runner: TaskRunner
  },
): TaskEnvironment {
  const { options, topology } = app
  return {
    clock: app.clock,
    random: app.random,
    counters: app.counters,
    tracing: parts.tracing,
    collector: parts.collector,
    sourceCodecs: parts.codecs.sources,
    sinkCodecs: parts.codecs.sinks,
    deliveries: parts.deliveries,
    deadLetterTopic: deadLetterTopicOf(topology, options),
    policies: {
      deserialization: options.onMalformedRecord,
      nullKey: options.onNullKey,
      processing: options.onProcessingFailure,
      production: options.onProductionFailure,
    },
    maxBufferedBytes: options.maxBufferedBytesPerPartition,
    maxInFlightRecords: options.maxInFlightRecords,
    maxInFlightBytes: options.maxInFlightBytes,
    holdsOutputs: options.guarantee === 'exactly-once',
    flow: parts.fetcher,
    onReady: task => parts.runner.ready(task),
    onFailure: app.onFailure,
  }
}

/** A commit starts `commitIntervalMs` after the previous one has ended. */
function commitRegularly(app: AppEnvironment, committer: Commits, assignment: Assignment): () => void {
  let cancel: (() => void) | undefined
  let isStopped = false
  const schedule = (): void => {
    cancel = app.clock.schedule(app.options.commitIntervalMs, () => {
      committer.commit().then(
        () => {
          lookAtEnds(app, assignment)
          if (!isStopped) schedule()
        },
        (error: unknown) => {
          if (!isStopped) app.onFailure(error as Error)
        },
      )
    })
  }
  schedule()
  return () => {
    isStopped = true
    cancel?.()
  }
}

/** How far behind the commits are is known without a commit, too. */
function lookAtEnds({ clock, commitLog }: AppEnvironment, { tasks }: Assignment): void {
  const nowMs = clock.now()
  for (const { sources } of tasks)
    for (const source of sources) {
      commitLog.look(source, source.highWatermark, nowMs)
      if (source.highWatermark >= 0) commitLog.began(source, source.committed, nowMs)
    }
}

function stepName(nodes: readonly DeliverNode[], id: NodeId): string {
  return nodes.find(node => node.id === id)?.name ?? String(id)
}
