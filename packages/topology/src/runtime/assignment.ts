import { backoffMs } from '../backoff.ts'
import type { Admin, Fetcher, GroupListener, GroupMember, OffsetSpec } from '../client/ports.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../config.ts'
import { retryAdviceOf, TopologyError } from '../errors.ts'
import type {
  CompiledSource,
  CompiledSubTopology,
  CompiledTable,
  CompiledTopology,
} from '../plan/compiled.ts'
import type { OffsetReset } from '../plan/node.ts'
import type { TopicPartition } from '../record.ts'
import type { Commits } from './commit.ts'
import { DeliveryShares } from './delivery/delivery-shares.ts'
import type { TopicPartitions } from './start-up.ts'
import type { Tables } from './tables/tables.ts'
import { Task } from './task.ts'
import type { TaskEnvironment } from './task-environment.ts'

export interface AssignmentOptions {
  readonly topology: CompiledTopology
  readonly partitions: TopicPartitions
  readonly environment: TaskEnvironment
  readonly admin: Admin
  readonly fetcher: Fetcher
  readonly group: GroupMember
  readonly tables: Tables
  readonly committer: Commits
  readonly clock: Clock
  readonly logger: Logger
  /** The partition is no longer this process's. */
  readonly onReleased: (partition: TopicPartition) => void
  /** How long a revocation waits for what is under way. */
  readonly drainTimeoutMs: number
}

export interface TopicShare {
  readonly topic: string
  readonly partitions: number
  /** Those included whose tasks still load their tables, or drain. */
  readonly owned: number
}

interface OpenTask {
  readonly task: Task
  readonly subTopology: CompiledSubTopology
  readonly topics: Set<string>
  /** Aborts when the task is given up, so that whatever still opens it stops. */
  readonly closing: AbortController
}

const START_RETRY = { baseMs: 100, maxMs: 5_000 }

/**
 * Turns what the group assigns into tasks (law 10). A task reads nothing before its tables are loaded (law 3); a revoked
 * one drains, commits and only then lets go; a lost one is dropped as it stands.
 */
export class Assignment implements GroupListener {
  readonly #options: AssignmentOptions
  readonly #open = new Map<string, OpenTask>()
  readonly #leaving = new Set<OpenTask>()
  readonly #shares: DeliveryShares

  constructor(options: AssignmentOptions) {
    this.#options = options
    this.#shares = new DeliveryShares(options.topology, options.partitions)
    this.#tellShares()
  }

