import { Fifo } from '../fifo.ts'
import type { DeadLetter } from './dead-letter.ts'
import type { OutputMetadata, Outputs, RecordCollector } from './record-collector.ts'
import type { TaskSource } from './task-source.ts'

/** What a record has caused so far, and whether it may still cause more. */
export interface RecordOutputs {
  readonly source: TaskSource
  readonly offset: number
  readonly writes: ((collector: RecordCollector) => void)[]
  bytes: number
  isWaiting: boolean
  /** The call that processes the record, and what holds it beyond that call. */
  pending: number
}

export interface HeldOutputsOptions {
  readonly collector: RecordCollector
  readonly maxRecords: number
  readonly maxBytes: number
}

/**
 * Makes the collector hold, at any moment, exactly the outputs of the records below the committable offsets: that is what a
 * transaction has to consist of. A record's outputs go to the collector when the record and every earlier one of its task
 * are finished, in that order; until then they wait here, and the record's offset is held. So a call that hangs delays
 * offsets and never a commit.
 *
 * Where no step of the task outlives its call, nothing ever has to wait, and outputs go straight through.
 */
export class HeldOutputs implements Outputs {
  readonly #options: HeldOutputsOptions
  /** In the order in which the task has processed them. */
  readonly #waiting = new Fifo<RecordOutputs>()
  #current: RecordOutputs | undefined
  #isNeeded = false
  #bytes = 0

  constructor(options: HeldOutputsOptions) {
    this.#options = options
  }

  /** The task has a step that a record can outlive its call in. */
  need(): void {
    this.#isNeeded = true
  }

  /** The task stops reading while this holds. */
  get isFull(): boolean {
    const { maxRecords, maxBytes } = this.#options
    return this.#waiting.length >= maxRecords || this.#bytes >= maxBytes
  }

  append(topic: string, key: Uint8Array | null, value: Uint8Array | null, metadata: OutputMetadata): void {
    const { collector } = this.#options
    const current = this.#current
    if (current === undefined) {
      collector.append(topic, key, value, metadata)
      return
    }
    collector.check(topic, key, value, metadata)
    // The codecs and the context reuse what they hand out.
    const keyCopy = copyOf(key)
    const valueCopy = copyOf(value)
    const { timestampMs, headers, toPartition } = metadata
    const kept = toPartition === undefined ? { timestampMs, headers } : { timestampMs, headers, toPartition }
    current.writes.push(to => to.append(topic, keyCopy, valueCopy, kept))
    this.#grew(current, key, value)
  }

  appendDeadLetter(topic: string, letter: DeadLetter): void {
    const { collector } = this.#options
    const current = this.#current
    if (current === undefined) {
      collector.appendDeadLetter(topic, letter)
      return
    }
    const kept = { ...letter, key: copyOf(letter.key), value: copyOf(letter.value) }
    current.writes.push(to => to.appendDeadLetter(topic, kept))
    this.#grew(current, letter.key, letter.value)
  }

  /** A record goes into the chain. */
  begin(source: TaskSource, offset: number): void {
    if (this.#isNeeded) this.#current = { source, offset, writes: [], bytes: 0, isWaiting: false, pending: 1 }
  }

  /** The call is over. What still holds the record has said so by `hold`. */
  end(): void {
    const outputs = this.#current
    this.#current = undefined
    if (outputs === undefined) return
    outputs.pending -= 1
    const isFinished = outputs.pending === 0
    if (isFinished && outputs.writes.length === 0) return
    if (isFinished && this.#waiting.length === 0) {
      this.#write(outputs)
      return
    }
    outputs.source.tracker.hold(outputs.offset, outputs.source.buffer.cursor.timestampMs)
    outputs.isWaiting = true
    this.#waiting.push(outputs)
    this.#bytes += outputs.bytes
  }

  /** The record in the chain outlives the call. */
  hold(): RecordOutputs | undefined {
    if (this.#current !== undefined) this.#current.pending += 1
    return this.#current
  }

  /** A held record goes on, or with `undefined` has gone as far as it gets for now. Returns what was current before. */
  resume(outputs: RecordOutputs | undefined): RecordOutputs | undefined {
    const previous = this.#current
    this.#current = outputs
    return previous
  }

  /** Nothing holds the record any more. */
  release(outputs: RecordOutputs): void {
    outputs.pending -= 1
    for (let first = this.#waiting.peek(); first?.pending === 0; first = this.#waiting.peek()) {
      this.#waiting.take()
      this.#bytes -= first.bytes
      this.#write(first)
      first.source.tracker.release(first.offset)
    }
  }

  #grew(outputs: RecordOutputs, key: Uint8Array | null, value: Uint8Array | null): void {
    const bytes = (key?.length ?? 0) + (value?.length ?? 0)
    outputs.bytes += bytes
    if (outputs.isWaiting) this.#bytes += bytes
  }

  #write({ writes }: RecordOutputs): void {
    for (const write of writes) write(this.#options.collector)
  }
}

function copyOf(bytes: Uint8Array | null): Uint8Array | null {
  return bytes === null ? null : Buffer.from(bytes)
}
