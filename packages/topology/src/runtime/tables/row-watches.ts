/**
 * Who waits for rows of a table, by the bytes of their keys. A row that is put is only noted, so that whoever waits is not
 * called from within the work on a record; `notify` tells of it once that work is over.
 */
export class RowWatches {
  readonly #watchers = new Map<string, Set<() => void>>()
  readonly #put = new Set<string>()

  /** The returned function ends it. */
  watch(key: Uint8Array, onRow: () => void): () => void {
    const id = idOf(key)
    const watchers = this.#watchers.get(id) ?? new Set()
    // Each call is a watch of its own, whatever the function.
    const watcher = (): void => onRow()
    this.#watchers.set(id, watchers.add(watcher))
    return () => {
      watchers.delete(watcher)
      if (watchers.size === 0 && this.#watchers.get(id) === watchers) this.#watchers.delete(id)
    }
  }

  /** Whether anybody waits for any row. */
  get isWatched(): boolean {
    return this.#watchers.size > 0
  }

  put(key: Uint8Array): void {
    if (!this.isWatched) return
    const id = idOf(key)
    if (this.#watchers.has(id)) this.#put.add(id)
  }

  /** What has been put can be looked up. */
  notify(): void {
    if (this.#put.size === 0) return
    const ids = [...this.#put]
    this.#put.clear()
    for (const id of ids) this.#call(id)
  }

  /** Any row may have changed. */
  notifyAll(): void {
    this.#put.clear()
    for (const id of this.#watchers.keys()) this.#call(id)
  }

  #call(id: string): void {
    for (const watcher of this.#watchers.get(id) ?? []) watcher()
  }
}

function idOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1')
}
