import type { RecordHeaders } from '../../record.ts'
import type { StoredRecord } from '../read-topic.ts'
import { ERROR_HEADER_PREFIXES, STREAMS_HEADERS, TRIBUTARY_HEADERS } from '../../runtime/dead-letter.ts'

/** Where the original stands, or stood. */
export interface LetterSource {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** What the headers of a dead letter say. Those of Kafka Streams lack the code and the step. */
export interface LetterFacts {
  /** Undefined when the headers do not say it: the record is no dead letter, or one of somebody else's. */
  readonly source: LetterSource | undefined
  readonly code: string
  readonly step: string
  readonly exception: string
  readonly message: string
  readonly stacktrace: string
  /** Of the original, in milliseconds since the epoch. */
  readonly timestampMs: number
  /** Bytes of the value that was left out; undefined when nothing was. */
  readonly omittedValueBytes: number | undefined
  /** Whether the key and the record's own headers were left out, too. */
  readonly isBare: boolean
  readonly originalHeaders: RecordHeaders
  /** Undefined when nothing was delivered. */
  readonly delivery: DeliveryFacts | undefined
}

/** What is said of a delivery that came to nothing; "" for what is not. */
export interface DeliveryFacts {
  readonly attempts: string
  readonly status: string
  /** As it was sent. */
  readonly sent: Buffer | undefined
  readonly omittedSentBytes: number | undefined
  /** All that became one with this one. */
  readonly records: string
  readonly recordCount: number
}

export function factsOf({ headers, timestampMs }: StoredRecord): LetterFacts {
  const texts = new Map<string, string>()
  let sent: Buffer | undefined
  const originalHeaders = headers.filter(([name, value]) => {
    if (!ERROR_HEADER_PREFIXES.some(prefix => name.startsWith(prefix))) return true
    // The last one counts: an earlier one is of an earlier failure.
    texts.set(name, value?.toString() ?? '')
    if (name === TRIBUTARY_HEADERS.sent) sent = value ?? undefined
    return false
  })
  const text = (name: string): string => texts.get(name) ?? ''
  const number = (name: string): number | undefined => {
    const value = texts.get(name)
    return value !== undefined && /^-?\d{1,16}$/.test(value) ? Number(value) : undefined
  }
  const topic = texts.get(STREAMS_HEADERS.topic)
  const partition = number(STREAMS_HEADERS.partition)
  const offset = number(STREAMS_HEADERS.offset)
  const isPlace = topic !== undefined && topic !== '' && (partition ?? -1) >= 0 && (offset ?? -1) >= 0
  return {
    source: isPlace ? { topic, partition: partition as number, offset: offset as number } : undefined,
    code: text(TRIBUTARY_HEADERS.code),
    step: text(TRIBUTARY_HEADERS.step),
    exception: text(STREAMS_HEADERS.exception),
    message: text(STREAMS_HEADERS.message),
    stacktrace: text(STREAMS_HEADERS.stacktrace),
    timestampMs: number(TRIBUTARY_HEADERS.timestamp) ?? timestampMs,
    omittedValueBytes: number(TRIBUTARY_HEADERS.valueBytes),
    isBare: texts.has(TRIBUTARY_HEADERS.headerCount),
    originalHeaders,
    delivery: texts.has(TRIBUTARY_HEADERS.attempts)
      ? {
          attempts: text(TRIBUTARY_HEADERS.attempts),
          status: text(TRIBUTARY_HEADERS.status),
          sent,
          omittedSentBytes: number(TRIBUTARY_HEADERS.sentBytes),
          records: text(TRIBUTARY_HEADERS.records),
          recordCount: number(TRIBUTARY_HEADERS.recordCount) ?? 0,
        }
      : undefined,
  }
}
