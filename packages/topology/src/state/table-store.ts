/**
 * The rows of one table partition (or of a whole global table) as bytes, keyed by bytes. The property tests hold
 * every implementation against a `Map`.
 *
 * A lookup leaves its answer in the cursor fields instead of allocating; they are valid until the next call of any method.
 */
export interface TableStore {
  readonly rows: number
  /** All memory that the store holds, garbage not yet reclaimed included. */
  readonly bytes: number
  /** Copies both. An existing row is replaced. */
  put(key: Uint8Array, value: Uint8Array): void
  /** Whether there was a row. */
  delete(key: Uint8Array): boolean
  /** Finds the row of `bytes[start, end)`; true leaves it in `valueBuffer[valueStart, valueEnd)`. */
  find(bytes: Uint8Array, start: number, end: number): boolean
  readonly valueBuffer: Buffer
  readonly valueStart: number
  readonly valueEnd: number
  /** Every row once, in no order, as copies. Not to be mixed with changes. */
  entries(): IterableIterator<readonly [key: Buffer, value: Buffer]>
  clear(): void
}
