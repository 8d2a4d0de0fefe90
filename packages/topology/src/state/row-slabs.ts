import { TopologyError } from '../errors.ts'
import type { RowBytes } from './table-store.ts'

/*
 * Encoded rows, one after another in large buffers of their own, where the garbage collector neither scans nor moves them.
 *
 * A row is an 8-byte header (length of the key, length of the value), the key, the value, and padding to 8 bytes. A hole
 * (a deleted row, or what a shorter value left over) has -1 as its key length and its whole size as its value length, so
 * that a slab can always be walked. A location is a slab number and an offset in units of 8 bytes, packed into 32 bits;
 * 0 is no location.
 */

const UNIT_BITS = 15
const UNIT_MASK = (1 << UNIT_BITS) - 1
const MAX_SLABS = 1 << (32 - UNIT_BITS)
/** As far as the unit bits reach: 256 KiB. Evacuating one takes about a millisecond. */
const SLAB_BYTES = 8 << UNIT_BITS
/** The first slab; each next one doubles, so that a small table stays small. */
const FIRST_SLAB_BYTES = 32 * 1024
/** A longer row gets a slab of its own size: what a slab leaves unused at its end stays below an eighth. */
const MAX_SHARED_ROW_BYTES = FIRST_SLAB_BYTES
const HEADER_BYTES = 8
/** In less than this a spare slab would be a good part of all. */
const BYTES_WITH_A_SPARE = 8 * SLAB_BYTES
const HOLE = -1
/** A row is looked at once in each of its first three lines of the processor's cache: a short one takes no more than two. */
const LINE_WORDS = 16
const LONGEST_LOOPED = 24
const NO_SLAB = 0
const EMPTY = Buffer.alloc(0)
const EMPTY_WORDS = new Int32Array(0)

/** Where the rows of one table store live. Knows nothing of keys but their bytes; the index says where a row is. */
export class RowSlabs {
  /** By slab number; number 0 is never used, freed numbers hold empty buffers. */
  readonly #slabs: Buffer[] = [EMPTY]
  readonly #words: Int32Array[] = [EMPTY_WORDS]
  readonly #used: number[] = [0]
  readonly #garbage: number[] = [0]
  readonly #freeNumbers: number[] = []
  #nextSlabBytes = FIRST_SLAB_BYTES
  /** A slab that became free is soon needed again where rows are moved. */
  #spare: Buffer | undefined
  /** The slab that rows are appended to. */
  #current = NO_SLAB
  /** Capacity of all slabs, the spare one included. */
  bytes = 0
  /** Bytes of all holes. */
  garbageBytes = 0

  slabOf(location: number): Buffer {
    return this.#slabs[location >>> UNIT_BITS]!
  }

  valueStart(location: number): number {
    const offset = (location & UNIT_MASK) << 3
    return offset + HEADER_BYTES + this.#words[location >>> UNIT_BITS]![offset >> 2]!
  }

  valueLength(location: number): number {
    return this.#words[location >>> UNIT_BITS]![((location & UNIT_MASK) << 1) + 1]!
  }

