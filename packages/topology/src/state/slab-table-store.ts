import { hashKey } from './key-hash.ts'
import { KeyIndex } from './key-index.ts'
import { RowSlabs } from './row-slabs.ts'
import { type KeyPlaces, MOST_WARMED, type RowBytes, rowOf, type TableStore } from './table-store.ts'

/** Below this much garbage nothing is moved: small tables would only shuffle their rows. */
const MIN_GARBAGE_BYTES = 64 * 1024

/** Where the reads of `warm` end, so that they are not left out as useless. */
export let touched = 0

/**
 * Holds the rows outside the JavaScript heap: encoded rows in slabs, and an index over their keys in typed arrays. A lookup
 * allocates nothing. A value that fits its row's space is written in place; otherwise the row is written anew and its old
 * space is garbage. Once garbage is a quarter of the slabs, each change also moves the rows of the slab with the most of
 * it and frees that slab, so that no call takes longer than about a millisecond (plus the copy of a very long row).
 */
class SlabTableStore implements TableStore {
  #slabs = new RowSlabs()
  #index = new KeyIndex(this.#slabs)
  /** Of the keys that `warm` was given last: their hashes, and where their rows are unless a row has changed since. */
  readonly #hashes = new Int32Array(MOST_WARMED)
  /** Behind the last one stands none. */
  readonly #locations = new Int32Array(MOST_WARMED + 1)
  #warmed = 0
  /** Which of them is looked up next, if they are looked up in turn. */
  #next = MOST_WARMED
  valueBuffer: Buffer = Buffer.alloc(0)
  valueStart = 0
  valueEnd = 0

  get rows(): number {
    return this.#index.rows
  }

  get bytes(): number {
    return this.#slabs.bytes + this.#index.bytes
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.putRow(rowOf(key, value))
  }

  putRow(row: RowBytes): void {
    const { keyBytes, keyStart, keyEnd } = row
    this.#next = MOST_WARMED
    const hash = hashKey(keyBytes, keyStart, keyEnd)
    const location = this.#index.find(hash, keyBytes, keyStart, keyEnd)
    if (location === 0) {
      this.#index.add(hash, this.#slabs.append(row))
      return
    }
    if (!this.#slabs.overwrite(location, row)) {
      const moved = this.#slabs.append(row)
      this.#index.move(hash, location, moved)
      this.#slabs.release(location)
    }
    this.#reclaim()
  }

  delete(key: Uint8Array): boolean {
    const hash = hashKey(key, 0, key.length)
    const location = this.#index.find(hash, key, 0, key.length)
    if (location === 0) return false
    this.#next = MOST_WARMED
    this.#index.remove(hash, location)
    this.#slabs.release(location)
    this.#reclaim()
    return true
  }

  find(bytes: Uint8Array, start: number, end: number): boolean {
    let location = this.#locations[this.#next]!
    if (location !== 0 && this.#slabs.hasKey(location, bytes, start, end)) {
      this.#next += 1
    } else {
      const hash = hashKey(bytes, start, end)
      this.#catchUp(hash)
      location = this.#index.find(hash, bytes, start, end)
      if (location === 0) return false
    }
    this.valueBuffer = this.#slabs.slabOf(location)
    this.valueStart = this.#slabs.valueStart(location)
    this.valueEnd = this.valueStart + this.#slabs.valueLength(location)
    return true
  }

  /**
   * A lookup waits two or three times for memory that is in no cache, each time for 100 ns and more, and the next lookup
   * begins after it. Loops that do nothing but read let the processor wait for many at once. Whoever then looks the keys up
   * in their order finds each row by comparing its key alone.
   */
  warm(bytes: Uint8Array, { starts, ends }: KeyPlaces, count: number): void {
    const hashes = this.#hashes
    for (let i = 0; i < count; i += 1) hashes[i] = hashKey(bytes, starts[i]!, ends[i]!)
    touched = this.#index.touch(hashes, count)
    this.#index.peek(hashes, count, this.#locations)
    this.#locations[count] = 0
    touched ^= this.#slabs.touch(this.#locations, count)
    this.#warmed = count
    this.#next = 0
  }

  *entries(): IterableIterator<readonly [key: Buffer, value: Buffer]> {
    for (const location of this.#slabs.locations()) {
      const slab = this.#slabs.slabOf(location)
      const valueStart = this.#slabs.valueStart(location)
      const valueEnd = valueStart + this.#slabs.valueLength(location)
      yield [
        Buffer.from(slab.subarray(this.#slabs.keyStart(location), valueStart)),
        Buffer.from(slab.subarray(valueStart, valueEnd)),
      ]
    }
  }

  clear(): void {
    this.#slabs = new RowSlabs()
    this.#index = new KeyIndex(this.#slabs)
    this.#next = MOST_WARMED
    this.valueBuffer = Buffer.alloc(0)
    this.valueStart = 0
    this.valueEnd = 0
  }

  /** Some of the keys of `warm` are not looked up: their records are dropped before, perhaps. */
  #catchUp(hash: number): void {
    for (let i = this.#next; i < this.#warmed; i += 1) {
      if (this.#hashes[i] !== hash) continue
      this.#next = i + 1
      return
    }
  }

  #reclaim(): void {
    const slabs = this.#slabs
    if (slabs.garbageBytes <= MIN_GARBAGE_BYTES || slabs.garbageBytes * 4 <= slabs.bytes) return
    const slabNumber = slabs.mostWasteful()
    if (slabNumber === 0) return
    slabs.evacuate(slabNumber, (from, to) => {
      const slab = slabs.slabOf(from)
      this.#index.move(hashKey(slab, slabs.keyStart(from), slabs.valueStart(from)), from, to)
    })
  }
}

/** A table store for millions of rows; see `SlabTableStore`'s own comment in this file for how it holds them. */
export function createSlabTableStore(): TableStore {
  return new SlabTableStore()
}
