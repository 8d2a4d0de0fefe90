import type { StepCounts } from '../observability/counters.ts'
import type { RecordContext } from '../record.ts'
import type { DeliverNode, EnrichNode, JoinNode, NodeId, OffsetReset, PlanNode } from './node.ts'
import type { Serde } from '../serde/serde.ts'
import type { KeyPlaces } from '../state/table-store.ts'

/*
 * What the runtime sees of a topology, and all it sees. A task calls `build` once with its wiring and then pushes every
 * record of a source topic through the returned handler, depth first, without allocating on the way.
 */

/** One step and everything behind it. */
export type RecordHandler = (key: unknown, value: unknown) => void

/** Why a record ended without an output. Counted per node; `docs/reference/metrics.md` lists them. */
export type DropReason =
  | 'filtered'
  | 'unmatched-branch'
  | 'join-miss'
  | 'park-timeout'
  | 'null-key'
  | 'null-value'
  | 'enrichment-failed'
  | 'skipped-malformed'
  | 'skipped-processing-failure'

export interface TableReader {
  /** The decoded row, or undefined. A key that cannot be serialized throws. */
  get(key: unknown): unknown
  /** These keys, encoded, will be asked for soon (`TableStore.warm`). Undefined where that cannot be known to be of use. */
  readonly warm?: (bytes: Uint8Array, keys: KeyPlaces, count: number) => void
  /**
   * Calls back whenever rows have been put for the key, or may have been, until the function that it returns is called. The
   * callback only takes note of it. A key that cannot be serialized throws.
   */
  watch(key: unknown, onRow: () => void): () => void
}

/** What a join does with a record that was parked. */
export interface ParkingOutcomes {
  onRow(key: unknown, value: unknown, row: unknown): void
  /** It has waited long enough, or (a left join's without a table key) it had only to wait for its turn. */
  onNoRow(key: unknown, value: unknown, tableKey: unknown): void
}

/** Where the records of a join wait for their rows. */
export interface Parking {
  /** Whether a record with this key waits here, which a later one may not overtake. */
  isWaiting(key: unknown): boolean
  /**
   * The current record waits: until the table has a row for `tableKey`, or until its time is over; and until those with its
   * key that came before it are gone.
   */
  add(key: unknown, value: unknown, tableKey: unknown): void
}

/** Sees into a chain, and changes it, while it is built. A chain that is built without one does not know of it. */
export interface ChainProbe {
  /** The step to be built in place of the given one. */
  step(node: PlanNode): PlanNode
  /** What records are given to in place of the step that was built. */
  handler(node: PlanNode, handler: RecordHandler): RecordHandler
}

/** What a task gives to its chain. */
export interface TaskWiring {
  /** For whoever wants to know what each step does with a record (`tributary explain`); an application has none. */
  readonly probe?: ChainProbe
  /** One object per task, changed for each record. */
  readonly context: RecordContext
  /** Set before each call of an author's function, so that a failure names its step. */
  enter(nodeName: string): void
  /** What a step counts; the same object in every task. */
  counts(nodeName: string): StepCounts
  table(id: NodeId): TableReader
  /** Writes what a step puts out to one of the topics that the sub-topology's `sinks` list. */
  sink(nodeName: string, topic: string): RecordHandler
  enrich(node: EnrichNode, downstream: RecordHandler): RecordHandler
  deliver(node: DeliverNode): RecordHandler
  /** For a join that lets records wait for their rows. */
  park(node: JoinNode, parkForMs: number, outcomes: ParkingOutcomes): Parking
  drop(nodeName: string, reason: DropReason): void
  /** The current record has no key, without which this step cannot work: it ends here, as the application's policy says. */
  missesKey(nodeName: string): void
  /** Sends the current input record to the dead-letter topic because of this step. */
  deadLetter(nodeName: string, error: Error): void
}

export interface CompiledSource {
  readonly node: NodeId
  readonly name: string
  readonly topic: string
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
  readonly offsetReset: OffsetReset
  /** An internal topic, created by the application at start. */
  readonly isRepartition: boolean
}

export interface CompiledTable {
  readonly node: NodeId
  readonly name: string
  readonly topic: string
  readonly scope: 'partitioned' | 'global'
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
  /** The rows are a `deliver` step's memory: read once, and from then on changed by nobody but the task itself. */
  readonly isMemory?: boolean
}

/** A topic that is written. A step that chooses among several has one entry for each. */
export interface CompiledSink {
  readonly node: NodeId
  readonly name: string
  readonly topic: string
  readonly key: Serde<unknown>
  readonly value: Serde<unknown>
}

export interface CompiledSubTopology {
  readonly id: number
  readonly sources: readonly CompiledSource[]
  /** Partitioned tables: read with the same partition numbers as the sources. */
  readonly tables: readonly CompiledTable[]
  readonly sinks: readonly CompiledSink[]
  readonly deliveries: readonly DeliverNode[]
  /** Of the deliveries that have one, by the delivery's node: read and written with the partition numbers of the sources. */
  readonly memories: readonly CompiledTable[]
  /** Whether a record can outlive the call that processes it (enrich, deliver, a join that parks). */
  readonly hasAsyncSteps: boolean
  build(wiring: TaskWiring): ReadonlyMap<string, RecordHandler>
}

export interface CompiledRepartition {
  readonly node: NodeId
  readonly topic: string
  /** Undefined: as many as the largest source of the sub-topology that writes it. */
  readonly partitions: number | undefined
  readonly writer: number
}

/** A step as its counts are told. */
export interface CompiledStep {
  readonly name: string
  readonly kind: PlanNode['kind']
  /** The steps, or the source, whose records come here. */
  readonly inputs: readonly string[]
  /** Of a source. */
  readonly topic: string | undefined
  /** Of a join: its table. */
  readonly table: string | undefined
  /** A join that passes records on without a row. */
  readonly isLeftJoin: boolean
}

export interface CompiledTopology {
  readonly name: string
  /** Sources and everything behind them, inputs before their users. */
  readonly steps: readonly CompiledStep[]
  readonly subTopologies: readonly CompiledSubTopology[]
  readonly globalTables: readonly CompiledTable[]
  readonly repartitions: readonly CompiledRepartition[]
  readonly deliveries: readonly DeliverNode[]
}
