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
  /** As `put`, of bytes where they stand: a view that is made for one call costs more than copying what it shows. */
  putRow(row: RowBytes): void
  /** Whether there was a row. */
  delete(key: Uint8Array): boolean
  /** Finds the row of `bytes[start, end)`; true leaves it in `valueBuffer[valueStart, valueEnd)`. */
  find(bytes: Uint8Array, start: number, end: number): boolean
  /**
   * These keys, `bytes[starts[i], ends[i])`, will be asked for soon: brings their rows into the processor's caches. At most
   * MOST_WARMED of them. Changes nothing, and keys that are not there do no harm.
   */
  warm(bytes: Uint8Array, keys: KeyPlaces, count: number): void
  readonly valueBuffer: Buffer
  readonly valueStart: number
  readonly valueEnd: number
  /** Every row once, in no order, as copies. Not to be mixed with changes. */
  entries(): IterableIterator<readonly [key: Buffer, value: Buffer]>
  clear(): void
}

/** A row where it stands: its key and its value in a buffer each, which may be the same. */
export interface RowBytes {
  readonly keyBytes: Uint8Array
  readonly keyStart: number
  readonly keyEnd: number
  readonly valueBytes: Uint8Array
  readonly valueStart: number
  readonly valueEnd: number
}

export function rowOf(key: Uint8Array, value: Uint8Array): RowBytes {
  return {
    keyBytes: key,
    keyStart: 0,
    keyEnd: key.length,
    valueBytes: value,
    valueStart: 0,
    valueEnd: value.length,
  }
}

/** Where keys stand in a buffer. */
export interface KeyPlaces {
  readonly starts: Int32Array
  readonly ends: Int32Array
}

/** So many that their rows do not push each other out of the caches again, and enough that the processor waits for several at once. */
export const MOST_WARMED = 32
