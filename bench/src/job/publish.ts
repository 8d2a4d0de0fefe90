import { ROWS_WRITTEN_AT, type JobRecords } from './records.ts'
import { bookingWriterSchema, schemaText, wideFields } from './schemas.ts'
import { TopicWriter, type TopicWriterPlace } from './topic-writer.ts'
import type { Variant } from './variant.ts'

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

/** Makes the input topics, registers their schemas and fills them. */
export async function publishInputs(place: TopicWriterPlace, records: JobRecords): Promise<void> {
  await createStreamTopic(place, INPUT_TOPICS.bookings, records.variant)
  await publishRows(place, records)
  await publishBookings(place, records)
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
export async function publishRows(place: TopicWriterPlace, records: JobRecords): Promise<void> {
  const { size, variant } = records
  const { partitions } = variant
  const config = { ...settings(variant), 'cleanup.policy': 'compact' }
  const names = [INPUT_TOPICS.customers, INPUT_TOPICS.activities]
  await place.kafka.admin.createTopics(
    names.map(name => ({ name, partitions, replicationFactor: 1, config })),
  )
  const customers = await TopicWriter.open(place, {
    name: INPUT_TOPICS.customers,
    partitions,
    schema: schemaText('customer'),
  })
  for (let index = 0; index < size.customers; index += 1) {
    if (!records.hasRow(index)) continue
    const customer = records.customer(index)
    await customers.write(customer.customerId, customer, ROWS_WRITTEN_AT)
  }
  await customers.close()
  const activities = await TopicWriter.open(place, {
    name: INPUT_TOPICS.activities,
    partitions,
    schema: schemaText('activity'),
  })
  for (let index = 0; index < size.activities; index += 1) {
    const activity = records.activity(index)
    await activities.write(activity.activityId, activity, ROWS_WRITTEN_AT)
  }
  await activities.close()
}

async function publishBookings(place: TopicWriterPlace, records: JobRecords): Promise<void> {
  const { size, variant } = records
  const writer = await TopicWriter.open(place, {
    name: INPUT_TOPICS.bookings,
    partitions: variant.partitions,
    schema: bookingWriterSchema(variant),
  })
  for (let index = 0; index < size.bookings; index += 1) {
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
