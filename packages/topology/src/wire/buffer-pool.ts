/** What is kept at most: the batches that are under way to a few partitions. */
const KEPT_BYTES = 8 * 1_048_576

/**
 * Buffers that are done with, for whoever needs one next: a process that reads or writes 50 MB/s would otherwise allocate
 * as much outside the JavaScript heap, where every 25 MB make V8 look through the whole heap (a full collection: 20 ms of
 * processor time).
 */
export class BufferPool {
  readonly #kept: Buffer[] = []
  #keptBytes = 0

  /** At least `bytes` long; what is in it is left over from its last use. */
  take(bytes: number): Buffer {
    // What is small is not to hold a large buffer: a partition that gets little keeps its batch for a long time.
    const index = this.#kept.findLastIndex(({ length }) => length >= bytes && length <= 2 * bytes)
    if (index === -1) return Buffer.allocUnsafeSlow(bytes)
    const [buffer] = this.#kept.splice(index, 1) as [Buffer]
    this.#keptBytes -= buffer.length
    return buffer
  }

  /** Nobody reads the bytes any more. They are a part of a buffer of `take`. */
  giveBack(bytes: Buffer): void {
    const buffer = Buffer.from(bytes.buffer)
    this.#kept.push(buffer)
    this.#keptBytes += buffer.length
    while (this.#keptBytes > KEPT_BYTES) this.#keptBytes -= (this.#kept.shift() as Buffer).length
  }
}
