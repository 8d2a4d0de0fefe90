import type { RawBuffer } from './compiled/raw-buffer.ts'
import { readWholeText } from './compiled/texts.ts'
import { copyRecentText, noteRecentText } from './recent-text.ts'
import { Scratch } from './scratch.ts'
import { describeValue } from './describe-value.ts'
import type { Codec, Serde, SerdeContext } from './serde.ts'
import { type CodecPlace, unreadable, unwritable } from './wire-format.ts'

type Bind<T> = (place: CodecPlace) => Codec<T>

function simpleSerde<T>(name: string, bind: Bind<T>): Serde<T> {
  return {
    name,
    open(context: SerdeContext) {
      return Promise.resolve(bind({ topic: context.topic, part: context.part, serde: name }))
    },
  }
}

/** UTF-8 text, as Kafka's StringSerializer writes it. Malformed UTF-8 reads as U+FFFD, a lone surrogate is written as such. */
export function string(): Serde<string> {
  return simpleSerde('string', place => {
    const scratch = new Scratch(256)
    return {
      isByteStable: true,
      encode(value) {
        if (typeof value !== 'string')
          throw unwritable(place, `the value is ${describeValue(value)}, a string is needed`)
        // A UTF-16 unit takes at most three bytes, so one pass is enough where the length is not known.
        const buffer = scratch.reserve(value.length * 3)
        return scratch.view(copyRecentText(value, buffer) || buffer.write(value, 0, 'utf8'))
      },
      decode(bytes, start, end) {
        const text = readWholeText(bytes as RawBuffer, start, end)
        noteRecentText(text, bytes, start, end)
        return text
      },
    }
  })
}

/** The bytes as they are. A decoded buffer is a copy of its own. */
export function bytes(): Serde<Buffer> {
  return simpleSerde('bytes', place => ({
    isByteStable: true,
    encode(value) {
      if (!(value instanceof Uint8Array))
        throw unwritable(place, `the value is ${describeValue(value)}, a Buffer is needed`)
      return value
    },
    decode(input, start, end) {
      const copy = Buffer.allocUnsafeSlow(end - start)
      input.copy(copy, 0, start, end)
      return copy
    },
  }))
}

/**
 * JSON text. `T` is the author's word, nothing checks it when reading: prefer `avro()` for topics that others write.
 * Two equal objects whose fields stand in another order have different bytes, so JSON is a poor key.
 */
export function json<T>(): Serde<T> {
  return simpleSerde<T>('json', place => {
    const scratch = new Scratch(1024)
    return {
      isByteStable: false,
      encode(value) {
        const text = toJson(value, place)
        const buffer = scratch.reserve(text.length * 3)
        return scratch.view(buffer.write(text, 0, 'utf8'))
      },
      decode(input, start, end) {
        try {
          return JSON.parse(input.toString('utf8', start, end)) as T
        } catch (cause) {
          throw unreadable(place, 'it is not JSON', { bytes: input, start, end, cause })
        }
      },
    }
  })
}

function toJson(value: unknown, place: CodecPlace): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (cause) {
    throw unwritable(place, `${describeValue(value)} has no JSON form (${(cause as Error).message})`, cause)
  }
  if (text === undefined) throw unwritable(place, `${describeValue(value)} has no JSON form`)
  return text
}

const INT32_MIN = -(2 ** 31)
const INT32_MAX = 2 ** 31 - 1

/** Four bytes, big-endian, as Kafka's IntegerSerializer writes them. */
export function int32(): Serde<number> {
  return simpleSerde('int32', place => {
    const buffer = Buffer.alloc(4)
    return {
      isByteStable: true,
      encode(value) {
        if (typeof value !== 'number' || value !== (value | 0))
          throw unwritable(
            place,
            `the value is ${describeValue(value)}, a whole number from ${INT32_MIN} to ${INT32_MAX} is needed`,
          )
        buffer.writeInt32BE(value)
        return buffer
      },
      decode(input, start, end) {
        if (end - start !== 4) throw unreadable(place, 'an int32 has 4 bytes', { bytes: input, start, end })
        return input.readInt32BE(start)
      },
    }
  })
}

const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

/** Eight bytes, big-endian, as Kafka's LongSerializer writes them. A bigint, because ids beyond 2^53 are common. */
export function int64(): Serde<bigint> {
  return simpleSerde('int64', place => {
    const buffer = Buffer.alloc(8)
    return {
      isByteStable: true,
      encode(value) {
        if (typeof value !== 'bigint' || value < INT64_MIN || value > INT64_MAX)
          throw unwritable(
            place,
            `the value is ${describeValue(value)}, a bigint from ${INT64_MIN} to ${INT64_MAX} is needed`,
          )
        buffer.writeBigInt64BE(value)
        return buffer
      },
      decode(input, start, end) {
        if (end - start !== 8) throw unreadable(place, 'an int64 has 8 bytes', { bytes: input, start, end })
        return input.readBigInt64BE(start)
      },
    }
  })
}