  get tasks(): Task[] {
    return [...this.#open.values()].map(({ task }) => task)
  }

  /** Those included that drain before they are given up: a commit covers their work too. */
  get tasksAtWork(): Task[] {
    return [...this.#open.values(), ...this.#leaving].map(({ task }) => task)
  }

  /** The source topics: how many partitions each had at start, and how many of them the group has given to this process. */
  topicShares(): readonly TopicShare[] {
    const owned = new Map<string, Set<number>>()
    for (const { sources } of this.#options.topology.subTopologies)
      for (const { topic } of sources) owned.set(topic, new Set())
    for (const { topics, task } of [...this.#open.values(), ...this.#leaving])
      for (const topic of topics) owned.get(topic)?.add(task.partition)
    return [...owned].map(([topic, { size }]) => ({
      topic,
      partitions: this.#options.partitions.get(topic) ?? 0,
      owned: size,
    }))
  }

  /**
   * Ends all work where it stands. What it returns starts it again from the committed offsets, for what is still ours then.
   * Tables stay loaded.
   */
  suspend(): () => void {
    const suspended = [...this.#open.values()]
    for (const open of [...suspended, ...this.#leaving]) this.#stop(open)
    return () => {
      for (const open of suspended) if (this.#open.get(open.task.id) === open) this.#restart(open)
    }
  }

  onAssigned(partitions: readonly TopicPartition[]): Promise<void> {
    this.#options.environment.counters.rebalances.assigned += 1
    return this.#assign(partitions)
  }

  #assign(partitions: readonly TopicPartition[]): Promise<void> {
    const { topology, tables } = this.#options
    const starting: { readonly open: OpenTask; readonly sources: readonly CompiledSource[] }[] = []
    for (const subTopology of topology.subTopologies) {
      const byPartition = new Map<number, CompiledSource[]>()
      for (const { topic, partition } of partitions) {
        const source = subTopology.sources.find(candidate => candidate.topic === topic)
        if (source !== undefined) byPartition.set(partition, [...(byPartition.get(partition) ?? []), source])
      }
      for (const [partition, sources] of byPartition) {
        for (const table of tablesOf(subTopology)) tables.assign(table.node, [partition])
        const open = this.#taskOf(subTopology, partition)
        for (const source of sources) open.topics.add(source.topic)
        starting.push({ open, sources })
      }
    }
    this.#tellShares()
    // Not awaited: the group goes on while the tables load, and so do the tasks that are ready.
    for (const { open, sources } of starting) void this.#start(open, sources)
    return Promise.resolve()
  }

  async onRevoked(partitions: readonly TopicPartition[]): Promise<void> {
    this.#options.environment.counters.rebalances.revoked += 1
    const revoked = this.#remove(partitions)
    for (const open of revoked) this.#leaving.add(open)
    await Promise.all(revoked.map(open => this.#drain(open)))
    await this.#options.committer.commit().catch((error: unknown) => {
      this.#options.logger.error(
        { error },
        'the last commit before a revocation failed; the work will be repeated',
      )
    })
    // What was lost meanwhile is released already.
    const released = revoked.filter(open => this.#leaving.delete(open))
    for (const open of released) this.#release(open)
    this.#tellShares()
    await this.#reopen(released, partitions)
  }

  async onLost(partitions: readonly TopicPartition[]): Promise<void> {
    this.#options.environment.counters.rebalances.lost += 1
    const leaving = [...this.#leaving].filter(open => hasAny(open, partitions))
    for (const open of leaving) this.#leaving.delete(open)
    const lost = [...this.#remove(partitions), ...leaving]
    for (const open of lost) this.#release(open)
    this.#tellShares()
    await this.#options.committer.tasksLost()
    await this.#reopen(lost, partitions)
  }

  onError(error: Error): void {
    this.#options.environment.onFailure(error)
  }

  #taskOf(subTopology: CompiledSubTopology, partition: number): OpenTask {
    const id = `${subTopology.id}_${partition}`
    let open = this.#open.get(id)
    if (open === undefined) {
      const { environment, tables } = this.#options
      const task = new Task({
        subTopology,
        partition,
        environment,
        table: (node, at) => tables.reader(node, at),
        memory: (node, at) => tables.memory(node, at),
      })
      open = { task, subTopology, topics: new Set(), closing: new AbortController() }
      this.#open.set(id, open)
    }
    return open
  }

  /** The tasks that lose a partition; nothing of theirs is fetched any more. */
  #remove(partitions: readonly TopicPartition[]): OpenTask[] {
    const removed = [...this.#open.values()].filter(open => hasAny(open, partitions))
    for (const open of removed) {
      this.#open.delete(open.task.id)
      this.#unassign(open)
      open.task.stopIntake()
    }
    return removed
  }

  async #drain({ task }: OpenTask): Promise<void> {
    const { environment, drainTimeoutMs, clock, logger } = this.#options
    const deadline = new AbortController()
    const cancel = clock.schedule(drainTimeoutMs, () =>
      deadline.abort(
        new TopologyError(
          'TOPOLOGY_CLOSED',
          `Task ${task.id} still had work under way after ${drainTimeoutMs} ms`,
        ),
      ),
    )
    try {
      // A delivery may be fed by an asynchronous step that is still under way: drain until the task itself is idle.
      const idle = task.whenIdle(deadline.signal)
      const drains = [...environment.deliveries.values()].map(stage =>
        stage.drain({ owner: task, signal: deadline.signal }),
      )
      await Promise.all([idle, ...drains])
    } catch (error) {
      logger.warn(
        { task: task.id, inFlight: task.inFlight.count, error },
        'unfinished work is left to the next owner',
      )
    } finally {
      cancel()
    }
  }

  #unassign({ task, topics, closing }: OpenTask): void {
    closing.abort(new TopologyError('TOPOLOGY_CLOSED', `Task ${task.id} is given up`))
    for (const topic of topics) this.#options.fetcher.unassign({ topic, partition: task.partition })
  }

  #stop(open: OpenTask): void {
    this.#unassign(open)
    for (const stage of this.#options.environment.deliveries.values()) stage.forget(open.task)
    open.task.abort()
  }

  #restart({ task, subTopology, topics }: OpenTask): void {
    const { tables } = this.#options
    this.#open.delete(task.id)
    // It remembers what was in the transaction: only the topic knows what has come of that.
    for (const memory of subTopology.memories) {
      tables.revoke(memory.node, [task.partition])
      tables.assign(memory.node, [task.partition])
    }
    const open = this.#taskOf(subTopology, task.partition)
    for (const topic of topics) open.topics.add(topic)
    void this.#start(
      open,
      subTopology.sources.filter(({ topic }) => topics.has(topic)),
    )
  }

  #release(open: OpenTask): void {
    const { task, subTopology } = open
    const { tables } = this.#options
    this.#stop(open)
    for (const table of tablesOf(subTopology)) tables.revoke(table.node, [task.partition])
    for (const topic of open.topics) this.#options.onReleased({ topic, partition: task.partition })
  }

  /** Those that drain count until they are through. */
  #tellShares(): void {
    try {
      this.#shares.tell(this.tasksAtWork)
    } catch (error) {
      this.#options.environment.onFailure(error as Error)
    }
  }

  /** The group gave up only some of a task's topics: what stays starts again as a new task. */
  async #reopen(removed: readonly OpenTask[], gone: readonly TopicPartition[]): Promise<void> {
    const kept = removed.flatMap(({ task, topics }) =>
      [...topics]
        .map(topic => ({ topic, partition: task.partition }))
        .filter(
          ({ topic, partition }) => !gone.some(lost => lost.topic === topic && lost.partition === partition),
        ),
    )
    if (kept.length > 0) await this.#assign(kept)
  }

  async #start(open: OpenTask, sources: readonly CompiledSource[]): Promise<void> {
    const { task, subTopology, closing } = open
    const { environment, tables, clock } = this.#options
    for (let attempts = 1; ; attempts += 1) {
      try {
        await Promise.all(tablesOf(subTopology).map(table => tables.whenLive(table.node, task.partition)))
        const starts = await this.#startOffsets(sources, task.partition)
        if (closing.signal.aborted) return
        for (const [i, source] of sources.entries()) this.#read(open, source, starts[i] as StartOffset)
        return
      } catch (error) {
        if (closing.signal.aborted) return
        const advice = retryAdviceOf(error, { kind: 'never' })
        if (advice.kind === 'never') {
          environment.onFailure(error as Error)
          return
        }
        const waitMs =
          advice.kind === 'after' ? advice.ms : backoffMs(attempts, START_RETRY, environment.random)
        await clock.sleep(waitMs, { signal: closing.signal }).catch(() => undefined)
      }
    }
  }

  #read(open: OpenTask, source: CompiledSource, start: StartOffset): void {
    const { fetcher, environment } = this.#options
    const { task } = open
    const at = { topic: source.topic, partition: task.partition }
    task.addSource(source.topic, start.offset, start.committed)
    fetcher.assign(at, start.offset, {
      onBatch: batch => task.accept(batch),
      onError: (_, error) => {
        if (TopologyError.is(error) && error.code === 'TOPOLOGY_OFFSET_OUT_OF_RANGE')
          void this.#reset(open, source, error)
        else environment.onFailure(error)
      },
    })
  }

