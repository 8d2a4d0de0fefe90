import type { TopologyError } from '../../errors.ts'
import type { TableReader } from '../../plan/compiled.ts'
import type { KeyPlaces, TableStore } from '../../state/table-store.ts'
import { partitionForKey } from '../../wire/murmur2.ts'
import { keptForm, type TableParts } from './table-rows.ts'

/** Whose rows a reader reads: a feed that has been loaded, and may swap its store for a newer one at any time. */
export interface ReadableRows {
  /** Undefined before the first load is complete, and after the end. */
  readonly store: TableStore | undefined
  /** Why there is no store. */
  unreadable(): TopologyError
}

/*
 * Rows are decoded at every lookup: the encoded row is the one copy that cannot be out of date, and no measurement has
 * shown yet that a cache of decoded rows beside it pays.
 */

/** Looks into the one partition that holds all keys of its task. */
export function createPartitionReader(table: TableParts, rows: ReadableRows): TableReader {
  const { key: keyCodec } = table.codecs
  const valueCodec = keptForm(table) ?? table.codecs.value
  return {
    get(key) {
      const { store } = rows
      if (store === undefined) throw rows.unreadable()
      if (key === null || key === undefined) return undefined
      const bytes = keyCodec.encode(key)
      if (!store.find(bytes, 0, bytes.length)) return undefined
      return valueCodec.decode(store.valueBuffer, store.valueStart, store.valueEnd)
    },
    // Other bytes than a lookup's are no hint.
    ...(keyCodec.isByteStable
      ? { warm: (bytes: Uint8Array, keys: KeyPlaces, count: number) => rows.store?.warm(bytes, keys, count) }
      : {}),
    watch: (key, onRow) => table.watches.watch(keyCodec.encode(key), onRow),
  }
}

/**
 * Looks into all partitions of a global table. Where every row lies on the partition that murmur2 gives its key, one
 * lookup is enough; where another partitioner has been at work, that partition comes first and then all others.
 */
export function createGlobalReader(table: TableParts, partitions: readonly ReadableRows[]): TableReader {
  const { placement } = table
  const { key: keyCodec } = table.codecs
  const valueCodec = keptForm(table) ?? table.codecs.value
  let isLoaded = false

  function find(rows: ReadableRows, bytes: Uint8Array): TableStore | undefined {
    const { store } = rows
    if (store === undefined) throw rows.unreadable()
    return store.find(bytes, 0, bytes.length) ? store : undefined
  }

  function findAnywhere(bytes: Uint8Array, except: number): TableStore | undefined {
    for (let i = 0; i < partitions.length; i += 1) {
      if (i === except) continue
      const store = find(partitions[i]!, bytes)
      if (store !== undefined) return store
    }
    return undefined
  }

  return {
    get(key) {
      if (!isLoaded) {
        const missing = partitions.find(rows => rows.store === undefined)
        if (missing !== undefined) throw missing.unreadable()
        isLoaded = true
      }
      if (key === null || key === undefined) return undefined
      const bytes = keyCodec.encode(key)
      const home = partitionForKey(bytes, 0, bytes.length, partitions.length)
      let store = find(partitions[home]!, bytes)
      if (store === undefined && !(keyCodec.isByteStable && placement.misplaced === 0))
        store = findAnywhere(bytes, home)
      return store && valueCodec.decode(store.valueBuffer, store.valueStart, store.valueEnd)
    },
    watch: (key, onRow) => table.watches.watch(keyCodec.encode(key), onRow),
  }
}
