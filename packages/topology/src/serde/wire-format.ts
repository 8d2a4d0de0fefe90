import { TopologyError } from '../errors.ts'

/** Magic byte 0, then the schema's id as a big-endian 32-bit integer: the frame that Confluent's serializers write. */
export const FRAME_BYTES = 5

const EXCERPT_BYTES = 24

/** Where a codec's bytes belong, for messages: `the value of bookings (avro:com.example.Booking)`. */
export interface CodecPlace {
  readonly topic: string
  readonly part: 'key' | 'value'
  readonly serde: string
}

export function describePlace(place: CodecPlace): string {
  return `the ${place.part} of ${place.topic} (${place.serde})`
}

/** The first bytes of a malformed record, in hexadecimal, and how many there are. */
export function hexExcerpt(bytes: Buffer, start: number, end: number): string {
  const length = end - start
  if (length <= 0) return '0 bytes'
  const shown = bytes.subarray(start, Math.min(end, start + EXCERPT_BYTES))
  const hex = shown.toString('hex').replace(/..(?!$)/g, '$& ')
  return `${length} byte${length === 1 ? '' : 's'}: ${hex}${length > EXCERPT_BYTES ? ' …' : ''}`
}

/** The error for bytes that can never be read: what failed, where, why, and the bytes as seen. */
export function unreadable(
  place: CodecPlace,
  reason: string,
  seen: { readonly bytes: Buffer; readonly start: number; readonly end: number; readonly cause?: unknown },
): TopologyError {
  return new TopologyError(
    'TOPOLOGY_DESERIALIZATION_FAILED',
    `Cannot read ${describePlace(place)}: ${reason}; seen ${hexExcerpt(seen.bytes, seen.start, seen.end)}`,
    { cause: seen.cause },
  )
}

/** The error for a value that its serde does not take. */
export function unwritable(place: CodecPlace, reason: string, cause?: unknown): TopologyError {
  return new TopologyError(
    'TOPOLOGY_SERIALIZATION_FAILED',
    `Cannot write ${describePlace(place)}: ${reason}`,
    { cause },
  )
}
