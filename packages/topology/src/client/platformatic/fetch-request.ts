import { fetchV12, type Reader } from '@platformatic/kafka'
import type { RawRequest } from './broker-link.ts'
import type { AbortedTransaction } from './fetched-records.ts'
import type { BufferPool } from '../../wire/buffer-pool.ts'

/** Fetch by topic name, understood by brokers from 2.7 on. */
const VERSION = 12
/** As much as one read of a socket gives. */
const CHUNK_BYTES = 65_536
const NO_SESSION = { id: 0, epoch: -1 }

export interface FetchLimits {
  readonly maxBytesPerPartition: number
  readonly maxBytes: number
  readonly minBytes: number
  readonly isReadCommitted: boolean
}

export interface PartitionToFetch {
  readonly topic: string
  readonly partition: number
  readonly position: number
  readonly leaderEpoch: number
}

export interface FetchedPartition {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly highWatermark: number
  readonly lastStableOffset: number
  readonly aborted: readonly AbortedTransaction[]
  /** As the broker sent them: the last batch may be cut off. */
  readonly records: Buffer
  /** Whether they are from the pool. */
  readonly isPooled: boolean
}

export interface FetchAnswer {
  readonly errorCode: number
  readonly partitions: readonly FetchedPartition[]
}

/**
 * Without a fetch session: the whole set of partitions travels with each request, and nothing can go stale. The client's
 * parser is passed by, because it makes objects of every record.
 */
export function fetchRequest(
  partitions: readonly PartitionToFetch[],
  maxWaitMs: number,
  limits: FetchLimits,
  pool: BufferPool,
): RawRequest<FetchAnswer> {
  const topics = Map.groupBy(partitions, ({ topic }) => topic)
  const payload = fetchV12.createRequest(
    maxWaitMs,
    limits.minBytes,
    limits.maxBytes,
    limits.isReadCommitted ? 1 : 0,
    NO_SESSION.id,
    NO_SESSION.epoch,
    Array.from(topics, ([topic, parts]) => ({
      topicId: topic,
      partitions: parts.map(({ partition, position, leaderEpoch }) => ({
        partition,
        currentLeaderEpoch: leaderEpoch,
        fetchOffset: BigInt(position),
        lastFetchedEpoch: -1,
        partitionMaxBytes: limits.maxBytesPerPartition,
      })),
    })),
    [],
    '',
  )
  return { apiKey: fetchV12.api.key, version: VERSION, payload, parse: reader => parseAnswer(reader, pool) }
}

function parseAnswer(reader: Reader, pool: BufferPool): FetchAnswer {
  reader.skip(4)
  const errorCode = reader.readInt16()
  reader.skip(4)
  const partitions: FetchedPartition[] = []
  reader.readArray(() => {
    const topic = reader.readString()
    reader.readArray(() => partitions.push(parsePartition(reader, topic, pool)))
  })
  return { errorCode, partitions }
}

function parsePartition(reader: Reader, topic: string, pool: BufferPool): FetchedPartition {
  const partition = reader.readInt32()
  const errorCode = reader.readInt16()
  const highWatermark = Number(reader.readInt64())
  const lastStableOffset = Number(reader.readInt64())
  reader.skip(8)
  const aborted =
    reader.readNullableArray(() => ({
      producerId: reader.readInt64(),
      firstOffset: Number(reader.readInt64()),
    })) ?? []
  reader.skip(4)
  const length = Math.max(0, reader.readUnsignedVarInt() - 1)
  const isPooled = length > CHUNK_BYTES
  // A short one is a view where it came in one chunk: what a task holds on to keeps no more than a read of the socket.
  const records = isPooled
    ? copyPooled(reader, length, pool)
    : reader.buffer.slice(reader.position, reader.position + length)
  reader.skip(length)
  return { topic, partition, errorCode, highWatermark, lastStableOffset, aborted, records, isPooled }
}

/** What came in several chunks, together. */
function copyPooled({ buffer, position }: Reader, length: number, pool: BufferPool): Buffer {
  // Sizes that come again are found again.
  const records = pool.take(Math.ceil(length / CHUNK_BYTES) * CHUNK_BYTES).subarray(0, length)
  let copied = 0
  let chunkStart = 0
  for (const chunk of buffer.buffers) {
    const from = Math.max(0, position - chunkStart)
    chunkStart += chunk.length
    if (from >= chunk.length) continue
    copied += chunk.copy(records, copied, from, Math.min(chunk.length, from + length - copied))
    if (copied === length) break
  }
  return records
}
