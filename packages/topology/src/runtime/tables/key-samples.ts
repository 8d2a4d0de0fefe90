import type { FetchedBatch, Fetcher, KafkaClient } from '../../client/ports.ts'
import { TopologyError } from '../../errors.ts'
import type { TopicPartition } from '../../record.ts'
import { RecordCursor } from '../../wire/record-batch-reader.ts'

export interface KeySample {
  readonly partition: number
  readonly key: Buffer
}

export interface SampledTopic {
  readonly topic: string
  readonly partitions: number
}

/** Records without a key may come first: after so many responses a partition is given up. */
const MAX_RESPONSES = 8
const BYTES_PER_RESPONSE = 64 * 1024

/** The first keys of each partition, by topic. Partitions without records, or without keys, have no samples. */
export async function sampleKeys(
  client: Pick<KafkaClient, 'admin' | 'createFetcher'>,
  topics: readonly SampledTopic[],
  perPartition: number,
): Promise<ReadonlyMap<string, readonly KeySample[]>> {
  const places = topics.flatMap(({ topic, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
  )
  const samples = new Map(topics.map(({ topic }): [string, KeySample[]] => [topic, []]))
  const ends = await client.admin.listOffsets(places, 'latest', 'read-committed')
  const starts = await client.admin.listOffsets(places, 'earliest', 'read-committed')
  const filled = places
    .map((place, i) => ({ ...place, start: starts[i]!, end: ends[i]! }))
    .filter(({ start, end }) => start < end)
  if (filled.length === 0) return samples
  const fetcher = client.createFetcher({
    maxBytesPerPartition: BYTES_PER_RESPONSE,
    isolation: 'read-committed',
  })
  try {
    await Promise.all(
      filled.map(async part => {
        for (const key of await firstKeys(fetcher, part, perPartition))
          samples.get(part.topic)?.push({ partition: part.partition, key })
      }),
    )
  } finally {
    await fetcher.close()
  }
  return samples
}

function firstKeys(
  fetcher: Fetcher,
  { topic, partition, start, end }: TopicPartition & { readonly start: number; readonly end: number },
  count: number,
): Promise<readonly Buffer[]> {
  return new Promise((resolve, reject) => {
    const keys: Buffer[] = []
    const cursor = new RecordCursor()
    let responses = 0
    const read = (batch: FetchedBatch): void => {
      cursor.reset(batch.records, batch.startOffset)
      while (keys.length < count && cursor.next()) {
        if (cursor.keyStart >= 0)
          keys.push(Buffer.from(cursor.buffer.subarray(cursor.keyStart, cursor.keyEnd)))
      }
    }
    fetcher.assign({ topic, partition }, start, {
      onBatch(batch) {
        try {
          read(batch)
        } catch (error) {
          fetcher.unassign({ topic, partition })
          reject(error as Error)
          return
        }
        responses += 1
        const hasNothingMore = batch.nextOffset >= end || batch.nextOffset === batch.startOffset
        if (keys.length < count && !hasNothingMore && responses < MAX_RESPONSES) return
        fetcher.unassign({ topic, partition })
        resolve(keys)
      },
      onError(_, error) {
        // Deleted between the look at the offsets and the fetch: there is nothing old left to judge the topic by.
        if (TopologyError.is(error) && error.code === 'TOPOLOGY_OFFSET_OUT_OF_RANGE') resolve(keys)
        else reject(error)
      },
    })
  })
}
