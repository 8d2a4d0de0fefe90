import type { RowBytes, TableStore } from './table-store.ts'

/** The plainest table store, to compare others with: a `Map` by the key's bytes. Its `bytes` are those of keys and values. */
export class MapTableStore implements TableStore {
  /** Latin-1 maps each byte to one character and back. */
  readonly #rows = new Map<string, Buffer>()
  bytes = 0
  valueBuffer: Buffer = Buffer.alloc(0)
  readonly valueStart = 0
  valueEnd = 0

  get rows(): number {
    return this.#rows.size
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.delete(key)
    this.#rows.set(keyOf(key), Buffer.from(value))
    this.bytes += key.length + value.length
  }

  putRow({ keyBytes, keyStart, keyEnd, valueBytes, valueStart, valueEnd }: RowBytes): void {
    this.put(keyBytes.subarray(keyStart, keyEnd), valueBytes.subarray(valueStart, valueEnd))
  }

  delete(key: Uint8Array): boolean {
    const value = this.#rows.get(keyOf(key))
    if (value === undefined) return false
    this.bytes -= key.length + value.length
    return this.#rows.delete(keyOf(key))
  }

  find(bytes: Uint8Array, start: number, end: number): boolean {
    const value = this.#rows.get(keyOf(bytes.subarray(start, end)))
    if (value === undefined) return false
    this.valueBuffer = value
    this.valueEnd = value.length
    return true
  }

  warm(): void {
    // There is nothing to be gained here.
  }

  *entries(): IterableIterator<readonly [key: Buffer, value: Buffer]> {
    for (const [key, value] of this.#rows) yield [Buffer.from(key, 'latin1'), Buffer.from(value)]
  }

  clear(): void {
    this.#rows.clear()
    this.bytes = 0
  }
}

function keyOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
