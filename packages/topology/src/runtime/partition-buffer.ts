import { Fifo } from '../fifo.ts'
import type { FetchedBatch } from '../client/ports.ts'
import { baseTimestampMs } from '../wire/batch-header.ts'
import { RecordCursor } from '../wire/record-batch-reader.ts'

/**
 * The fetched bytes of one source partition that wait to be processed, walked in place. Bounded by the task, which pauses
 * the fetcher above `maxBytes` and resumes it below half of that.
 */
export class PartitionBuffer {
  readonly cursor: RecordCursor = new RecordCursor()
  /** Told of the record that is next, and then again once so many further records have been as it answers. */
  readonly #lookAhead: ((cursor: RecordCursor) => number) | undefined
  #untilLookAhead = 0
  readonly #batches = new Fifo<FetchedBatch>()
  #current: FetchedBatch | undefined
  #bytes = 0
  #isOnRecord = false

  constructor(lookAhead?: (cursor: RecordCursor) => number) {
    this.#lookAhead = lookAhead
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Of the record that is next, or of the batch that it is in; undefined when nothing is buffered. */
  get nextTimestampMs(): number | undefined {
    if (this.#isOnRecord || this.#current !== undefined) return this.cursor.timestampMs
    for (const { records } of this.#batches) if (records.length > 0) return baseTimestampMs(records, 0)
    return undefined
  }

  push(batch: FetchedBatch): void {
    this.#batches.push(batch)
    this.#bytes += batch.records.length
  }

  /**
   * Moves the cursor to the next record unless it already stands on one that has not been consumed. False when nothing is
   * left; `onPosition` hears how far the walked responses reach, trailing markers included.
   */
  seek(onPosition: (nextOffset: number) => void): boolean {
    if (this.#isOnRecord) return true
    for (;;) {
      if (this.#current === undefined) {
        const batch = this.#batches.take()
        if (batch === undefined) return false
        this.#current = batch
        this.cursor.reset(batch.records, batch.startOffset)
      }
      if (this.cursor.next()) {
        this.#isOnRecord = true
        if (this.#lookAhead !== undefined) {
          if (this.#untilLookAhead === 0) this.#untilLookAhead = this.#lookAhead(this.cursor)
          else this.#untilLookAhead -= 1
        }
        return true
      }
      const { records, nextOffset, release } = this.#current
      this.#current = undefined
      this.#bytes -= records.length
      release?.()
      onPosition(nextOffset)
    }
  }

  /** The record under the cursor is done with. */
  consume(): void {
    this.#isOnRecord = false
  }

  /** The bytes are left to the garbage collector: a walk that this call comes out of still reads them. */
  clear(): void {
    this.#batches.clear()
    this.#current = undefined
    this.#isOnRecord = false
    this.#bytes = 0
  }
}
