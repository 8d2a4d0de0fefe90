import type { TableReader } from '../../plan/compiled.ts'
import type { NodeId } from '../../plan/node.ts'
import type { MemoryRows } from '../delivery/lane-memory.ts'
import type { TopologyError } from '../../errors.ts'
import type { TopicPartition } from '../../record.ts'

/*
 * The tables of one application, as its tasks and its owner see them (`createTables` in `table-set.ts` makes them):
 *
 *   const tables = await createTables({ client, tables: [...all compiled tables], registry, ... })
 *   tables.loadGlobal()                      // start: every partition of every global table
 *   await tables.whenLive(activities)        // before the group is joined
 *   tables.assign(customers, [0, 3])         // onAssigned: returns at once, reads by manual assignment
 *   await tables.whenLive(customers, 3)      // the load gate: hold the task's input until then
 *   const reader = tables.reader(customers, 3)
 *   tables.revoke(customers, [0])            // onRevoked, onLost: stops reading, frees the rows
 *   await tables.stop()
 *
 * A reader refuses to answer before its table has been loaded once, so a forgotten gate is an error and not a join miss.
 */

/**
 * `loading` until the position has reached the last stable offset captured at start; `live` while it follows its topic;
 * `stale` while it is cut off from it (rows stay readable); `failed` when only an operator can help.
 */
export type TableState = 'loading' | 'live' | 'stale' | 'failed'

/** What happens to a record that can never be decoded. The row that was there before stays. */
export type MalformedRowPolicy = 'dead-letter' | 'skip' | 'fail'

export interface TableProgress extends TopicPartition {
  readonly table: string
  readonly state: TableState
  readonly rows: number
  readonly bytes: number
  /** The next offset to apply. */
  readonly position: number
  /** Loading is over at this position; -1 until it is known. */
  readonly endOffset: number
}

export interface TablePartitionStats extends TableProgress {
  /** Records below the last stable offset that are not applied yet. */
  readonly lag: number
  /** Milliseconds since a response of the broker was last applied, empty ones included. */
  readonly stalenessMs: number
  /** Records ignored because they have no key. */
  readonly nullKeys: number
  /** Records that the serdes could not read. They are met, and dead-lettered, again at every start. */
  readonly malformed: number
  /** Rows whose key does not belong on this partition by Java's murmur2. */
  readonly misplaced: number
  /** How often reading was started anew after an error. */
  readonly restarts: number
}

export interface TableStats {
  readonly node: NodeId
  readonly table: string
  readonly topic: string
  readonly scope: 'partitioned' | 'global'
  /** The worst of its partitions: failed, loading, stale, live. */
  readonly state: TableState
  readonly rows: number
  readonly bytes: number
  readonly lag: number
  readonly stalenessMs: number
  /** Since the start of the process, over all partitions that it has or had. */
  readonly restarts: number
  readonly nullKeys: number
  readonly malformed: number
  readonly partitions: readonly TablePartitionStats[]
}

export interface Tables {
  /** Starts to read every partition of every global table. */
  loadGlobal(): void
  /** Starts to read these partitions of a partitioned table. Partitions that it reads already are left alone. */
  assign(table: NodeId, partitions: readonly number[]): void
  /** Stops reading and frees the rows. `whenLive` of a partition that was still loading rejects with TOPOLOGY_CLOSED. */
  revoke(table: NodeId, partitions: readonly number[]): void
  /**
   * Resolves once the table (a global one as a whole, a partitioned one in this partition) has been loaded; at once when it
   * is loaded already, stale or not. Rejects with TOPOLOGY_TABLE_FAILED when it fails, and with TOPOLOGY_CLOSED when
   * it is revoked or stopped before.
   */
  whenLive(table: NodeId, partition?: number): Promise<void>
  /**
   * The rows for a task: of this partition, or of the whole global table whatever the partition. Its `get` throws
   * TOPOLOGY_STATE_INVALID before the table is loaded and after it is revoked, TOPOLOGY_TABLE_FAILED when it has failed.
   */
  reader(table: NodeId, partition: number): TableReader
  /** The rows of a memory (`CompiledTable.isMemory`), for the one task that changes them. */
  memory(table: NodeId, partition: number): MemoryRows
  stats(): readonly TableStats[]
  stop(): Promise<void>
}

export interface TableEvents {
  /** At every change of state, and a few times a second while a partition loads. */
  onProgress?(progress: TableProgress): void
  /** A partition has failed: its table cannot be trusted any more, and the application should stop. */
  onFailure?(partition: TopicPartition, error: TopologyError): void
  /** Something went wrong that is being retried: for the log. */
  onRetry?(partition: TopicPartition, error: Error, delayMs: number): void
}
