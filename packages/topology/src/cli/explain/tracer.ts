import { TopologyError } from '../../errors.ts'
import { snapshot } from '../json.ts'

/** What a step did with a record besides handing something on. */
export type TraceEvent =
  | {
      readonly kind: 'row'
      readonly table: string
      readonly topic: string
      readonly key: unknown
      /** Null where the table has none. */
      readonly row: unknown
      readonly place: RowPlace | null
    }
  | { readonly kind: 'dropped'; readonly reason: string }
  | { readonly kind: 'dead-lettered'; readonly code: string; readonly message: string }
  | { readonly kind: 'key-missing' }
  | { readonly kind: 'failed'; readonly error: string; readonly message: string }
  | { readonly kind: 'would-wait'; readonly key: unknown; readonly forMs: number }
  | { readonly kind: 'not-called'; readonly what: string }
  | { readonly kind: 'called'; readonly result: unknown }
  | { readonly kind: 'call-failed'; readonly message: string; readonly isTriedAgain: boolean }
  | { readonly kind: 'writes'; readonly topic: string }
  | {
      readonly kind: 'would-deliver'
      readonly destination: string
      readonly laneKey: string | null
      readonly isUrgent: boolean
      readonly bytes: number
    }

export interface RowPlace {
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
}

/** One record at one step: what came in, what became of it, and what that step handed on to which others. */
export interface StepTrace {
  readonly step: string
  readonly kind: string
  readonly key: unknown
  readonly value: unknown
  readonly events: readonly TraceEvent[]
  readonly next: readonly StepTrace[]
}

export interface OpenTrace extends StepTrace {
  readonly events: TraceEvent[]
  readonly next: OpenTrace[]
}

/** Follows one record through a chain: steps call one another, so the call that is under way is the step. */
export class Tracer {
  readonly roots: OpenTrace[] = []
  /** A failure is told by the step in which it happened, not by those that called it. */
  readonly #told = new WeakSet<object>()
  #current: OpenTrace | undefined

  get current(): OpenTrace | undefined {
    return this.#current
  }

  /** The record is given to a step. Values are copied: later steps may change them. */
  enter(step: string, kind: string, record: { key: unknown; value: unknown; run: () => void }): void {
    const trace: OpenTrace = {
      step,
      kind,
      key: snapshot(record.key),
      value: snapshot(record.value),
      events: [],
      next: [],
    }
    ;(this.#current?.next ?? this.roots).push(trace)
    this.within(trace, record.run)
  }

  /** Goes on where an asynchronous step has left off. */
  within(trace: OpenTrace | undefined, run: () => void): void {
    const outer = this.#current
    this.#current = trace
    try {
      run()
    } catch (error) {
      this.#tell(error)
      throw error
    } finally {
      this.#current = outer
    }
  }

  note(event: TraceEvent): void {
    this.#current?.events.push(event)
  }

  #tell(error: unknown): void {
    if (typeof error === 'object' && error !== null) {
      if (this.#told.has(error)) return
      this.#told.add(error)
    }
    this.note({ kind: 'failed', ...describeError(error) })
  }
}

export function describeError(error: unknown): { readonly error: string; readonly message: string } {
  if (TopologyError.is(error)) return { error: error.code, message: error.message }
  if (error instanceof Error) return { error: error.name, message: error.message }
  return { error: typeof error, message: String(error) }
}
