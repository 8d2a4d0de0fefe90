import type { RowSlabs } from './row-slabs.ts'

/*
 * Finds the location of a row by the hash of its key: open addressing over typed arrays, with linear probing and
 * backward-shift deletion, so that there are no tombstones to clean up.
 *
 * The index grows without a long pause however many rows there are (extendible hashing): the high bits of the hash choose
 * a segment through a directory; a full segment is doubled until it has MAX_SLOTS and from then on split in two, which
 * moves at most some 25,000 slots. The low bits choose the slot within the segment.
 */

interface Segment {
  /** Pairs of hash and location; location 0 is an empty slot. */
  slots: Int32Array
  rows: number
  /** How many high bits of the hash all of its keys share. */
  readonly depth: number
}

const MIN_SLOTS = 16
const MAX_SLOTS = 32_768
/** Keys that agree in so many high bits agree in (nearly) all: a segment of them is doubled instead of split. */
const MAX_DEPTH = 16
const SLOT_BYTES = 8
const DIRECTORY_PLACE_BYTES = 8

export class KeyIndex {
  readonly #slabs: RowSlabs
  #directory: Segment[]
  /** `hash >>> shift` is the place in the directory. */
  #shift: number
  rows = 0
  bytes: number

  constructor(slabs: RowSlabs) {
    this.#slabs = slabs
    const first: Segment = { slots: new Int32Array(2 * MIN_SLOTS), rows: 0, depth: 0 }
    // Two places from the start: a shift by 32 would be a shift by 0.
    this.#directory = [first, first]
    this.#shift = 31
    this.bytes = MIN_SLOTS * SLOT_BYTES + this.#directory.length * DIRECTORY_PLACE_BYTES
  }

  /** The location of the row with this key, or 0. */
  find(hash: number, key: Uint8Array, start: number, end: number): number {
    const slots = this.#directory[hash >>> this.#shift]!.slots
    const mask = slots.length - 1
    for (let at = (hash << 1) & mask; ; at = (at + 2) & mask) {
      const location = slots[at + 1]!
      if (location === 0) return 0
      if (slots[at] === hash && this.#slabs.hasKey(location, key, start, end)) return location
    }
  }

  /** Reads the slots of the first `count` hashes; the sum has no meaning. */
  touch(hashes: Int32Array, count: number): number {
    let sum = 0
    for (let i = 0; i < count; i += 1) {
      const hash = hashes[i]!
      const slots = this.#directory[hash >>> this.#shift]!.slots
      sum ^= slots[(hash << 1) & (slots.length - 1)]!
    }
    return sum
  }

  /** For the first `count` hashes: the location of a row that has it, or 0. */
  peek(hashes: Int32Array, count: number, locations: Int32Array): void {
    for (let i = 0; i < count; i += 1) {
      const hash = hashes[i]!
      const slots = this.#directory[hash >>> this.#shift]!.slots
      const mask = slots.length - 1
      let at = (hash << 1) & mask
      while (slots[at + 1] !== 0 && slots[at] !== hash) at = (at + 2) & mask
      locations[i] = slots[at + 1]!
    }
  }

  /** Adds a key that is known to be absent. */
  add(hash: number, location: number): void {
    let segment = this.#directory[hash >>> this.#shift]!
    while (segment.rows >= limitOf(segment)) {
      this.#enlarge(segment, hash)
      segment = this.#directory[hash >>> this.#shift]!
    }
    insert(segment.slots, hash, location)
    segment.rows += 1
    this.rows += 1
  }

  /** The row of this hash at `from` is now at `to`. */
  move(hash: number, from: number, to: number): void {
    const slots = this.#directory[hash >>> this.#shift]!.slots
    slots[slotOf(slots, hash, from) + 1] = to
  }

  remove(hash: number, location: number): void {
    const segment = this.#directory[hash >>> this.#shift]!
    const { slots } = segment
    const mask = slots.length - 1
    let hole = slotOf(slots, hash, location)
    // Whatever was pushed past the hole by collisions moves back, so that no probe ends early at an empty slot.
    for (let at = (hole + 2) & mask; slots[at + 1] !== 0; at = (at + 2) & mask) {
      const home = (slots[at]! << 1) & mask
      if (((at - home) & mask) < ((at - hole) & mask)) continue
      slots[hole] = slots[at]!
      slots[hole + 1] = slots[at + 1]!
      hole = at
    }
    slots[hole + 1] = 0
    segment.rows -= 1
    this.rows -= 1
    if (slots.length > 2 * MIN_SLOTS && segment.rows * 16 < slots.length)
      this.#resize(segment, slots.length / 2)
  }

  #enlarge(segment: Segment, hash: number): void {
    const slotCount = segment.slots.length / 2
    if (slotCount < MAX_SLOTS || segment.depth >= MAX_DEPTH) this.#resize(segment, slotCount * 4)
    else this.#split(segment, hash)
  }

  #resize(segment: Segment, length: number): void {
    const old = segment.slots
    const slots = new Int32Array(length)
    for (let at = 0; at < old.length; at += 2) if (old[at + 1] !== 0) insert(slots, old[at]!, old[at + 1]!)
    segment.slots = slots
    this.bytes += slots.byteLength - old.byteLength
  }

  #split(segment: Segment, hash: number): void {
    const depth = segment.depth + 1
    if (depth > 32 - this.#shift) this.#doubleDirectory()
    const { slots } = segment
    const halves = [0, 1].map((): Segment => ({ slots: new Int32Array(slots.length), rows: 0, depth }))
    for (let at = 0; at < slots.length; at += 2) {
      if (slots[at + 1] === 0) continue
      const half = halves[(slots[at]! >>> (32 - depth)) & 1]!
      insert(half.slots, slots[at]!, slots[at + 1]!)
      half.rows += 1
    }
    // The places that lead to this segment are next to each other: those with its high bits.
    const places = 1 << (32 - this.#shift - segment.depth)
    const first = (hash >>> this.#shift) & ~(places - 1)
    for (let i = 0; i < places; i += 1) this.#directory[first + i] = halves[i < places / 2 ? 0 : 1]!
    this.bytes += slots.byteLength
  }

  #doubleDirectory(): void {
    this.bytes += this.#directory.length * DIRECTORY_PLACE_BYTES
    this.#directory = this.#directory.flatMap(segment => [segment, segment])
    this.#shift -= 1
  }
}

/** Three quarters of the slots. */
function limitOf(segment: Segment): number {
  return (segment.slots.length >> 3) * 3
}

function insert(slots: Int32Array, hash: number, location: number): void {
  const mask = slots.length - 1
  let at = (hash << 1) & mask
  while (slots[at + 1] !== 0) at = (at + 2) & mask
  slots[at] = hash
  slots[at + 1] = location
}

function slotOf(slots: Int32Array, hash: number, location: number): number {
  const mask = slots.length - 1
  let at = (hash << 1) & mask
  while (slots[at + 1] !== location) at = (at + 2) & mask
  return at
}