  hasKey(location: number, bytes: Uint8Array, start: number, end: number): boolean {
    const slabNumber = location >>> UNIT_BITS
    const offset = (location & UNIT_MASK) << 3
    const length = end - start
    if (this.#words[slabNumber]![offset >> 2] !== length) return false
    const slab = this.#slabs[slabNumber]!
    const keyStart = offset + HEADER_BYTES
    for (let i = 0; i < length; i += 1) if (slab[keyStart + i] !== bytes[start + i]) return false
    return true
  }

  /** Reads something of each row, where there is one; the sum has no meaning. */
  touch(locations: Int32Array, count: number): number {
    let sum = 0
    for (let i = 0; i < count; i += 1) {
      const location = locations[i]!
      const words = this.#words[location >>> UNIT_BITS]!
      const at = (location & UNIT_MASK) << 1
      const last = words.length - 1
      if (location !== 0)
        sum ^=
          words[at]! ^ words[Math.min(at + LINE_WORDS, last)]! ^ words[Math.min(at + 2 * LINE_WORDS, last)]!
    }
    return sum
  }

  append({ keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd }: RowBytes): number {
    const keyLength = keyEnd - keyStart
    const location = this.#allocate(rowBytes(keyLength, valueEnd - valueStart))
    const slabNumber = location >>> UNIT_BITS
    const offset = (location & UNIT_MASK) << 3
    const words = this.#words[slabNumber]!
    words[offset >> 2] = keyLength
    words[(offset >> 2) + 1] = valueEnd - valueStart
    const slab = this.#slabs[slabNumber]!
    copy({ bytes: keyBytes, start: keyStart, end: keyEnd }, slab, offset + HEADER_BYTES)
    copy({ bytes: valueBytes, start: valueStart, end: valueEnd }, slab, offset + HEADER_BYTES + keyLength)
    return location
  }

  /** False when the value is too long for the row's space. */
  overwrite(location: number, { valueBytes, valueStart, valueEnd }: RowBytes): boolean {
    const valueLength = valueEnd - valueStart
    const slabNumber = location >>> UNIT_BITS
    const offset = (location & UNIT_MASK) << 3
    const words = this.#words[slabNumber]!
    const header = offset >> 2
    const keyLength = words[header]!
    const space = rowBytes(keyLength, words[header + 1]!)
    const needed = rowBytes(keyLength, valueLength)
    if (needed > space) return false
    words[header + 1] = valueLength
    copy(
      { bytes: valueBytes, start: valueStart, end: valueEnd },
      this.#slabs[slabNumber]!,
      offset + HEADER_BYTES + keyLength,
    )
    if (needed < space) this.#digHole(slabNumber, offset + needed, space - needed)
    return true
  }

  release(location: number): void {
    const slabNumber = location >>> UNIT_BITS
    const offset = (location & UNIT_MASK) << 3
    const words = this.#words[slabNumber]!
    const header = offset >> 2
    this.#digHole(slabNumber, offset, rowBytes(words[header]!, words[header + 1]!))
    if (slabNumber !== this.#current) this.#freeIfEmpty(slabNumber)
  }

  /** The slab with the most garbage, or 0 when only the one being filled has any. */
  mostWasteful(): number {
    let most = 0
    let found = NO_SLAB
    for (let slabNumber = 1; slabNumber < this.#slabs.length; slabNumber += 1) {
      const garbage = this.#garbage[slabNumber]!
      if (garbage > most && slabNumber !== this.#current) {
        most = garbage
        found = slabNumber
      }
    }
    return found
  }

  /** Moves all rows out of a slab and frees it. `moved` is told of each row, whose key can be read at both locations. */
  evacuate(slabNumber: number, moved: (from: number, to: number) => void): void {
    const source = this.#slabs[slabNumber]!
    const words = this.#words[slabNumber]!
    const used = this.#used[slabNumber]!
    for (let offset = 0; offset < used;) {
      const header = offset >> 2
      const keyLength = words[header]!
      if (keyLength === HOLE) {
        offset += words[header + 1]!
        continue
      }
      const size = rowBytes(keyLength, words[header + 1]!)
      const to = this.#allocate(size)
      source.copy(this.#slabs[to >>> UNIT_BITS]!, (to & UNIT_MASK) << 3, offset, offset + size)
      moved(pack(slabNumber, offset), to)
      offset += size
    }
    this.#free(slabNumber)
  }

  /** Where a row's key stands in `slabOf(location)`. */
  keyStart(location: number): number {
    return ((location & UNIT_MASK) << 3) + HEADER_BYTES
  }

  *locations(): IterableIterator<number> {
    for (let slabNumber = 1; slabNumber < this.#slabs.length; slabNumber += 1) {
      const words = this.#words[slabNumber]!
      const used = this.#used[slabNumber]!
      for (let offset = 0; offset < used;) {
        const header = offset >> 2
        const keyLength = words[header]!
        if (keyLength !== HOLE) yield pack(slabNumber, offset)
        offset += keyLength === HOLE ? words[header + 1]! : rowBytes(keyLength, words[header + 1]!)
      }
    }
  }

  #allocate(size: number): number {
    if (size > MAX_SHARED_ROW_BYTES) {
      const slabNumber = this.#addSlab(size)
      this.#used[slabNumber] = size
      return pack(slabNumber, 0)
    }
    let slabNumber = this.#current
    if (slabNumber === NO_SLAB || this.#used[slabNumber]! + size > this.#slabs[slabNumber]!.length) {
      this.#current = this.#addSlab(this.#nextSlabBytes)
      this.#nextSlabBytes = Math.min(SLAB_BYTES, this.#nextSlabBytes * 2)
      if (slabNumber !== NO_SLAB) this.#freeIfEmpty(slabNumber)
      slabNumber = this.#current
    }
    const offset = this.#used[slabNumber]!
    this.#used[slabNumber] = offset + size
    return pack(slabNumber, offset)
  }

  #addSlab(size: number): number {
    const slabNumber = this.#freeNumbers.pop() ?? this.#slabs.length
    if (slabNumber === MAX_SLABS)
      throw new TopologyError(
        'TOPOLOGY_TABLE_FAILED',
        `A table partition cannot hold more: all of its ${MAX_SLABS - 1} slabs are in use (${this.bytes} bytes)`,
      )
    const slab = this.#takeBuffer(size)
    this.#slabs[slabNumber] = slab
    this.#words[slabNumber] = new Int32Array(slab.buffer, slab.byteOffset, size >> 2)
    this.#used[slabNumber] = 0
    this.#garbage[slabNumber] = 0
    return slabNumber
  }

  #takeBuffer(size: number): Buffer {
    const spare = this.#spare
    if (spare !== undefined && size === SLAB_BYTES) {
      this.#spare = undefined
      return spare
    }
    this.bytes += size
    return size === SLAB_BYTES ? uncountedBuffer(size) : Buffer.allocUnsafeSlow(size)
  }

