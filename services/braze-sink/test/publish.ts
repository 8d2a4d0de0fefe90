import { marketingEvents, type MarketingEvent } from '@tributary/marketing-events'
import { partitionForKey, type KafkaClient, type SchemaRegistry } from '@tributary/topology'
import { RecordBatchWriter } from '../../../packages/topology/src/wire/record-batch-writer.ts'

export interface Publication {
  readonly kafka: KafkaClient
  readonly registry: SchemaRegistry
  readonly topic?: string
  readonly partitions: number
}

export interface Input {
  readonly key: string
  /** Bytes go in as they are; null is a tombstone. */
  readonly value: MarketingEvent | Uint8Array | null
}

/** Puts marketing events into their topic, each where its key belongs. */
export async function publish(publication: Publication, inputs: readonly Input[]): Promise<void> {
  const { kafka, registry, partitions, topic = marketingEvents.name } = publication
  const uses = { read: false, write: true }
  const codec = await marketingEvents.value.open({ topic, part: 'value', uses, registry })
  const writers = new Map<number, RecordBatchWriter>()
  for (const { key, value } of inputs) {
    const keyBytes = Buffer.from(key)
    const partition = partitionForKey(keyBytes, 0, keyBytes.length, partitions)
    const writer = writers.get(partition) ?? new RecordBatchWriter()
    writers.set(partition, writer)
    const bytes = value === null || value instanceof Uint8Array ? value : Buffer.from(codec.encode(value))
    writer.append({ key: keyBytes, value: bytes, timestampMs: Date.now(), headers: [] })
  }
  const producer = await kafka.createProducer()
  for (const [partition, writer] of writers) {
    const recordCount = writer.count
    await producer.send({ topic, partition, records: writer.seal(), recordCount })
  }
  await producer.close()
}