  /** The position is gone from the log (retention, a recreated topic): said once and loudly, then the source's policy. */
  async #reset(open: OpenTask, source: CompiledSource, error: TopologyError): Promise<void> {
    const { logger, environment } = this.#options
    const { partition } = open.task
    logger.error(
      { topic: source.topic, partition, offsetReset: source.offsetReset, error: error.message },
      'the position is out of range; starting where the offset reset policy says',
    )
    try {
      await open.task.whenIdle(open.closing.signal)
      const [offset] = await this.#resetOffsets([source], partition)
      if (open.closing.signal.aborted) return
      this.#read(open, source, { offset: offset as number, committed: undefined })
    } catch (failure) {
      if (!open.closing.signal.aborted) environment.onFailure(failure as Error)
    }
  }

  async #startOffsets(sources: readonly CompiledSource[], partition: number): Promise<StartOffset[]> {
    const { group } = this.#options
    const committed = await group.committed(sources.map(({ topic }) => ({ topic, partition })))
    const fresh = sources.filter((_, i) => committed[i] === undefined)
    const resets = await this.#resetOffsets(fresh, partition)
    return sources.map((source, i) => {
      const offset = committed[i]
      return offset === undefined
        ? { offset: resets[fresh.indexOf(source)] as number, committed: undefined }
        : { offset, committed: offset }
    })
  }

  async #resetOffsets(sources: readonly CompiledSource[], partition: number): Promise<number[]> {
    const { admin, clock } = this.#options
    return Promise.all(
      sources.map(async ({ topic, offsetReset }) => {
        const at = [{ topic, partition }]
        const spec = offsetSpec(offsetReset, clock)
        const [offset] = await admin.listOffsets(at, spec, 'read-committed')
        if (offset !== undefined && offset >= 0) return offset
        // No record is as young as the duration asks for: start with the next one.
        const [end] = await admin.listOffsets(at, 'latest', 'read-committed')
        return end as number
      }),
    )
  }
}

function hasAny({ task, topics }: OpenTask, partitions: readonly TopicPartition[]): boolean {
  return partitions.some(({ topic, partition }) => partition === task.partition && topics.has(topic))
}

function tablesOf({ tables, memories }: CompiledSubTopology): readonly CompiledTable[] {
  return [...tables, ...memories]
}

interface StartOffset {
  readonly offset: number
  readonly committed: number | undefined
}

function offsetSpec(reset: OffsetReset, clock: Clock): OffsetSpec {
  return typeof reset === 'string' ? reset : { timestampMs: clock.now() - reset.durationMs }
}
