import type { DumpedRecord } from '../topic-dump.ts'
import { fateOf } from '../load/poison.ts'

interface Version<Row> {
  /** When it was sent, milliseconds since the epoch. */
  readonly from: number
  /** Undefined: deleted. */
  readonly row: Row | undefined
}

/** Every row that a lookup topic has held, with the time in which it was the one that counts. */
export class RowHistory<Row> {
  readonly #versions = new Map<string, Version<Row>[]>()

  constructor(records: readonly DumpedRecord[], decode: (value: Buffer) => Row) {
    for (const { key, value, timestamp, headers } of records) {
      // A row that cannot be read changes nothing.
      if (key === null || fateOf({ headers }, 'row').becomes !== 'processed') continue
      const versions = this.#versions.get(key.toString()) ?? []
      this.#versions.set(key.toString(), versions)
      versions.push({ from: timestamp, row: value === null ? undefined : decode(value) })
    }
  }

  /** What a reader can have seen under a key at some time between the two: rows, and undefined for none. */
  seenBetween(key: string, from: number, to: number): readonly (Row | undefined)[] {
    const versions = this.#versions.get(key) ?? []
    const seen: (Row | undefined)[] = []
    if (versions.length === 0 || from < versions[0]!.from) seen.push(undefined)
    for (const [index, version] of versions.entries()) {
      const until = versions[index + 1]?.from ?? Infinity
      if (version.from <= to && until > from) seen.push(version.row)
    }
    return seen
  }
}
