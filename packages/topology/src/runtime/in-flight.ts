import { Fifo } from '../fifo.ts'
import type { RecordHandler } from '../plan/compiled.ts'
import type { RecordContext } from '../record.ts'
import type { RecordCursor } from '../wire/record-batch-reader.ts'
import type { HeldOutputs, RecordOutputs } from './held-outputs.ts'
import type { TaskContext } from './task-context.ts'
import type { TaskSource } from './task-source.ts'

/**
 * An input record that outlives the call which processed it: an asynchronous step or a delivery has it, it waits for a row,
 * or it waits behind an earlier record with its key. It owns copies, so that nothing pins a fetched buffer (law 8).
 */
export interface InFlightRecord {
  readonly source: TaskSource
  readonly context: RecordContext
  readonly rawKey: Buffer | null
  readonly rawValue: Buffer | null
  readonly bytes: number
  /** Where outputs have to be held. */
  readonly outputs: RecordOutputs | undefined
  /** Set by the first ordered hold; a record without a key has no order to keep. */
  lane: KeyLane | undefined
  /** When it began to wait behind an earlier record with its key, by the monotonic clock; undefined if it did not. */
  readonly waitingSinceMs: number | undefined
  /** It is in the dead-letter topic: once, however many of its branches fail. */
  hasLetter: boolean
  /** Branches that still need the record; at 0 its offset is finished. */
  holds: number
  /** Those of them that later records with the key have to wait for. */
  laneHolds: number
  /** It is not finished here any more, see `giveUp`. */
  isGivenUp: boolean
}

interface WaitingRecord {
  readonly record: InFlightRecord
  readonly handler: RecordHandler
  readonly key: unknown
  readonly value: unknown
}

/** The records of one key that are in order. */
export interface KeyLane {
  readonly id: string
  readonly waiting: Fifo<WaitingRecord>
  /** Records that are in an ordered step. */
  holders: number
  isDraining: boolean
}

export interface InFlightOptions {
  readonly context: TaskContext
  readonly outputs: HeldOutputs | undefined
  /** Runs a record that had to wait, as `hold`ers expect it: with the context restored. */
  readonly run: (record: InFlightRecord, handler: RecordHandler, key: unknown, value: unknown) => void
  readonly onRelease: () => void
  readonly monotonicMs: () => number
}

/**
 * The records of a task that are under way, and the order among them (law 2): while an ordered asynchronous step has a
 * record of a key, later records with that key wait at the source, also those that would take another branch.
 */
export class InFlightRecords {
  /** The record that is being processed, once something holds it. */
  current: InFlightRecord | undefined
  /** Whether the task has an ordered step at all. */
  keepsOrder = false
  readonly #options: InFlightOptions
  readonly #lanes = new Map<string, KeyLane>()
  #onEmpty: (() => void)[] = []
  #count = 0
  #bytes = 0
  #isAbandoned = false

  constructor(options: InFlightOptions) {
    this.#options = options
  }

  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  hold(source: TaskSource, isOrdered: boolean): InFlightRecord {
    this.current ??= this.#capture(source)
    const record = this.current
    record.holds += 1
    if (isOrdered && record.rawKey !== null) {
      record.lane ??= this.#laneOf(record.rawKey)
      if (record.laneHolds === 0) record.lane.holders += 1
      record.laneHolds += 1
    }
    return record
  }

