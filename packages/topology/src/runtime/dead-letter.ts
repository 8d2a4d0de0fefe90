import { formatTopicPartition, type RecordContext, type RecordHeader, type RecordHeaders } from '../record.ts'

/** What a dead letter is made of: the input record as it came, and why it could not be processed. */
export interface DeadLetter {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly headers: RecordHeaders
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  /** The step that failed. */
  readonly step: string
  readonly error: unknown
  /** Where the step delivers to an outside system. */
  readonly delivery?: FailedDelivery | undefined
}

/** What is known of a delivery that has come to nothing. */
export interface FailedDelivery {
  readonly attempts: number
  /** What the system answered. */
  readonly status: string | number | undefined
  /** What the record became, as it was sent. */
  readonly sent: string | undefined
  /** All that became one with the record, itself included; empty where it was alone. */
  readonly records: readonly Pick<RecordContext, 'topic' | 'partition' | 'offset'>[]
}

/** A dead letter as it is written. */
export interface LetterForm {
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: RecordHeaders
}

/**
 * Names and encoding (UTF-8 text, numbers in decimal) as Kafka Streams 4.2 and later write them (KIP-1034,
 * `ExceptionHandlerUtils`).
 */
export const STREAMS_HEADERS = {
  exception: '__streams.errors.exception',
  message: '__streams.errors.message',
  stacktrace: '__streams.errors.stacktrace',
  topic: '__streams.errors.topic',
  partition: '__streams.errors.partition',
  offset: '__streams.errors.offset',
} as const

/** What Kafka Streams has no header for. */
export const TRIBUTARY_HEADERS = {
  code: 'tributary.errors.code',
  step: 'tributary.errors.step',
  /** The record's timestamp, where the dead-letter topic does not take it. */
  timestamp: 'tributary.errors.timestamp',
  /** How many bytes the value had, where it is left out for its size; likewise the key and the number of headers. */
  valueBytes: 'tributary.errors.value.bytes',
  keyBytes: 'tributary.errors.key.bytes',
  headerCount: 'tributary.errors.headers.count',
  /** How often delivering the record was tried, and what the system answered in the end. */
  attempts: 'tributary.errors.attempts',
  status: 'tributary.errors.status',
  /** What the record became, as it was sent, or how many bytes that had, where it is left out for its size. */
  sent: 'tributary.errors.sent',
  sentBytes: 'tributary.errors.sent.bytes',
  /** The records that became one with this one, as `topic-partition@offset,offset`, and how many they are. */
  records: 'tributary.errors.records',
  recordCount: 'tributary.errors.records.count',
} as const

/** Every header of a dead letter that the record itself did not have begins with one of these. */
export const ERROR_HEADER_PREFIXES = ['__streams.errors.', 'tributary.errors.'] as const

/** A message may quote what it was given, and that may be the whole record. */
const MAX_MESSAGE_CHARACTERS = 4_096
const MAX_STACK_CHARACTERS = 16_384
/** More than an object of any API that takes batches, and a quarter of what Kafka takes in a record by default. */
const MAX_SENT_BYTES = 131_072
/** They are in the letters of all these records. */
const MAX_RECORDS_CHARACTERS = 16_384
/** More than the headers of `errorHeaders` and `deliveryHeaders` ever need. */
export const LETTER_HEADROOM_BYTES = 262_144
const MAX_CAUSES = 5
const MAX_STATUS_CHARACTERS = 256

/** The record's own headers come first and are kept as they were. */
export function deadLetterHeaders(letter: DeadLetter): RecordHeaders {
  return [...letter.headers, ...errorHeaders(letter), ...deliveryHeaders(letter)]
}

/**
 * Ever smaller forms of the same letter: whole; without the value; without anything of the record or of what it became. What
 * is left out is told by its size, and the place of the original is in each of them.
 */
export function* letterForms(letter: DeadLetter): Generator<LetterForm> {
  const { key, value, headers } = letter
  const errors = errorHeaders(letter)
  const added = [...errors, ...deliveryHeaders(letter)]
  yield { key, value, headers: [...headers, ...added] }
  const omitted = value === null ? [] : [size(TRIBUTARY_HEADERS.valueBytes, value.length)]
  yield { key, value: null, headers: [...headers, ...added, ...omitted] }
  yield {
    key: null,
    value: null,
    headers: [
      ...errors,
      ...deliveryHeaders(letter, 0),
      ...omitted,
      ...(key === null ? [] : [size(TRIBUTARY_HEADERS.keyBytes, key.length)]),
      size(TRIBUTARY_HEADERS.headerCount, headers.length),
    ],
  }
}