  #giveBack(slab: Buffer): void {
    if (slab.length === SLAB_BYTES && this.#spare === undefined && this.bytes >= BYTES_WITH_A_SPARE) {
      this.#spare = slab
      return
    }
    this.bytes -= slab.length
    if (this.#spare === undefined || this.bytes >= BYTES_WITH_A_SPARE) return
    this.bytes -= SLAB_BYTES
    this.#spare = undefined
  }

  #digHole(slabNumber: number, offset: number, size: number): void {
    const words = this.#words[slabNumber]!
    words[offset >> 2] = HOLE
    words[(offset >> 2) + 1] = size
    this.#garbage[slabNumber]! += size
    this.garbageBytes += size
  }

  #freeIfEmpty(slabNumber: number): void {
    if (this.#garbage[slabNumber] === this.#used[slabNumber]) this.#free(slabNumber)
  }

  #free(slabNumber: number): void {
    this.#giveBack(this.#slabs[slabNumber]!)
    this.garbageBytes -= this.#garbage[slabNumber]!
    this.#slabs[slabNumber] = EMPTY
    this.#words[slabNumber] = EMPTY_WORDS
    this.#used[slabNumber] = 0
    this.#garbage[slabNumber] = 0
    this.#freeNumbers.push(slabNumber)
  }
}

function pack(slabNumber: number, offset: number): number {
  return (slabNumber << UNIT_BITS) | (offset >>> 3)
}

function rowBytes(keyLength: number, valueLength: number): number {
  return (HEADER_BYTES + keyLength + valueLength + 7) & ~7
}

/**
 * Shared memory, though nobody shares it: V8 counts all other memory outside its heap, and begins a full collection for every
 * 25 MB of it. Loading 5 million rows took 72 of them, and takes 27 with slabs that are not counted. They are not collected
 * sooner than something else makes V8 collect, for which the spare slab leaves little to wait.
 */
function uncountedBuffer(size: number): Buffer {
  return Buffer.from(new SharedArrayBuffer(size))
}

interface Part {
  readonly bytes: Uint8Array
  readonly start: number
  readonly end: number
}

const { copy: copyLong } = Buffer.prototype

/** The call costs more than a short copy byte by byte; `set` needs a view of the part, which costs more than the call. */
function copy({ bytes, start, end }: Part, to: Buffer, at: number): void {
  if (end - start > LONGEST_LOOPED) {
    copyLong.call(bytes, to, at, start, end)
    return
  }
  for (let from = start, target = at; from < end; from += 1, target += 1) to[target] = bytes[from]!
}
