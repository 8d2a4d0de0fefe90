import type { RecordContext, RecordHeaders } from '../record.ts'
import { readHeaders, type RecordCursor } from '../wire/record-batch-reader.ts'

const NO_HEADERS: RecordHeaders = []

/** The one context object of a task: moved from record to record, so that a record costs no allocation. */
export class TaskContext implements RecordContext {
  topic = ''
  partition = 0
  offset = 0
  timestampMs = 0
  #headers: RecordHeaders | undefined = NO_HEADERS
  #cursor: RecordCursor | undefined

  /** Headers stay undecoded until somebody asks, within the call. */
  moveTo(topic: string, partition: number, cursor: RecordCursor): void {
    this.topic = topic
    this.partition = partition
    this.offset = cursor.offset
    this.timestampMs = cursor.timestampMs
    this.#cursor = cursor
    this.#headers = cursor.headerCount === 0 ? NO_HEADERS : undefined
  }

  restore(snapshot: RecordContext): void {
    this.topic = snapshot.topic
    this.partition = snapshot.partition
    this.offset = snapshot.offset
    this.timestampMs = snapshot.timestampMs
    this.#headers = snapshot.headers
  }

  get headers(): RecordHeaders {
    if (this.#headers === undefined) {
      const cursor = this.#cursor as RecordCursor
      this.#headers = readHeaders(cursor.buffer, cursor.headersStart, cursor.headerCount)
    }
    return this.#headers
  }

  /** A copy that outlives the call. */
  snapshot(): RecordContext {
    return {
      topic: this.topic,
      partition: this.partition,
      offset: this.offset,
      timestampMs: this.timestampMs,
      headers: this.headers,
    }
  }
}
