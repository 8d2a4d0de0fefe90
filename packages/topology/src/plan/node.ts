import type { RecordContext } from '../record.ts'
import type { AnyTopic, StreamTopic, TableTopic } from '../topic.ts'
import type { Serde } from '../serde/serde.ts'
import type { Destination } from '../operators/destination.ts'

/*
 * A plan is data: the DSL appends nodes, `graph.ts` validates them and splits them into sub-topologies, `compile.ts` turns
 * each sub-topology into chains of functions. Author functions take the value first, as JavaScript's own `map` does.
 */

export type NodeId = number

export type Predicate = (value: unknown, key: unknown, context: RecordContext) => boolean
export type ValueMapper = (value: unknown, key: unknown, context: RecordContext) => unknown
export interface KeyValue<K, V> {
  readonly key: K
  readonly value: V
}
export type KeyValueMapper = (
  value: unknown,
  key: unknown,
  context: RecordContext,
) => KeyValue<unknown, unknown>
export type Joiner = (value: unknown, row: unknown, key: unknown, context: RecordContext) => unknown
/** Names the topic of a record, as the sink lists it. */
export type TopicChooser = (value: unknown, key: unknown, context: RecordContext) => string

/** Where a new group starts, or a group whose committed offset is gone. */
export type OffsetReset = 'earliest' | 'latest' | { readonly durationMs: number }

/** What happens to a record for which a table has no row. A left join passes it on instead. */
export type MissingRow = 'drop' | 'dead-letter'

/** What happens to a record whose asynchronous step fails in a way that retrying cannot mend. */
export type FailurePolicy = 'dead-letter' | 'drop' | 'fail'

export interface RetryPolicy {
  /** Default unlimited: an outage stops progress, not correctness. */
  readonly maxAttempts: number
  readonly baseMs: number
  readonly maxMs: number
}

interface NodeBase {
  readonly id: NodeId
  /** Given by the author or derived stably; unique in the plan. */
  readonly name: string
}

