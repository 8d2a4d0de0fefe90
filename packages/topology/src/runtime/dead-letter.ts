import type { RecordHeader, RecordHeaders } from '../record.ts'

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
}

/**
 * The header names are those that Kafka Streams 4.2 and later write (KIP-1034), values are UTF-8 text; the last two are
 * ours. The record's own headers come first and are kept as they were.
 */
export function deadLetterHeaders(letter: DeadLetter): RecordHeaders {
  const { error } = letter
  const isError = error instanceof Error
  const code = isError && 'code' in error && typeof error.code === 'string' ? error.code : 'UNKNOWN'
  return [
    ...letter.headers,
    text('__streams.errors.exception', isError ? error.name : typeof error),
    text('__streams.errors.message', isError ? messageWithCauses(error) : String(error)),
    text('__streams.errors.stacktrace', (isError ? error.stack : undefined) ?? ''),
    text('__streams.errors.topic', letter.topic),
    text('__streams.errors.partition', String(letter.partition)),
    text('__streams.errors.offset', String(letter.offset)),
    text('tributary.errors.code', code),
    text('tributary.errors.step', letter.step),
  ]
}

function text(name: string, value: string): RecordHeader {
  return [name, Buffer.from(value)]
}

function messageWithCauses(error: Error): string {
  const parts: string[] = []
  let current: unknown = error
  for (let depth = 0; depth < 5 && current instanceof Error; depth += 1) {
    parts.push(current.message)
    current = current.cause
  }
  return parts.join(': ')
}
