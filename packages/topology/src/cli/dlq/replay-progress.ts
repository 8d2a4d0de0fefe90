import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { CliError } from '../context.ts'

/** What brokers keep beside a committed offset by default (`offset.metadata.max.bytes`). */
const MAX_METADATA_BYTES = 4_096
const VERSION = '1:'
/** Far more than any bitmap that fits into the metadata can stand for in practice. */
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

  /** `end`: behind the last letter. */
  constructor(letters: readonly number[], end: number, stored: Progress | undefined) {
    this.#letters = letters
    this.#end = end
    this.#played = new Set()
    const isStored = stored === undefined ? () => false : readerOf(stored)
    for (const offset of letters) if (isStored(offset)) this.#played.add(offset)
  }

  isPlayed(offset: number): boolean {
    return this.#played.has(offset)
  }

  /** The progress once these have been played, too. @throws CliError when it cannot be kept */
  after(offsets: Iterable<number>): Progress {
    for (const offset of offsets) this.#played.add(offset)
    while (this.#low < this.#letters.length && this.#played.has(this.#letters[this.#low] as number))
      this.#low += 1
    const offset = this.#letters[this.#low] ?? this.#end
    const ahead = this.#letters.slice(this.#low).filter(letter => this.#played.has(letter))
    const metadata = ahead.length === 0 ? '' : encode(offset, ahead)
    if (metadata.length <= MAX_METADATA_BYTES) return { offset, metadata }
    throw new CliError(
      'What has been played back is too scattered over the dead-letter topic to be kept: play back what lies before it first, or choose by --partition and --offset.',
      1,
    )
  }
}

function encode(base: number, offsets: readonly number[]): string {
  const last = offsets.at(-1) as number
  const bitmap = Buffer.alloc(Math.floor((last - base) / 8) + 1)
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
