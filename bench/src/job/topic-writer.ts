import {
  partitionForKey,
  type BatchProducer,
  type KafkaClient,
  type SchemaRegistry,
} from '@tributary/topology'
import { RecordBatchWriter } from '../../../packages/topology/src/wire/record-batch-writer.ts'
import { FramedWriter } from './schemas.ts'

/** What a producer with default settings fills. */
const BATCH_BYTES = 16_384
const BATCHES_UNDER_WAY = 64
/** Of one partition, when what waits is sent before it fills: as many as Java's producer has under way at once. */
const FLUSHED_UNDER_WAY = 5

export interface TopicWriterPlace {
  readonly kafka: KafkaClient
  readonly registry: SchemaRegistry
}

/** Writes keyed Avro records as Java's producer would place them: a batch per partition fills, several are under way. */
export class TopicWriter {
  readonly #topic: string
  readonly #value: FramedWriter
  readonly #batches: readonly RecordBatchWriter[]
  readonly #producer: BatchProducer
  readonly #underWay = new Set<Promise<unknown>>()
  readonly #underWayOf: number[]

  private constructor(topic: string, value: FramedWriter, partitions: number, producer: BatchProducer) {
    this.#topic = topic
    this.#value = value
    this.#batches = Array.from({ length: partitions }, () => new RecordBatchWriter(BATCH_BYTES * 2))
    this.#producer = producer
    this.#underWayOf = this.#batches.map(() => 0)
  }

  /** Registers the schema for the topic, which is there already. */
  static async open(
    place: TopicWriterPlace,
    topic: { readonly name: string; readonly partitions: number; readonly schema: string },
  ): Promise<TopicWriter> {
    const id = await place.registry.register(`${topic.name}-value`, topic.schema)
    const value = new FramedWriter(topic.schema, id)
    return new TopicWriter(topic.name, value, topic.partitions, await place.kafka.createProducer())
  }

  /** A promise only where enough is under way, so that millions of calls need not be waited for. */
  write(key: string, value: unknown, timestampMs: number): Promise<unknown> | undefined {
    const keyBytes = Buffer.from(key)
    const partition = partitionForKey(keyBytes, 0, keyBytes.length, this.#batches.length)
    const batch = this.#batches[partition]!
    const bytes = this.#value.write(value)
    if (batch.count > 0 && batch.byteLength + keyBytes.length + bytes.length > BATCH_BYTES)
      this.#send(partition)
    batch.appendRecord(keyBytes, bytes, timestampMs)
    return this.#underWay.size > BATCHES_UNDER_WAY ? Promise.race(this.#underWay) : undefined
  }

  /** A row that is no more. */
  writeTombstone(key: string, timestampMs: number): void {
    const keyBytes = Buffer.from(key)
    const partition = partitionForKey(keyBytes, 0, keyBytes.length, this.#batches.length)
    this.#batches[partition]!.appendRecord(keyBytes, null, timestampMs)
  }

  /** Sends what waits, but for partitions whose broker is behind: their batches fill meanwhile. */
  flush(): void {
    this.#batches.forEach((batch, partition) => {
      if (batch.count > 0 && this.#underWayOf[partition]! < FLUSHED_UNDER_WAY) this.#send(partition)
    })
  }

  async close(): Promise<void> {
    this.#batches.forEach((batch, partition) => {
      if (batch.count > 0) this.#send(partition)
    })
    await Promise.all(this.#underWay)
    await this.#producer.close()
  }

  #send(partition: number): void {
    const recordCount = this.#batches[partition]!.count
    this.#underWayOf[partition]! += 1
    const sending = this.#producer
      .send({ topic: this.#topic, partition, recordCount, records: this.#batches[partition]!.seal() })
      .finally(() => {
        this.#underWay.delete(sending)
        this.#underWayOf[partition]! -= 1
      })
    this.#underWay.add(sending)
  }
}
