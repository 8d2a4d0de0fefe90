import type { StepCounts } from '../../src/observability/counters.ts'
import type {
  DropReason,
  Parking,
  ParkingOutcomes,
  RecordHandler,
  TableReader,
  TaskWiring,
} from '../../src/plan/compiled.ts'
import type { DeliverNode, EnrichNode, JoinNode, NodeId } from '../../src/plan/node.ts'
import type { RecordContext } from '../../src/record.ts'

/** What a chain did, in order: `out` is a write to a sink, a repartition or a destination. */
export type WiringEvent =
  | { readonly kind: 'enter'; readonly node: string }
  | { readonly kind: 'out'; readonly node: string; readonly key: unknown; readonly value: unknown }
  | { readonly kind: 'drop'; readonly node: string; readonly reason: DropReason }
  | { readonly kind: 'no key'; readonly node: string }
  | { readonly kind: 'dead-letter'; readonly node: string; readonly error: Error }
  | {
      readonly kind: 'park'
      readonly node: string
      readonly key: unknown
      readonly value: unknown
      readonly tableKey: unknown
    }

/** A task's side of a chain, which writes down what it is told. An enrichment is passed on at once, unjoined. */
export class FakeWiring implements TaskWiring {
  readonly context: RecordContext = {
    topic: 'bookings',
    partition: 3,
    offset: 42,
    timestampMs: 1_000,
    headers: [],
  }
  readonly events: WiringEvent[] = []
  readonly steps = new Map<string, StepCounts>()
  readonly tables = new Map<NodeId, ReadonlyMap<unknown, unknown>>()
  /** Every key that a table was asked for. */
  readonly lookups: unknown[] = []
  /** What to do with parked records, and how long the join lets them wait. */
  parking: { readonly outcomes: ParkingOutcomes; readonly parkForMs: number } | undefined
  readonly #parkedKeys = new Set<unknown>()

  enter(node: string): void {
    this.events.push({ kind: 'enter', node })
  }

  counts(node: string): StepCounts {
    let counts = this.steps.get(node)
    if (counts === undefined) {
      counts = { in: 0, out: 0, misses: 0 }
      this.steps.set(node, counts)
    }
    return counts
  }

  table(id: NodeId): TableReader {
    return {
      get: key => {
        this.lookups.push(key)
        return this.tables.get(id)?.get(key)
      },
      watch: () => () => undefined,
    }
  }

  sink(node: string, _topic: string): RecordHandler {
    return this.output(node)
  }

  enrich(_node: EnrichNode, downstream: RecordHandler): RecordHandler {
    return downstream
  }

  deliver(node: DeliverNode): RecordHandler {
    return this.output(node.name)
  }

  park(node: JoinNode, parkForMs: number, outcomes: ParkingOutcomes): Parking {
    this.parking = { outcomes, parkForMs }
    return {
      isWaiting: key => this.#parkedKeys.has(key),
      add: (key, value, tableKey) => {
        this.#parkedKeys.add(key)
        this.events.push({ kind: 'park', node: node.name, key, value, tableKey })
      },
    }
  }

  drop(node: string, reason: DropReason): void {
    this.events.push({ kind: 'drop', node, reason })
  }

  missesKey(node: string): void {
    this.events.push({ kind: 'no key', node })
  }

  deadLetter(node: string, error: Error): void {
    this.events.push({ kind: 'dead-letter', node, error })
  }

  /** A step to stand behind the one under test. */
  output(node = 'next'): RecordHandler {
    return (key, value) => this.events.push({ kind: 'out', node, key, value })
  }

  /** What happened since the last call, but for the names of steps. */
  take(): readonly WiringEvent[] {
    return this.events.splice(0).filter(event => event.kind !== 'enter')
  }

  /** The steps that named themselves since the last call. */
  takeEntered(): readonly string[] {
    return this.events.splice(0).flatMap(event => (event.kind === 'enter' ? [event.node] : []))
  }
}

export function out(key: unknown, value: unknown, node = 'next'): WiringEvent {
  return { kind: 'out', node, key, value }
}

export function dropped(node: string, reason: DropReason): WiringEvent {
  return { kind: 'drop', node, reason }
}

export function keyless(node: string): WiringEvent {
  return { kind: 'no key', node }
}
