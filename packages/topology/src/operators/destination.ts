import type { RecordContext } from '../record.ts'

/** One record on its way to an outside system. `context` is a copy and may be kept. */
export interface DeliveryItem<T, M = unknown> {
  readonly key: unknown
  readonly value: T
  readonly context: RecordContext
  /** How often delivering the item was tried before. */
  readonly attempts: number
  /** What the step remembers of the item's lane (`DeliverOptions.memory`); undefined when it remembers nothing. */
  readonly memory?: M | undefined
}

/** What became of one item. */
export type DeliveryOutcome<M = unknown> =
  /**
   * `memory`, where it is given, is what the step remembers of the lane from now on; null forgets it. It is written with
   * the record's offset: nothing is remembered of what was not accepted. Of several items of one lane the last counts.
   * `restMs`: nothing more of the lane is sent for so long; the place of the batch is free meanwhile.
   */
  | { readonly kind: 'accepted'; readonly memory?: M | null; readonly restMs?: number }
  /** Not sent, because nothing would change by it. Counted as dropped for this reason. */
  | { readonly kind: 'skipped'; readonly reason: string }
  /**
   * Sent again, ahead of anything with the same lane key that has not been sent. Without `afterMs` the step's backoff
   * decides. Items of the lane that came later in the same batch and were accepted have overtaken it: a destination that
   * applies a batch in order answers `retry` for those too.
   */
  | DeliveryRepetition
  /** Goes to the dead-letter topic: no retry can mend it. */
  | DeliveryRejection

/** What became of an item in a call. It is data, so it goes nowhere but into a dead letter. */
export interface DeliverySent {
  /** What the item became, as it was sent. */
  readonly sent?: string
  /** Where several items became one: the indexes of all of them in the call, this one's included. */
  readonly together?: readonly number[]
}

/** `status`, `sent` and `together` stand in the dead letter when this was the item's last attempt (`retry.maxAttempts`). */
export interface DeliveryRepetition extends DeliverySent {
  readonly kind: 'retry'
  readonly afterMs?: number
  readonly cause?: unknown
  /** False: the item was not tried, so it counts towards no `retry.maxAttempts`. Default true. */
  readonly isAttempt?: boolean
  /** What the system answered, such as an HTTP status. */
  readonly status?: number | string
}

/** What besides `kind`, `reason` and `cause` is given stands in headers of the dead letter. */
export interface DeliveryRejection extends DeliverySent {
  readonly kind: 'rejected'
  readonly reason: string
  readonly cause?: unknown
  /** False: it was refused before it was sent. Default true. */
  readonly isAttempt?: boolean
  /** What the system answered, such as an HTTP status. */
  readonly status?: number | string
}

/** What an error that `deliver` rejects with may say besides `retry`, for the letters of items that it was the last attempt for. */
export interface DeliveryFailure {
  readonly status?: number | string
  /** By the index of an item in the call. A method, so that no log of the error shows data. */
  sentOf?(index: number): DeliverySent | undefined
}

/** Nothing where an error says nothing that could be used. */
export function deliveryFailureOf(error: unknown): DeliveryFailure {
  if (typeof error !== 'object' || error === null) return {}
  const { status, sentOf } = error as { readonly status?: unknown; readonly sentOf?: unknown }
  return {
    ...(typeof status === 'number' || typeof status === 'string' ? { status } : {}),
    ...(typeof sentOf === 'function'
      ? { sentOf: sentOf.bind(error) as (index: number) => DeliverySent }
      : {}),
  }
}

export interface DeliveryCall {
  readonly signal: AbortSignal
  /** Some item of the batch is urgent (`DeliverOptions.isUrgent`); true for all batches of a step without that option. */
  readonly isUrgent: boolean
}

export interface DeliveryAssignment {
  /** Partitions of the step's source topics, ascending. */
  readonly partitions: readonly number[]
  /** How many there are over all processes. */
  readonly partitionCount: number
}

/**
 * A system that takes batches. `deliver` resolves with one outcome per item, in the items' order. A rejection means that
 * nothing is known about any of them: the whole batch is sent again after the backoff (or after `error.retry.ms`), unless
 * `error.retry.kind` is `never`, which stops the application without losing anything. With `error.retry.isAttempt` false the
 * call counts towards no item's `retry.maxAttempts`: a quota was spent, say, or the system is known to be away. The letters of
 * items that are given up with it say what else it knows (`DeliveryFailure`).
 */
export interface Destination<T, M = unknown> {
  readonly name: string
  deliver(items: readonly DeliveryItem<T, M>[], call: DeliveryCall): Promise<readonly DeliveryOutcome<M>[]>
  /**
   * Whether an item may join those of its lane that are in the batch already (`before`, in order, at least one).
   * `counts`: as an item more. `merges`: into what is there, so it does not count towards `maxBatchItems`. `waits`: it
   * goes with a later batch. Default: `counts`.
   *
   * A step with a memory passes what it remembers of the lane, and asks of the lane's first item as well (`before` is empty
   * then): one that changes nothing answers `merges` and takes no place.
   */
  joins?(value: T, before: readonly T[], memory?: M): 'counts' | 'merges' | 'waits'
  /**
   * Resolves when `deliver` could send at once: a quota has room, a pause is over. Awaited before a batch is put together,
   * so that what arrives during the wait fills it and the wait is no part of the call's time. Rejects only by the signal
   * or with an error that stops the application.
   */
  whenReady?(call: DeliveryCall): Promise<void>
  /**
   * Which of the step's tasks this process has: none at the start, and then at each change. It hears of more tasks once the
   * group has given them to this process, before their first record; of fewer after the last call for them has ended, and
   * before the group may give them to another. Only where partitions were lost, or shutting down took too long, a call may
   * still be under way for them; it is not repeated.
   */
  onAssignment?(assignment: DeliveryAssignment): void
  /** Why nothing can be delivered at present, in words for an operator; undefined when all is well. Makes the application unready. */
  problem?(): string | undefined
  close?(): Promise<void>
}
