import type { Destination } from '../operators/destination.ts'
import type { EnrichContext, FailurePolicy, MissingRow, OffsetReset, RetryPolicy } from '../plan/node.ts'
import type { RecordContext } from '../record.ts'
import type { Serde } from '../serde/serde.ts'
import type { TableTopic } from '../topic.ts'

/** Every step takes a name. Without one it is derived from where the step stands: `bookings.filter-1`. */
export interface StepOptions {
  readonly name?: string
}

export interface SourceOptions extends StepOptions {
  /** Where a new group starts, or a group whose committed offset is gone. Default: earliest. */
  readonly offsetReset?: OffsetReset
}

export interface SplitOptions<Default extends string> extends StepOptions {
  /** Names the branch that takes what no other takes. Without it such records are dropped and counted. */
  readonly default?: Default
}

export interface RepartitionOptions<K, V> {
  /** Names the internal topic, `<application>-<name>-repartition`, and so may not be left to chance. */
  readonly name: string
  /** Default: the key serde of the source, as long as no step has changed the key. */
  readonly key?: Serde<K>
  /** Default: the value serde of the source, as long as no step has changed the value. */
  readonly value?: Serde<V>
  /** Default: as many as the largest source that leads here. */
  readonly partitions?: number
}

/** What a join's function makes of a record and its row. The output keeps the stream's key. */
export type RowJoiner<K, V, Row, R> = (value: V, row: Row, key: K, context: RecordContext) => R

/**
 * A record without a row waits for one, and later records with its key behind it. Its offset stays uncommitted meanwhile:
 * a crash, or a rebalance, repeats what came after it in its partition and begins its waiting anew. Waiting records are in
 * memory and count towards `maxInFlightRecords` and `maxInFlightBytes`.
 */
export interface ParkedJoin {
  /** Milliseconds. What a record waits behind an earlier one with its key counts. */
  readonly parkForMs: number
}

export interface ParkedInnerJoin extends ParkedJoin {
  /** For a record that has waited in vain. Default: dropped and counted. */
  readonly otherwise?: MissingRow
}

export type InnerJoinOptions<Scope, K, V, TableKey, Row, R> = StepOptions & {
  readonly joiner: RowJoiner<K, V, Row, R>
  /** For a record whose key has no row. Default: dropped and counted. */
  readonly missing?: MissingRow | ParkedInnerJoin
} & KeyOption<Scope, (value: V, key: K, context: RecordContext) => NoInfer<TableKey>>

export type LeftJoinOptions<Scope, K, V, TableKey, Row, R> = StepOptions & {
  readonly joiner: RowJoiner<K, V, Row | undefined, R>
  /** For a record whose key has no row. Default: joined with `undefined` at once. */
  readonly missing?: ParkedJoin
} & KeyOption<Scope, (value: V, key: K, context: RecordContext) => NoInfer<TableKey> | null | undefined>

/** A global table is looked up by the key that this function gives; a partitioned one by the stream's own. */
type KeyOption<Scope, Mapper> = Scope extends 'global' ? { readonly key: Mapper } : unknown

export interface EnrichOptions<K, V, Result, Fallback, R> extends StepOptions {
  /** The asynchronous call. Its signal aborts on shutdown, on revocation and when `timeoutMs` is over. */
  readonly using: (value: V, key: K, context: EnrichContext) => Promise<Result>
  readonly joiner: (value: V, result: Result | Fallback, key: K, context: RecordContext) => R
  /** Whether the records of one key keep their order. Default: per-key. */
  readonly order?: 'per-key' | 'unordered'
  /** Calls under way at once, per task. Default 32. */
  readonly maxInFlight?: number
  /** For one attempt. Default 10,000. */
  readonly timeoutMs?: number
  /** Default: without end, from 100 ms up to 30 s. An outage stops progress, not correctness. */
  readonly retry?: Partial<RetryPolicy>
  /** For a failure that retrying cannot mend. Default: dead-letter. */
  readonly onFailure?: FailurePolicy | { readonly fallback: Fallback }
}

export interface ChoiceOptions<K, V, Name extends string> extends StepOptions {
  /** Names the topic of each record. A name that is not listed follows `onProductionFailure`. */
  readonly choose: (value: V, key: K, context: RecordContext) => Name
}

export interface DeliverOptions<K, V, T, M = unknown> extends StepOptions {
  readonly destination: Destination<T, M>
  /**
   * A compacted topic in which the step remembers something of each lane, by its lane key: what was sent last, say. It has
   * as many partitions as the source topic. Each task reads its partition before its first record and keeps the rows in
   * memory; outcomes change them (`DeliveryOutcome`). It is created at the start, and the step is its only user; the items of a
   * lane have to come from one partition. Default: nothing is remembered.
   */
  readonly memory?: TableTopic<string, M>
  /**
   * Lanes with an urgent item are sent ahead of others, and what room they leave in a batch is filled with others; one batch
   * in eight goes by the time of waiting. Default: all items are alike.
   */
  readonly isUrgent?: (value: V, key: K, context: RecordContext) => boolean
  /** Items with the same lane key are never in two batches at once. Default: the record's key. */
  readonly laneKey?: (value: V, key: K, context: RecordContext) => string
  /** An item's size in bytes towards `maxBatchBytes`. */
  readonly sizeOf?: (value: V) => number
  readonly maxBatchItems: number
  /** Default: no bound. Needs `sizeOf`. */
  readonly maxBatchBytes?: number
  /** How long a batch waits to be filled. Default 100. */
  readonly lingerMs?: number
  /** Batches under way at once. Default 4. */
  readonly maxInFlight?: number
  /** Items waiting or under way, of all partitions; at the bound the partitions pause. Default: 8 full batches per `maxInFlight`. */
  readonly maxPending?: number
  /** For one batch. Default 30,000. */
  readonly timeoutMs?: number
  /** Default: without end, from 100 ms up to 30 s. */
  readonly retry?: Partial<RetryPolicy>
}
