import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { CliError } from '../context.ts'

/** What brokers keep beside a committed offset by default (`offset.metadata.max.bytes`). */
const MAX_METADATA_BYTES = 4_096
const VERSION = '1:'
/** Half a billion letters: packed, it would hardly ever fit into the metadata. */
const MAX_BITMAP_BYTES = 64 * 1_048_576

export interface Progress {
  readonly offset: number
  readonly metadata: string
}

/**
 * Which letters of one partition of a dead-letter topic have been played back: everything below the committed offset, and
 * of what lies behind it whatever the bitmap in the commit's metadata says. So a selection can be played now and the rest
 * later, and still each letter once.
 */
export class PartitionProgress {
  /** Of every letter that the partition holds, ascending. */
  readonly #letters: readonly number[]
  readonly #end: number
  readonly #played: Set<number>
  /** Letters before it have all been played. */
  #low = 0
  /** The last one that has. */
  #highest = -1

  /** `end`: behind the last letter. */
  constructor(letters: readonly number[], end: number, stored: Progress | undefined) {
    this.#letters = letters
    this.#end = end
    this.#played = new Set()
    const isStored = stored === undefined ? () => false : readerOf(stored)
    this.#add(letters.filter(isStored))
  }

  isPlayed(offset: number): boolean {
    return this.#played.has(offset)
  }

  /** The progress once these have been played, too. @throws CliError when it cannot be kept */
  after(offsets: Iterable<number>): Progress {
    this.#add(offsets)
    while (this.#low < this.#letters.length && this.#played.has(this.#letters[this.#low] as number))
      this.#low += 1
    const offset = this.#letters[this.#low] ?? this.#end
    const ahead: number[] = []
    for (let i = this.#low; (this.#letters[i] ?? Number.POSITIVE_INFINITY) <= this.#highest; i += 1) {
      const letter = this.#letters[i] as number
      if (this.#played.has(letter)) ahead.push(letter)
    }
    const metadata = encode(offset, ahead)
    if (metadata !== undefined && metadata.length <= MAX_METADATA_BYTES) return { offset, metadata }
    throw new CliError(
      'What has been played back is too scattered over the dead-letter topic to be kept: play back what lies before it first, or choose by --partition and --offset.',
      1,
    )
  }

  #add(offsets: Iterable<number>): void {
    for (const offset of offsets) {
      this.#played.add(offset)
      if (offset > this.#highest) this.#highest = offset
    }
  }
}

/** Undefined when it takes too much even before it is packed. */
function encode(base: number, offsets: readonly number[]): string | undefined {
  const last = offsets.at(-1)
  if (last === undefined) return ''
  const bytes = Math.floor((last - base) / 8) + 1
  if (bytes > MAX_BITMAP_BYTES) return undefined
  const bitmap = Buffer.alloc(bytes)
  for (const offset of offsets) {
    const bit = offset - base
    bitmap[bit >> 3] = bitmap[bit >> 3]! | (1 << (bit & 7))
  }
  return `${VERSION}${deflateRawSync(bitmap).toString('base64url')}`
}

function readerOf({ offset: base, metadata }: Progress): (offset: number) => boolean {
  const bitmap = metadata === '' ? Buffer.alloc(0) : decode(metadata)
  return offset => {
    if (offset < base) return true
    const bit = offset - base
    return ((bitmap[Math.floor(bit / 8)] ?? 0) & (1 << (bit % 8))) !== 0
  }
}

function decode(metadata: string): Buffer {
  try {
    if (!metadata.startsWith(VERSION)) throw new Error('another version wrote it')
    const packed = Buffer.from(metadata.slice(VERSION.length), 'base64url')
    return inflateRawSync(packed, { maxOutputLength: MAX_BITMAP_BYTES })
  } catch (error) {
    throw new CliError(
      `The progress of earlier replays cannot be read (${(error as Error).message}); --again plays everything regardless of it.`,
      1,
      error,
    )
  }
}
