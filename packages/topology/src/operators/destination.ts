import type { RecordContext } from '../record.ts'

/** One record on its way to an outside system. `context` is a copy and may be kept. */
export interface DeliveryItem<T> {
  readonly key: unknown
  readonly value: T
  readonly context: RecordContext
  /** How often the item has been sent before. */
  readonly attempts: number
}

/** What became of one item. */
export type DeliveryOutcome =
  | { readonly kind: 'accepted' }
  /**
   * Sent again, ahead of anything with the same lane key that has not been sent. Without `afterMs` the step's backoff
   * decides. Items of the lane that came later in the same batch and were accepted have overtaken it: a destination that
   * applies a batch in order answers `retry` for those too.
   */
  | { readonly kind: 'retry'; readonly afterMs?: number; readonly cause?: unknown }
  /** Goes to the dead-letter topic: no retry can mend it. */
  | { readonly kind: 'rejected'; readonly reason: string; readonly cause?: unknown }

/**
 * A system that takes batches. `deliver` resolves with one outcome per item, in the items' order. A rejection means that
 * nothing is known about any of them: the whole batch is sent again after the backoff (or after `error.retry.ms`), unless
 * `error.retry.kind` is `never`, which stops the application without losing anything.
 */
export interface Destination<T> {
  readonly name: string
  deliver(
    items: readonly DeliveryItem<T>[],
    options: { readonly signal: AbortSignal },
  ): Promise<readonly DeliveryOutcome[]>
  /**
   * Resolves when `deliver` could send at once: a quota has room, a pause is over. Awaited before a batch is put together,
   * so that what arrives during the wait fills it and the wait is no part of the call's time. Rejects only by the signal
   * or with an error that stops the application.
   */
  whenReady?(options: { readonly signal: AbortSignal }): Promise<void>
  close?(): Promise<void>
}