  release(record: InFlightRecord, isOrdered: boolean): void {
    if (this.#isAbandoned) return
    if (isOrdered && record.lane !== undefined) {
      record.laneHolds -= 1
      if (record.laneHolds === 0) {
        record.lane.holders -= 1
        this.#drain(record.lane)
        // What waited may have failed the task.
        if (this.#isAbandoned) return
      }
    }
    record.holds -= 1
    if (record.holds > 0) {
      // The step that had it may have been full.
      this.#options.onRelease()
      return
    }
    record.source.tracker.release(record.context.offset)
    this.#count -= 1
    this.#bytes -= record.bytes
    if (record.outputs !== undefined) this.#options.outputs?.release(record.outputs)
    if (this.#count === 0) this.#notifyEmpty()
    this.#options.onRelease()
  }

  /** True when an earlier record with the key of the source's current record is in an ordered step: this one waits. */
  waitIfOrdered(source: TaskSource, handler: RecordHandler, key: unknown, value: unknown): boolean {
    if (this.#lanes.size === 0) return false
    const { cursor } = source.buffer
    if (cursor.keyStart < 0) return false
    const lane = this.#lanes.get(cursor.buffer.toString('latin1', cursor.keyStart, cursor.keyEnd))
    if (lane === undefined) return false
    const record = this.#capture(source, this.#options.monotonicMs())
    record.holds = 1
    lane.waiting.push({ record, handler, key, value })
    return true
  }

  /** Resolves when nothing is under way; rejects when the signal aborts first. */
  whenEmpty(signal: AbortSignal): Promise<void> {
    if (this.#count === 0) return Promise.resolve()
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason as Error)
        return
      }
      const onAbort = (): void => reject(signal.reason as Error)
      signal.addEventListener('abort', onAbort, { once: true })
      this.#onEmpty.push(() => {
        signal.removeEventListener('abort', onAbort)
        resolve()
      })
    })
  }

  /**
   * Nobody waits any more for this record to be finished, nor for those behind it in its lane: a hold of it is never
   * released. So its offset, and with it the later ones of its partition, stay uncommitted.
   */
  giveUp(record: InFlightRecord): void {
    this.#giveUp(record)
    const waiting = record.lane?.waiting
    for (let next = waiting?.take(); next !== undefined; next = waiting?.take()) this.#giveUp(next.record)
    if (this.#count === 0) this.#notifyEmpty()
  }

  /** Forgets everything; late releases are ignored, so the offsets stay uncommitted. */
  abandon(): void {
    this.#isAbandoned = true
    this.#lanes.clear()
    this.#count = 0
    this.#bytes = 0
    this.#notifyEmpty()
  }

  #giveUp(record: InFlightRecord): void {
    if (record.isGivenUp || this.#isAbandoned) return
    record.isGivenUp = true
    this.#count -= 1
    this.#bytes -= record.bytes
  }

  #capture(source: TaskSource, waitingSinceMs?: number): InFlightRecord {
    const { cursor } = source.buffer
    const rawKey = copyOf(cursor, cursor.keyStart, cursor.keyEnd)
    const rawValue = copyOf(cursor, cursor.valueStart, cursor.valueEnd)
    const context = this.#options.context.snapshot()
    const bytes = (rawKey?.length ?? 0) + (rawValue?.length ?? 0) + headerBytes(context)
    source.tracker.hold(context.offset, context.timestampMs)
    this.#count += 1
    this.#bytes += bytes
    return {
      source,
      context,
      rawKey,
      rawValue,
      bytes,
      outputs: this.#options.outputs?.hold(),
      lane: undefined,
      waitingSinceMs,
      hasLetter: false,
      holds: 0,
      laneHolds: 0,
      isGivenUp: false,
    }
  }

  #laneOf(rawKey: Buffer): KeyLane {
    const id = rawKey.toString('latin1')
    let lane = this.#lanes.get(id)
    if (lane === undefined) {
      lane = { id, waiting: new Fifo(), holders: 0, isDraining: false }
      this.#lanes.set(id, lane)
    }
    return lane
  }

  /** Runs what waited, until one of them enters an ordered step again. */
  #drain(lane: KeyLane): void {
    if (lane.isDraining) return
    lane.isDraining = true
    while (lane.holders === 0 && !this.#isAbandoned) {
      const next = lane.waiting.take()
      if (next === undefined) {
        this.#lanes.delete(lane.id)
        break
      }
      this.#options.run(next.record, next.handler, next.key, next.value)
      this.release(next.record, false)
    }
    lane.isDraining = false
  }

  #notifyEmpty(): void {
    const waiting = this.#onEmpty
    this.#onEmpty = []
    for (const resolve of waiting) resolve()
  }
}

function headerBytes({ headers }: RecordContext): number {
  let bytes = 0
  for (const [name, value] of headers) bytes += name.length + (value?.length ?? 0)
  return bytes
}

function copyOf(cursor: RecordCursor, start: number, end: number): Buffer | null {
  return start < 0 ? null : Buffer.from(cursor.buffer.subarray(start, end))
}
