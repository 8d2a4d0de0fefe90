import type { FetchedBatch } from '../../client/ports.ts'
import { TopologyError } from '../../errors.ts'
import { formatTopicPartition } from '../../record.ts'
import { SchemaNotLoaded } from '../../serde/serde.ts'
import { readHeaders, type RecordCursor } from '../../wire/record-batch-reader.ts'
import type { DeadLetter } from '../dead-letter.ts'
import { PartitionBuffer } from '../partition-buffer.ts'
import { persist, type Persistence } from './persist.ts'
import type { TableRows } from './table-rows.ts'
import type { MalformedRowPolicy } from './tables.ts'

export interface RowApplierOptions {
  readonly table: string
  readonly topic: string
  readonly partition: number
  readonly onMalformedRow: MalformedRowPolicy
  readonly deadLetter: (letter: DeadLetter) => Promise<void>
  readonly persistence: Persistence
  /** All records of a response have been applied. */
  readonly onApplied: (nextOffset: number) => void
  /** A record that had to wait need not wait any longer: `work` can go on. */
  readonly onUnblocked: () => void
  /** Nothing more can be applied. */
  readonly onFailure: (error: TopologyError) => void
}

/** Between two looks at the clock at most so many records, and hardly more than so many bytes, are applied. */
const RECORDS_PER_LOOK = 32
const BYTES_PER_LOOK = 64 * 1024

/** What makes the registry's answer the record's own fault, and not that of the registry. */
const RECORD_FAULTS: ReadonlySet<string> = new Set([
  'TOPOLOGY_SCHEMA_UNKNOWN',
  'TOPOLOGY_SCHEMA_INCOMPATIBLE',
])

/**
 * Applies the fetched records of one partition to its rows, in their order and in slices. A record that cannot go on (its
 * schema is being fetched, the dead-letter topic has not acknowledged it) holds up those behind it, for as long as it
 * takes.
 */
export class RowApplier {
  malformed = 0
  readonly #options: RowApplierOptions
  #rows: TableRows
  #buffer: PartitionBuffer
  #isBlocked = false
  /** Whether `work` has anything to do, now or once it is unblocked. */
  #isIdle = true

  constructor(rows: TableRows, options: RowApplierOptions) {
    this.#rows = rows
    this.#buffer = new PartitionBuffer(rows.lookAhead)
    this.#options = options
  }

  get waitingBytes(): number {
    return this.#buffer.bytes
  }

  get isIdle(): boolean {
    return this.#isIdle
  }

  push(batch: FetchedBatch): void {
    this.#buffer.push(batch)
    this.#isIdle = false
  }

  /** Forgets what waits, and applies what is pushed from now on to other rows. */
  restart(rows: TableRows): void {
    // Emptied, which ends a walk that this call comes out of; and replaced, so that whoever waits for its record sees it.
    this.#buffer.clear()
    this.#buffer = new PartitionBuffer(rows.lookAhead)
    this.#rows = rows
    this.#isBlocked = false
    this.#isIdle = true
  }

  /** Whether there is more to do at once. */
  work(hasTime: () => boolean): boolean {
    if (this.#isBlocked) return false
    const buffer = this.#buffer
    try {
      let records = 0
      let bytes = 0
      while (buffer.seek(this.#options.onApplied)) {
        if (!this.#apply(buffer)) return false
        buffer.consume()
        records += 1
        bytes += Math.max(0, buffer.cursor.valueEnd - buffer.cursor.valueStart)
        if (records < RECORDS_PER_LOOK && bytes < BYTES_PER_LOOK) continue
        if (!hasTime()) return buffer === this.#buffer
        records = 0
        bytes = 0
      }
    } catch (error) {
      this.#fail(error, `at offset ${buffer.cursor.offset}`)
      return false
    }
    if (buffer === this.#buffer) this.#isIdle = true
    return false
  }

  /** False when the record has to wait. */
  #apply(buffer: PartitionBuffer): boolean {
    try {
      this.#rows.apply(buffer.cursor)
      return true
    } catch (error) {
      if (TopologyError.is(error) && error.code === 'TOPOLOGY_TABLE_FAILED') throw error
      if (!(error instanceof SchemaNotLoaded)) return this.#giveUp(buffer, error)
      void this.#block(buffer, () => this.#loadSchema(buffer, error))
      return false
    }
  }

  /** True when the record has been fetched a schema and is to be applied again, false when it is done with. */
  async #loadSchema(buffer: PartitionBuffer, missing: SchemaNotLoaded): Promise<'again' | 'done'> {
    try {
      await persist(missing.load, this.#options.persistence)
      return 'again'
    } catch (error) {
      if (!TopologyError.is(error) || !RECORD_FAULTS.has(error.code)) throw error
      if (buffer !== this.#buffer) return 'done'
      const letter = this.#reject(buffer.cursor, error)
      if (letter !== undefined) await this.#send(letter)
      return 'done'
    }
  }

  /** False when the record has to wait. */
  #giveUp(buffer: PartitionBuffer, error: unknown): boolean {
    const letter = this.#reject(buffer.cursor, error)
    if (letter === undefined) return true
    void this.#block(buffer, async () => {
      await this.#send(letter)
      return 'done'
    })
    return false
  }

  async #block(buffer: PartitionBuffer, wait: () => Promise<'again' | 'done'>): Promise<void> {
    this.#isBlocked = true
    try {
      const outcome = await wait()
      if (buffer !== this.#buffer) return
      if (outcome === 'done') buffer.consume()
      this.#isBlocked = false
      this.#options.onUnblocked()
    } catch (error) {
      if (buffer === this.#buffer) this.#fail(error, `at offset ${buffer.cursor.offset}`)
    }
  }

  /** The dead letter of a malformed record, or undefined where it is skipped. */
  #reject(cursor: RecordCursor, error: unknown): DeadLetter | undefined {
    const { table, topic, partition, onMalformedRow } = this.#options
    this.malformed += 1
    this.#rows.refuse(cursor)
    switch (onMalformedRow) {
      case 'skip':
        return undefined
      case 'fail':
        throw error
      case 'dead-letter': {
        const { buffer, keyStart, keyEnd, valueStart, valueEnd } = cursor
        return {
          topic,
          partition,
          offset: cursor.offset,
          timestampMs: cursor.timestampMs,
          headers: readHeaders(buffer, cursor.headersStart, cursor.headerCount),
          key: keyStart < 0 ? null : Buffer.from(buffer.subarray(keyStart, keyEnd)),
          value: valueStart < 0 ? null : Buffer.from(buffer.subarray(valueStart, valueEnd)),
          step: table,
          error,
        }
      }
    }
  }

  #send(letter: DeadLetter): Promise<void> {
    return persist(() => this.#options.deadLetter(letter), this.#options.persistence)
  }

  #fail(cause: unknown, where: string): void {
    if (this.#options.persistence.signal.aborted) return
    const { table, topic, partition, onFailure } = this.#options
    onFailure(
      tableFailed(cause, `Table "${table}" cannot apply ${formatTopicPartition(topic, partition)} ${where}`),
    )
  }
}

/** `cause` as the failure of a table; one that is that already stays as it is. */
export function tableFailed(cause: unknown, what: string): TopologyError {
  if (TopologyError.is(cause) && cause.code === 'TOPOLOGY_TABLE_FAILED') return cause
  const why = cause instanceof Error ? cause.message : String(cause)
  return new TopologyError('TOPOLOGY_TABLE_FAILED', `${what}: ${why}`, { cause })
}
