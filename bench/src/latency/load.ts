import type { JobRecords } from '../job/records.ts'
import type { TopicWriter } from '../job/topic-writer.ts'

const TICK_MS = 1

/**
 * Writes bookings at a steady rate, whatever becomes of them: a record that the producer could only send late counts from
 * when it was due, or a stall would hide the records that it holds up.
 */
export class SteadyLoad {
  readonly #records: JobRecords
  readonly #writer: TopicWriter
  readonly #msBetween: number
  readonly #startedAt = performance.now()
  readonly #timer: NodeJS.Timeout
  readonly #first: number
  #next: number

  /** Begins with booking `first`, now. */
  constructor(
    records: JobRecords,
    writer: TopicWriter,
    { recordsPerSecond, first }: { readonly recordsPerSecond: number; readonly first: number },
  ) {
    this.#records = records
    this.#writer = writer
    this.#first = first
    this.#next = first
    this.#msBetween = 1_000 / recordsPerSecond
    this.#timer = setInterval(() => this.#writeDue(), TICK_MS)
  }

  /** The first booking that is not written yet. */
  get next(): number {
    return this.#next
  }

  /** When a booking was due, on the clock of `performance.now()`. */
  dueAtMs(index: number): number {
    return this.#startedAt + (index - this.#first) * this.#msBetween
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #writeDue(): void {
    const now = performance.now()
    for (; this.dueAtMs(this.#next) <= now; this.#next += 1) {
      const booking = this.#records.booking(this.#next)
      // Not waited for: what the producer cannot send yet waits in its batch.
      void this.#writer.write(booking.customerId, booking, booking.bookedAt)
    }
    this.#writer.flush()
  }
}
