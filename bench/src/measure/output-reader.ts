import { Consumer, FetchIsolationLevels, type KafkaRecord } from '@platformatic/kafka'
import { BenchError } from '../bench-error.ts'

export interface OutputBatch {
  readonly partition: number
  /** When the broker appended it: the topic is made with LogAppendTime. */
  readonly appendedAtMs: number
  readonly records: readonly KafkaRecord[]
}

interface Cursor {
  readonly partition: number
  position: bigint
  readonly end: bigint
}

const BYTES_PER_PARTITION = 1_048_576
/** Attributes of a record batch, https://kafka.apache.org/documentation/#recordbatch */
const LOG_APPEND_TIME = 0x08
const CONTROL = 0x20

/**
 * All that a reader of committed records sees of a topic, up to where it ends now. It reads with the client's own parser, so
 * that the library under test does not judge itself.
 */
export async function* readOutput(broker: string, topic: string): AsyncGenerator<OutputBatch> {
  const consumer = new Consumer({ clientId: 'bench', groupId: `verify-${topic}`, bootstrapBrokers: [broker] })
  try {
    consumer.topics.track(topic)
    const metadata = await consumer.metadata({ topics: [topic] })
    const { id: topicId } = metadata.topics.get(topic)!
    const [node] = metadata.brokers.keys()
    const ends = await consumer.listOffsets({
      topics: [topic],
      isolationLevel: FetchIsolationLevels.READ_COMMITTED,
    })
    const cursors: Cursor[] = ends.get(topic)!.map((end, partition) => ({ partition, position: 0n, end }))
    for (;;) {
      const open = cursors.filter(({ position, end }) => position < end)
      if (open.length === 0) return
      const response = await consumer.fetch({
        node: node!,
        isolationLevel: FetchIsolationLevels.READ_COMMITTED,
        minBytes: 1,
        maxBytes: BYTES_PER_PARTITION * 8,
        maxWaitTime: 1_000,
        topics: [{ topicId, partitions: open.map(toRequest) }],
      })
      for (const { partitionIndex, records, abortedTransactions } of response.responses[0]?.partitions ??
        []) {
        if ((abortedTransactions ?? []).length > 0) {
          throw new BenchError(
            'BENCH_WRONG_OUTPUT',
            `${topic} holds aborted transactions; nothing failed in this run.`,
          )
        }
        const cursor = cursors[partitionIndex]!
        for (const batch of records ?? []) {
          cursor.position = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
          if ((batch.attributes & CONTROL) !== 0) continue
          if ((batch.attributes & LOG_APPEND_TIME) === 0) {
            throw new BenchError('BENCH_SET_UP', `${topic} has no append times; make it with LogAppendTime.`)
          }
          yield {
            partition: partitionIndex,
            appendedAtMs: Number(batch.maxTimestamp),
            records: batch.records,
          }
        }
      }
    }
  } finally {
    await consumer.close(true)
  }
}

function toRequest({ partition, position }: Cursor) {
  return {
    partition,
    currentLeaderEpoch: -1,
    fetchOffset: position,
    lastFetchedEpoch: -1,
    partitionMaxBytes: BYTES_PER_PARTITION,
  }
}
