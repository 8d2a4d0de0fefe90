import { ROWS_WRITTEN_AT, type JobRecords } from './records.ts'
import { bookingWriterSchema, schemaText, wideFields } from './schemas.ts'
import { TopicWriter, type TopicWriterPlace } from './topic-writer.ts'
import type { Variant } from './variant.ts'

export interface InputTopics {
  readonly bookings: string
  readonly customers: string
  readonly activities: string
  /** With the rows of the customers. */
  readonly extraTables: readonly string[]
}

export function inputTopics(prefix: string, { extraTables }: Variant): InputTopics {
  return {
    bookings: `${prefix}-bookings`,
    customers: `${prefix}-customers`,
    activities: `${prefix}-activities`,
    extraTables: Array.from({ length: extraTables }, (_, index) => `${prefix}-customers-${index + 2}`),
  }
}

/** Makes the input topics, registers their schemas and fills them. */
export async function publishInputs(
  place: TopicWriterPlace,
  records: JobRecords,
  topics: InputTopics,
): Promise<void> {
  await createStreamTopic(place, topics.bookings, records.variant)
  await publishRows(place, records, topics)
  await publishBookings(place, records, topics.bookings)
}

export async function createStreamTopic(
  place: TopicWriterPlace,
  name: string,
  variant: Variant,
): Promise<void> {
  const { partitions } = variant
  await place.kafka.admin.createTopics([
    { name, partitions, replicationFactor: 1, config: settings(variant) },
  ])
}

/** Customers and activities, whose keys are all different: there is nothing to compact. */
export async function publishRows(
  place: TopicWriterPlace,
  records: JobRecords,
  topics: InputTopics,
): Promise<void> {
  const { variant } = records
  const config = { ...settings(variant), 'cleanup.policy': 'compact' }
  const names = [topics.customers, ...topics.extraTables, topics.activities]
  await place.kafka.admin.createTopics(
    names.map(name => ({ name, partitions: variant.partitions, replicationFactor: 1, config })),
  )
  for (const topic of [topics.customers, ...topics.extraTables]) await publishCustomers(place, records, topic)
  await publishActivities(place, records, topics.activities)
}

async function publishCustomers(place: TopicWriterPlace, records: JobRecords, name: string): Promise<void> {
  const { partitions } = records.variant
  const writer = await TopicWriter.open(place, { name, partitions, schema: schemaText('customer') })
  for (let index = 0; index < records.size.customers; index += 1) {
    if (!records.hasRow(index)) continue
    const customer = records.customer(index)
    const waiting = writer.write(customer.customerId, customer, ROWS_WRITTEN_AT)
    if (waiting !== undefined) await waiting
  }
  await writer.close()
}

async function publishActivities(place: TopicWriterPlace, records: JobRecords, name: string): Promise<void> {
  const { partitions } = records.variant
  const writer = await TopicWriter.open(place, { name, partitions, schema: schemaText('activity') })
  for (let index = 0; index < records.size.activities; index += 1) {
    const activity = records.activity(index)
    const waiting = writer.write(activity.activityId, activity, ROWS_WRITTEN_AT)
    if (waiting !== undefined) await waiting
  }
  await writer.close()
}

/** Those with the indices `[first, end)`. */
export async function publishBookings(
  place: TopicWriterPlace,
  records: JobRecords,
  name: string,
  [first, end]: readonly [number, number] = [0, records.size.bookings],
): Promise<void> {
  const { variant } = records
  const writer = await TopicWriter.open(place, {
    name,
    partitions: variant.partitions,
    schema: bookingWriterSchema(variant),
  })
  for (let index = first; index < end; index += 1) {
    const booking = records.booking(index)
    const value = variant.shape === 'wide' ? { ...booking, ...wideFields(index) } : booking
    const waiting = writer.write(booking.customerId, value, booking.bookedAt)
    if (waiting !== undefined) await waiting
  }
  await writer.close()
}

function settings({ compression }: Variant): Readonly<Record<string, string>> {
  return { 'compression.type': compression === 'none' ? 'producer' : compression, 'retention.ms': '-1' }
}