function errorHeaders(letter: DeadLetter): RecordHeader[] {
  const { error } = letter
  const code =
    error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN'
  return [
    text(STREAMS_HEADERS.exception, className(thrown(error, code))),
    text(STREAMS_HEADERS.message, cut(messageWithCauses(error), MAX_MESSAGE_CHARACTERS)),
    text(STREAMS_HEADERS.stacktrace, cut(stackWithCauses(error), MAX_STACK_CHARACTERS)),
    text(STREAMS_HEADERS.topic, letter.topic),
    text(STREAMS_HEADERS.partition, String(letter.partition)),
    text(STREAMS_HEADERS.offset, String(letter.offset)),
    text(TRIBUTARY_HEADERS.code, cut(code, MAX_MESSAGE_CHARACTERS)),
    text(TRIBUTARY_HEADERS.step, cut(letter.step, MAX_MESSAGE_CHARACTERS)),
  ]
}

function deliveryHeaders({ delivery }: DeadLetter, maxSentBytes = MAX_SENT_BYTES): RecordHeader[] {
  if (delivery === undefined) return []
  const { attempts, status, sent, records } = delivery
  const headers = [text(TRIBUTARY_HEADERS.attempts, String(attempts))]
  if (status !== undefined)
    headers.push(text(TRIBUTARY_HEADERS.status, cut(String(status), MAX_STATUS_CHARACTERS)))
  if (records.length > 0) headers.push(...recordsHeaders(records))
  if (sent !== undefined) {
    const bytes = Buffer.from(sent)
    headers.push(
      bytes.length > maxSentBytes
        ? size(TRIBUTARY_HEADERS.sentBytes, bytes.length)
        : [TRIBUTARY_HEADERS.sent, bytes],
    )
  }
  return headers
}

/** Such as `orders-3@90412,90415 orders-4@7`; with a last `…` where there are too many. */
function recordsHeaders(records: FailedDelivery['records']): RecordHeader[] {
  // Of one record several items may have become one.
  const byPartition = new Map<string, Set<number>>()
  for (const { topic, partition, offset } of records) {
    const name = formatTopicPartition(topic, partition)
    const offsets = byPartition.get(name)
    if (offsets === undefined) byPartition.set(name, new Set([offset]))
    else offsets.add(offset)
  }
  const places = [...byPartition].map(([name, offsets]) => `${name}@${[...offsets].join(',')}`).join(' ')
  const count = [...byPartition.values()].reduce((sum, offsets) => sum + offsets.size, 0)
  return [text(TRIBUTARY_HEADERS.records, cutPlaces(places)), size(TRIBUTARY_HEADERS.recordCount, count)]
}

function cutPlaces(places: string): string {
  if (places.length <= MAX_RECORDS_CHARACTERS) return places
  const fits = places.slice(0, MAX_RECORDS_CHARACTERS)
  return `${fits.slice(0, Math.max(fits.lastIndexOf(','), fits.lastIndexOf(' ')))} …`
}

export function timestampHeader(timestampMs: number): RecordHeader {
  return text(TRIBUTARY_HEADERS.timestamp, String(timestampMs))
}

function size(name: string, value: number): RecordHeader {
  return text(name, String(value))
}

function text(name: string, value: string): RecordHeader {
  return [name, Buffer.from(value)]
}

function cut(value: string, maxCharacters: number): string {
  return value.length <= maxCharacters ? value : `${value.slice(0, maxCharacters)}…`
}

/** Kafka Streams names the class of what the author's function threw, not that of its wrapping. */
function thrown(error: unknown, code: string): unknown {
  return code === 'TOPOLOGY_PROCESSING_FAILED' && error instanceof Error && error.cause !== undefined
    ? error.cause
    : error
}

function className(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  // A class of an author's that sets no name still has one.
  return error.name === 'Error' ? error.constructor.name : error.name
}

function messageWithCauses(error: unknown): string {
  return chainOf(error)
    .map(part => (part instanceof Error ? part.message : String(part)))
    .join(': ')
}

/** As Java prints a stack trace. */
function stackWithCauses(error: unknown): string {
  return chainOf(error)
    .map(part => (part instanceof Error ? (part.stack ?? String(part)) : String(part)))
    .join('\nCaused by: ')
}

function chainOf(error: unknown): readonly unknown[] {
  const chain: unknown[] = [error]
  for (let current = error; current instanceof Error && chain.length < MAX_CAUSES;) {
    current = current.cause
    if (current === undefined) break
    chain.push(current)
  }
  return chain
}
