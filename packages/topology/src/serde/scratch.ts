/** Views of short encodings are kept: making one costs more than filling it. */
const KEPT_VIEWS = 512

/**
 * A buffer that a codec encodes into again and again. It grows on demand; what `view` returns is overwritten by the next
 * encoding.
 */
export class Scratch {
  buffer: Buffer
  /** The same memory. */
  dataView: DataView
  #views: (Buffer | undefined)[] = []

  constructor(initialBytes: number) {
    this.buffer = Buffer.allocUnsafeSlow(initialBytes)
    this.dataView = dataViewOf(this.buffer)
  }

  /** Makes room for at least `bytes`. The first `keep` bytes stay what they were. */
  reserve(bytes: number, keep = 0): Buffer {
    if (bytes > this.buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(bytes, this.buffer.length * 2))
      this.buffer.copy(grown, 0, 0, keep)
      this.buffer = grown
      this.dataView = dataViewOf(grown)
      this.#views = []
    }
    return this.buffer
  }

  /** The first `length` bytes. */
  view(length: number): Buffer {
    if (length >= KEPT_VIEWS) return this.buffer.subarray(0, length)
    return (this.#views[length] ??= this.buffer.subarray(0, length))
  }
}

function dataViewOf({ buffer, byteOffset, byteLength }: Buffer): DataView {
  return new DataView(buffer, byteOffset, byteLength)
}
