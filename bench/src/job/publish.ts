import type { HttpSchemaRegistry, KafkaClient } from '@tributary/topology'
import { partitionForKey } from '@tributary/topology'
import { RecordBatchWriter } from '../../../packages/topology/src/wire/record-batch-writer.ts'
import { ROWS_WRITTEN_AT, type JobRecords } from './records.ts'
import { bookingWriterSchema, FramedWriter, schemaText, wideFields } from './schemas.ts'

export interface InputTopics {
  readonly bookings: string
  readonly customers: string
  readonly activities: string
}

export const INPUT_TOPICS: InputTopics = {
  bookings: 'bench-bookings',
  customers: 'bench-customers',
  activities: 'bench-activities',
}

/** What a producer with default settings fills. */
const BATCH_BYTES = 16_384
const BATCHES_UNDER_WAY = 64

interface Ground {
  readonly kafka: KafkaClient
  readonly registry: HttpSchemaRegistry
}

/** Makes the input topics, registers their schemas and fills them. */
export async function publishInputs(ground: Ground, records: JobRecords): Promise<void> {
  const { partitions, compression } = records.variant
  const settings = {
    'compression.type': compression === 'none' ? 'producer' : compression,
    'retention.ms': '-1',
  }
  await ground.kafka.admin.createTopics(
    [
      { name: INPUT_TOPICS.bookings, config: settings },
      // Compacted by name only: nothing may be cleaned away while runs go on.
      {
        name: INPUT_TOPICS.customers,
        config: { ...settings, 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '1' },
      },
      {
        name: INPUT_TOPICS.activities,
        config: { ...settings, 'cleanup.policy': 'compact', 'min.cleanable.dirty.ratio': '1' },
      },
    ].map(topic => ({ ...topic, partitions, replicationFactor: 1 })),
  )
  await publishRows(ground, records)
  await publishBookings(ground, records)
}

async function publishRows(ground: Ground, records: JobRecords): Promise<void> {
  const { size } = records
  const customers = await TopicWriter.open(ground, records, INPUT_TOPICS.customers, schemaText('customer'))
  for (let index = 0; index < size.customers; index += 1) {
    if (!records.hasRow(index)) continue
    const customer = records.customer(index)
    await customers.write(customer.customerId, customer, ROWS_WRITTEN_AT)
  }
  await customers.close()
  const activities = await TopicWriter.open(ground, records, INPUT_TOPICS.activities, schemaText('activity'))
  for (let index = 0; index < size.activities; index += 1) {
    const activity = records.activity(index)
    await activities.write(activity.activityId, activity, ROWS_WRITTEN_AT)
  }
  await activities.close()
}

async function publishBookings(ground: Ground, records: JobRecords): Promise<void> {
  const { size, variant } = records
  const writer = await TopicWriter.open(ground, records, INPUT_TOPICS.bookings, bookingWriterSchema(variant))
  for (let index = 0; index < size.bookings; index += 1) {
    const booking = records.booking(index)
    const value = variant.shape === 'wide' ? { ...booking, ...wideFields(index) } : booking
    const waiting = writer.write(booking.customerId, value, booking.bookedAt)
    if (waiting !== undefined) await waiting
  }
  await writer.close()
}

/** Fills a batch per partition; several are under way at once. */
class TopicWriter {
  readonly #topic: string
  readonly #value: FramedWriter
  readonly #batches: readonly RecordBatchWriter[]
  readonly #producer: Awaited<ReturnType<KafkaClient['createProducer']>>
  readonly #underWay = new Set<Promise<unknown>>()

  private constructor(
    topic: string,
    value: FramedWriter,
    partitions: number,
    producer: Awaited<ReturnType<KafkaClient['createProducer']>>,
  ) {
    this.#topic = topic
    this.#value = value
    this.#batches = Array.from({ length: partitions }, () => new RecordBatchWriter(BATCH_BYTES * 2))
    this.#producer = producer
  }

  static async open(
    ground: Ground,
    records: JobRecords,
    topic: string,
    schema: string,
  ): Promise<TopicWriter> {
    const id = await ground.registry.register(`${topic}-value`, schema)
    const value = new FramedWriter(schema, id)
    return new TopicWriter(topic, value, records.variant.partitions, await ground.kafka.createProducer())
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

  async close(): Promise<void> {
    this.#batches.forEach((batch, partition) => {
      if (batch.count > 0) this.#send(partition)
    })
    await Promise.all(this.#underWay)
    await this.#producer.close()
  }

  #send(partition: number): void {
    const recordCount = this.#batches[partition]!.count
    const sending = this.#producer
      .send({ topic: this.#topic, partition, recordCount, records: this.#batches[partition]!.seal() })
      .finally(() => this.#underWay.delete(sending))
    this.#underWay.add(sending)
  }
}
