import type { KafkaClient } from '../../client/ports.ts'
import { partitionForKey } from '../../wire/murmur2.ts'
import type { CliContext } from '../context.ts'
import { Progress } from '../progress.ts'
import {
  openFetcher,
  type PartitionRange,
  PartitionStream,
  rangesOf,
  type StoredRecord,
} from '../read-topic.ts'
import type { KeyMatcher } from './table-key.ts'

export interface FoundRow {
  /** The last record of the key: its row, or a tombstone when its value is null. */
  readonly record: StoredRecord
  /** Where murmur2 puts the key; undefined for a key whose bytes are not known. */
  readonly home: number | undefined
  /** Other partitions that have records of the key, too. */
  readonly elsewhere: readonly number[]
}

/**
 * The last record of a key. Looks into the partition that the key belongs to, and into the others only when it is not there:
 * a key that lies elsewhere was written with another partitioner, and a join with a partitioned table misses it.
 */
export async function findRow(
  kafka: KafkaClient,
  topic: string,
  { key, context }: { readonly key: KeyMatcher; readonly context: CliContext },
): Promise<FoundRow | undefined> {
  const ranges = await rangesOf(kafka, topic)
  const home = key.bytes && partitionForKey(key.bytes, 0, key.bytes.length, ranges.length)
  const scan = (some: readonly PartitionRange[]): Promise<readonly StoredRecord[]> =>
    lastRecords(kafka, topic, { ranges: some, key, context })
  if (home !== undefined) {
    const [record] = await scan(ranges.filter(({ partition }) => partition === home))
    if (record !== undefined) return { record, home, elsewhere: [] }
  }
  const found = await scan(ranges.filter(({ partition }) => partition !== home))
  const [record, ...rest] = found.toSorted((a, b) => b.timestampMs - a.timestampMs)
  return record && { record, home, elsewhere: rest.map(({ partition }) => partition) }
}

/** Of each partition that has the key. */
async function lastRecords(
  kafka: KafkaClient,
  topic: string,
  request: {
    readonly ranges: readonly PartitionRange[]
    readonly key: KeyMatcher
    readonly context: CliContext
  },
): Promise<readonly StoredRecord[]> {
  const { ranges, key, context } = request
  const total = ranges.reduce((sum, { from, to }) => sum + to - from, 0)
  const progress = new Progress(context, `Reading ${topic}`, total)
  const fetcher = openFetcher(kafka)
  const found: StoredRecord[] = []
  try {
    for (const range of ranges) {
      const stream = new PartitionStream(fetcher, topic, range, context.signal)
      let last: StoredRecord | undefined
      for (let records = await stream.next(); records !== undefined; records = await stream.next()) {
        for (const record of records)
          if (record.key !== null && (await key.matches(record.key))) last = record
        progress.add(records.length)
      }
      if (last !== undefined) found.push(last)
    }
  } finally {
    await fetcher.close()
  }
  return found
}
