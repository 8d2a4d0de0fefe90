import { SchemaNotLoaded } from '../../serde/serde.ts'
import type { TableStore } from '../../state/table-store.ts'
import type { TableCodecs } from '../tables/table-rows.ts'

/** The rows that one task remembers for one `deliver` step, and writes itself. */
export interface MemoryRows {
  readonly topic: string
  readonly codecs: TableCodecs
  /** Throws before the rows are restored, and once they are given up. */
  store(): TableStore
}

/**
 * What a task remembers of the lanes of one `deliver` step. Rows are in memory, and each change is also an output of the
 * input record that caused it: it is in the topic before the record's offset is committed, and with exactly-once together
 * with it.
 */
export class LaneMemory {
  readonly #rows: MemoryRows
  readonly #write: (key: Uint8Array, value: Uint8Array | null) => void

  /** @param write puts a row, or a tombstone, into the task's partition of the topic. Nothing is written when it throws. */
  constructor(rows: MemoryRows, write: (key: Uint8Array, value: Uint8Array | null) => void) {
    this.#rows = rows
    this.#write = write
  }

  /** Undefined where nothing is remembered. */
  recall(laneKey: string): unknown {
    const { codecs } = this.#rows
    const store = this.#rows.store()
    const key = codecs.key.encode(laneKey)
    if (!store.find(key, 0, key.length)) return undefined
    try {
      return codecs.value.decode(store.valueBuffer, store.valueStart, store.valueEnd)
    } catch (error) {
      if (!(error instanceof SchemaNotLoaded)) throw error
      // Written by this process with a schema that is not the latest of its subject. Nothing is remembered until it is there.
      void error.load().catch(() => undefined)
      return undefined
    }
  }

  /**
   * From now on this is remembered of the lane; null: nothing.
   * @throws what the serdes and the output refuse. The lane is forgotten then: what it remembered is no longer true.
   */
  remember(laneKey: string, value: unknown): void {
    const { codecs } = this.#rows
    if (value === null) {
      this.#forget(laneKey)
      return
    }
    try {
      const key = codecs.key.encode(laneKey)
      const row = codecs.value.encode(value)
      this.#write(key, row)
      this.#rows.store().put(key, row)
    } catch (error) {
      this.#forget(laneKey)
      throw error
    }
  }

  #forget(laneKey: string): void {
    const key = this.#rows.codecs.key.encode(laneKey)
    this.#write(key, null)
    this.#rows.store().delete(key)
  }
}
