import { Admin, Consumer, FetchIsolationLevels, ListOffsetTimestamps } from '@platformatic/kafka'

/** As it stands in a topic. */
export interface ReadRecord {
  readonly partition: number
  readonly offset: number
  readonly key: Buffer
  readonly value: Buffer
}

/** Of a group, in a partition. */
export interface GroupProgress {
  readonly topic: string
  readonly partition: number
  readonly committed: number
  readonly end: number
}

const BYTES_PER_PARTITION = 1_048_576
/** Attributes of a record batch, https://kafka.apache.org/documentation/#recordbatch */
const CONTROL = 0x20

/** What Kafka holds, read by the client's own parser: nothing of this project judges itself. It joins no group. */
export class KafkaReader {
  readonly #consumer: Consumer
  readonly #admin: Admin

  constructor(brokers: readonly string[]) {
    const options = { clientId: 'console-test', bootstrapBrokers: [...brokers] }
    this.#consumer = new Consumer({ ...options, groupId: 'console-test' })
    this.#admin = new Admin(options)
  }

  async close(): Promise<void> {
    await Promise.all([this.#consumer.close(true), this.#admin.close()])
  }

  /** By partition. */
  async ends(topic: string): Promise<readonly number[]> {
    const { topics } = await this.#admin.metadata({ topics: [topic], forceUpdate: true })
    const partitions = Array.from({ length: topics.get(topic)!.partitionsCount }, (_, partitionIndex) => ({
      partitionIndex,
      timestamp: ListOffsetTimestamps.LATEST,
    }))
    const [listed] = await this.#admin.listOffsets({ topics: [{ name: topic, partitions }] })
    return listed!.partitions
      .toSorted((a, b) => a.partitionIndex - b.partitionIndex)
      .map(({ offset }) => Number(offset))
  }

  async progress(group: string, topic: string): Promise<readonly GroupProgress[]> {
    const [offsets] = await this.#admin.listConsumerGroupOffsets({ groups: [group] })
    const committed = new Map(
      (offsets?.topics.find(({ name }) => name === topic)?.partitions ?? []).map(
        ({ partitionIndex, committedOffset }) => [partitionIndex, Number(committedOffset)],
      ),
    )
    return (await this.ends(topic)).map((end, partition) => ({
      topic,
      partition,
      committed: committed.get(partition) ?? -1,
      end,
    }))
  }

  /** All that a reader of committed records sees. */
  async read(topic: string): Promise<readonly ReadRecord[]> {
    const consumer = this.#consumer
    const metadata = await consumer.metadata({ topics: [topic], forceUpdate: true })
    const { id: topicId } = metadata.topics.get(topic)!
    const [node] = metadata.brokers.keys()
    const cursors = (await this.ends(topic)).map((end, partition) => ({ partition, position: 0n, end }))
    const found: ReadRecord[] = []
    for (;;) {
      const open = cursors.filter(({ position, end }) => position < end)
      if (open.length === 0) return found
      const response = await consumer.fetch({
        node: node!,
        isolationLevel: FetchIsolationLevels.READ_COMMITTED,
        minBytes: 1,
        maxBytes: BYTES_PER_PARTITION * 8,
        maxWaitTime: 1_000,
        topics: [
          {
            topicId,
            partitions: open.map(({ partition, position }) => ({
              partition,
              fetchOffset: position,
              partitionMaxBytes: BYTES_PER_PARTITION,
              currentLeaderEpoch: -1,
              lastFetchedEpoch: -1,
            })),
          },
        ],
      })
      for (const { partitionIndex, records } of response.responses[0]?.partitions ?? [])
        for (const batch of records ?? []) {
          cursors[partitionIndex]!.position = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
          if ((batch.attributes & CONTROL) !== 0) continue
          for (const { offsetDelta, key, value } of batch.records)
            found.push({
              partition: partitionIndex,
              offset: Number(batch.firstOffset) + offsetDelta,
              // Copies: the response's buffer is the client's.
              key: Buffer.from(key ?? ''),
              value: Buffer.from(value ?? ''),
            })
        }
    }
  }
}