export interface SourceNode extends NodeBase {
  readonly kind: 'source'
  readonly topic: StreamTopic<unknown, unknown>
  readonly offsetReset: OffsetReset
}
export interface TableNode extends NodeBase {
  readonly kind: 'table'
  readonly scope: 'partitioned' | 'global'
  readonly topic: TableTopic<unknown, unknown>
}
interface StepBase extends NodeBase {
  readonly input: NodeId
}
export interface FilterNode extends StepBase {
  readonly kind: 'filter'
  readonly predicate: Predicate
  readonly negated: boolean
}
export interface MapNode extends StepBase {
  readonly kind: 'map'
  readonly mapper: KeyValueMapper
}
export interface MapValuesNode extends StepBase {
  readonly kind: 'mapValues'
  readonly mapper: ValueMapper
}
export interface FlatMapNode extends StepBase {
  readonly kind: 'flatMap'
  readonly mapper: (
    value: unknown,
    key: unknown,
    context: RecordContext,
  ) => Iterable<KeyValue<unknown, unknown>>
}
export interface FlatMapValuesNode extends StepBase {
  readonly kind: 'flatMapValues'
  readonly mapper: (value: unknown, key: unknown, context: RecordContext) => Iterable<unknown>
}
export interface SelectKeyNode extends StepBase {
  readonly kind: 'selectKey'
  readonly mapper: ValueMapper
}
export interface PeekNode extends StepBase {
  readonly kind: 'peek'
  readonly action: (value: unknown, key: unknown, context: RecordContext) => void
}
export interface ForeachNode extends StepBase {
  readonly kind: 'foreach'
  readonly action: (value: unknown, key: unknown, context: RecordContext) => void
}
/** The first branch whose predicate holds takes the record; without a default branch an unmatched one is dropped (counted). */
export interface SplitNode extends StepBase {
  readonly kind: 'split'
  readonly branches: readonly { readonly name: string; readonly predicate: Predicate }[]
}
/** One outcome of a split: `index` into the branches, or `default`. */
export interface BranchNode extends StepBase {
  readonly kind: 'branch'
  readonly index: number | 'default'
}
export interface MergeNode extends NodeBase {
  readonly kind: 'merge'
  readonly inputs: readonly NodeId[]
}
/** Writes to an internal topic `<application>-<name>-repartition` and reads it back as a new sub-topology. */
export interface RepartitionNode extends StepBase {
  readonly kind: 'repartition'
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
  /** Default: as many as the sub-topology's own sources have. */
  readonly partitions: number | undefined
}
/** With a partitioned table the key is the stream's own; with a global table `keyMapper` gives it. */
export interface JoinNode extends StepBase {
  readonly kind: 'join'
  readonly table: NodeId
  readonly outer: 'inner' | 'left'
  readonly keyMapper: ValueMapper | undefined
  readonly joiner: Joiner
  readonly missing: MissingRow
  /** How long a record waits for its row before it counts as missing, in milliseconds. Undefined: not at all. */
  readonly parkForMs: number | undefined
}
export interface EnrichNode extends StepBase {
  readonly kind: 'enrich'
  readonly call: (value: unknown, key: unknown, context: EnrichContext) => Promise<unknown>
  readonly joiner: Joiner
  readonly order: 'per-key' | 'unordered'
  /** Calls under way at once, per task. */
  readonly maxInFlight: number
  readonly timeoutMs: number
  readonly retry: RetryPolicy
  /** For a failure that retrying cannot mend. With a fallback the joiner is called with its value instead. */
  readonly onFailure: FailurePolicy | { readonly fallback: unknown }
}
/** Aborts on shutdown, on revocation and when the call's time is up. */
export interface EnrichContext extends RecordContext {
  readonly signal: AbortSignal
}
export interface SinkNode extends StepBase {
  readonly kind: 'sink'
  /** One, or those that `choose` chooses from, by the names that it gives them. Two names may mean one topic. */
  readonly topics: ReadonlyMap<string, AnyTopic>
  /** Undefined where there is one topic for all records. */
  readonly choose: TopicChooser | undefined
}
/** Batches to an outside system, with an outcome per item. */
export interface DeliverNode extends StepBase {
  readonly kind: 'deliver'
  readonly destination: Destination<unknown>
  /** A compacted topic in which the step remembers something of each lane, by its lane key. */
  readonly memory: TableTopic<string, unknown> | undefined
  /** Lanes with an urgent item are sent ahead of others. */
  readonly isUrgent: ((value: unknown, key: unknown, context: RecordContext) => boolean) | undefined
  /** Items with the same lane key are never in two batches at once. Default: the record's key. */
  readonly laneKey: ((value: unknown, key: unknown, context: RecordContext) => string) | undefined
  /** An item's size in bytes towards `maxBatchBytes`. */
  readonly sizeOf: ((value: unknown) => number) | undefined
  readonly maxBatchItems: number
  readonly maxBatchBytes: number
  readonly lingerMs: number
  readonly maxInFlight: number
  /** Items waiting or under way, of all partitions; at the bound the partitions pause. */
  readonly maxPending: number
  readonly timeoutMs: number
  readonly retry: RetryPolicy
}

export type PlanNode =
  | SourceNode
  | TableNode
  | FilterNode
  | MapNode
  | MapValuesNode
  | FlatMapNode
  | FlatMapValuesNode
  | SelectKeyNode
  | PeekNode
  | ForeachNode
  | SplitNode
  | BranchNode
  | MergeNode
  | RepartitionNode
  | JoinNode
  | EnrichNode
  | SinkNode
  | DeliverNode

/** What the DSL hands to the plan: named, append-only, inputs before their users. */
export interface Plan {
  readonly name: string
  readonly nodes: readonly PlanNode[]
}

export type { AnyTopic }
