import { createSlabTableStore } from '../../state/slab-table-store.ts'
import { MOST_WARMED, type RowBytes, type TableStore } from '../../state/table-store.ts'
import type { Codec } from '../../serde/serde.ts'
import { partitionForKey } from '../../wire/murmur2.ts'
import type { RecordCursor } from '../../wire/record-batch-reader.ts'
import type { RowWatches } from './row-watches.ts'

export interface TableCodecs {
  readonly key: Codec<unknown>
  readonly value: Codec<unknown>
}

/** What is known of how a topic's keys are spread, by all of its partitions together. */
export interface KeyPlacement {
  readonly partitions: number
  /** Rows on another partition than Java's murmur2 gives their key. */
  misplaced: number
}

/** What the partitions of one table have in common. */
export interface TableParts {
  readonly codecs: TableCodecs
  readonly placement: KeyPlacement
  readonly watches: RowWatches
  /** A task's own rows: they lie where it is, whatever their key. */
  readonly isMemory: boolean
}

/** How rows are kept, where that is another form than their records have. A memory is written in the form of its records. */
export function keptForm({ codecs, isMemory }: TableParts): Codec<unknown>['kept'] {
  return isMemory ? undefined : codecs.value.kept
}

const EMPTY = Buffer.alloc(0)
const keysAhead = { starts: new Int32Array(MOST_WARMED), ends: new Int32Array(MOST_WARMED) }

/**
 * The rows of one table partition, as its records make them: the last record of a key is its row, older timestamps
 * included, and a null value deletes it. Rows stay encoded; each value is read once on its way in, so that a row that
 * nobody can read is found now and not in the middle of a join, and so that the schemas of all rows are loaded. Where only
 * some of its fields are read, it is kept without the others: shorter rows are fewer misses of the processor's caches.
 */
export class TableRows {
  readonly store: TableStore = createSlabTableStore()
  nullKeys = 0
  misplaced = 0
  readonly #codecs: TableCodecs
  readonly #placement: KeyPlacement
  readonly #watches: RowWatches
  readonly #partition: number
  readonly #isMemory: boolean
  readonly #kept: Codec<unknown>['kept']
  /** What is put, of every record anew. */
  readonly #row: { -readonly [Field in keyof RowBytes]: RowBytes[Field] } = {
    keyBytes: EMPTY,
    keyStart: 0,
    keyEnd: 0,
    valueBytes: EMPTY,
    valueStart: 0,
    valueEnd: 0,
  }

  constructor(table: TableParts, partition: number) {
    this.#codecs = table.codecs
    this.#kept = keptForm(table)
    this.#placement = table.placement
    this.#watches = table.watches
    this.#partition = partition
    this.#isMemory = table.isMemory
  }

  /** Brings the places of the records behind the cursor into the processor's caches, and answers how many they are. */
  get lookAhead(): ((cursor: RecordCursor) => number) | undefined {
    if (!this.#codecs.key.isByteStable) return undefined
    return cursor => {
      const count = cursor.keysAhead(keysAhead.starts, keysAhead.ends)
      this.store.warm(cursor.buffer, keysAhead, count)
      return count
    }
  }

  /**
   * Applies the record under the cursor.
   * @throws SchemaNotLoaded, or whatever a codec throws for bytes that it cannot read; the rows are then unchanged.
   */
  apply(cursor: RecordCursor): void {
    const { buffer, keyStart, keyEnd, valueStart, valueEnd } = cursor
    if (keyStart < 0) {
      this.nullKeys += 1
      return
    }
    if (valueStart < 0) {
      this.store.delete(this.#tableKey(buffer, keyStart, keyEnd))
      return
    }
    this.#placeValue(buffer, valueStart, valueEnd)
    this.#placeKey(buffer, keyStart, keyEnd)
    if (
      !this.#isMemory &&
      partitionForKey(buffer, keyStart, keyEnd, this.#placement.partitions) !== this.#partition
    ) {
      this.misplaced += 1
      this.#placement.misplaced += 1
    }
    this.store.putRow(this.#row)
    if (this.#watches.isWatched) this.#watches.put(this.#tableKey(buffer, keyStart, keyEnd))
  }

  /**
   * The record under the cursor cannot be read. A table keeps the row that was there before; a memory may not, for that is no
   * longer what happened last.
   */
  refuse({ buffer, keyStart, keyEnd }: RecordCursor): void {
    if (!this.#isMemory || keyStart < 0) return
    try {
      this.store.delete(this.#tableKey(buffer, keyStart, keyEnd))
    } catch {
      // A key that cannot be read is no row's.
    }
  }

  /** Where another form of a value is kept, it is made of the value; else it is only seen whether it can be read. */
  #placeValue(buffer: Buffer, start: number, end: number): void {
    const codec = this.#codecs.value
    const row = this.#row
    if (this.#kept !== undefined) {
      row.valueBytes = this.#kept.encode(codec.decode(buffer, start, end))
      row.valueStart = 0
      row.valueEnd = row.valueBytes.length
      return
    }
    if (codec.check === undefined) codec.decode(buffer, start, end)
    else codec.check(buffer, start, end)
    row.valueBytes = buffer
    row.valueStart = start
    row.valueEnd = end
  }

  #placeKey(buffer: Buffer, start: number, end: number): void {
    const row = this.#row
    if (this.#codecs.key.isByteStable) {
      row.keyBytes = buffer
      row.keyStart = start
      row.keyEnd = end
      return
    }
    row.keyBytes = this.#tableKey(buffer, start, end)
    row.keyStart = 0
    row.keyEnd = row.keyBytes.length
  }

  /** The key as a reader encodes it: bytes that carry a schema id differ between versions of the schema. */
  #tableKey(buffer: Buffer, start: number, end: number): Uint8Array {
    const codec = this.#codecs.key
    return codec.isByteStable ? buffer.subarray(start, end) : codec.encode(codec.decode(buffer, start, end))
  }
}
