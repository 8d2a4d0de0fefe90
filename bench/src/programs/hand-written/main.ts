import { Consumer, MessagesStreamModes, Producer } from '@platformatic/kafka'
import type { MarketingEvent } from '../../job/event.ts'
import type { Activity, Booking, Customer } from '../../job/records.ts'
import { programPlace, tellTableLoaded, tellTablesLoading } from '../program.ts'
import { FramedEncoder, FramedReader } from './codecs.ts'
import { placesLeft } from './places.ts'
import { loadTable } from './tables.ts'

// What a TypeScript team writes without a library: tables in Maps, a consumer's stream, avsc, one producer.send a batch.
// No rebalancing of the tables, no dead letters, no exactly-once.

const BATCH_RECORDS = 1_000
const COMMIT_INTERVAL_MS = 5_000

const place = programPlace()
const bookings = new FramedReader<Booking>(place.registryUrl, 'booking')
const customers = new FramedReader<Customer>(place.registryUrl, 'customer')
const activities = new FramedReader<Activity>(place.registryUrl, 'activity')
const events = new FramedEncoder('marketing-event', place.eventSchemaId)
await Promise.all([
  bookings.prepare(place.bookings),
  customers.prepare(place.customers),
  activities.prepare(place.activities),
])

tellTablesLoading()
const [customerRows, activityRows] = await Promise.all([
  loadTable(place, place.customers, bytes => customers.read(bytes)),
  loadTable(place, place.activities, bytes => activities.read(bytes)),
])
tellTableLoaded(customerRows.size + activityRows.size)

interface Message {
  readonly topic: string
  readonly key: string
  readonly value: Buffer
  readonly partition: number
}

const producer = new Producer<string, Buffer, Buffer, Buffer>({
  clientId: 'bench-hand-written',
  bootstrapBrokers: [place.broker],
  idempotent: true,
  acks: -1,
  serializers: { key: key => Buffer.from(key!), value: value => value! },
})
const consumer = new Consumer({
  clientId: 'bench-hand-written',
  groupId: place.group,
  bootstrapBrokers: [place.broker],
  // The client's default of 50 MiB makes its parser ten times slower.
  maxBytesPerPartition: 1_048_576,
})
const stream = await consumer.consume({
  topics: [place.bookings],
  mode: MessagesStreamModes.COMMITTED,
  fallbackMode: 'earliest',
  autocommit: false,
})
process.once('SIGTERM', () => process.exit())

let waiting: Message[] = []
/** Those that an API is asked for; all of a batch at once. */
let asked: Promise<Message>[] = []
let next = new Map<number, { offset: bigint; leaderEpoch: number }>()
let committedAt = Date.now()
for await (const { key, value, partition, offset } of stream) {
  const booking = bookings.read(value)
  const event = toEvent(booking)
  next.set(partition, { offset: offset + 1n, leaderEpoch: -1 })
  if (event !== undefined) {
    const to = { topic: place.output, key: key.toString(), partition }
    if (place.steps === 'enriched') asked.push(withPlaces(to, event, booking.activityId))
    else waiting.push({ ...to, value: events.encode(event) })
  }
  // The end of what was fetched: what waits is sent, and not kept until more comes.
  if (waiting.length + asked.length >= BATCH_RECORDS || stream.readableLength === 0) await flush()
}

async function flush(): Promise<void> {
  if (asked.length > 0) {
    waiting.push(...(await Promise.all(asked)))
    asked = []
  }
  if (waiting.length > 0) {
    const messages = waiting
    waiting = []
    await producer.send({ messages })
  }
  if (Date.now() - committedAt < COMMIT_INTERVAL_MS) return
  committedAt = Date.now()
  const offsets = Array.from(next, ([partition, position]) => ({
    topic: place.bookings,
    partition,
    ...position,
  }))
  next = new Map()
  await consumer.commit({ offsets })
}

async function withPlaces(
  to: Omit<Message, 'value'>,
  event: MarketingEvent,
  activityId: string,
): Promise<Message> {
  const { properties } = event
  const title = `${properties.title} (${await placesLeft(place.apiUrl, activityId)} places left)`
  return { ...to, value: events.encode({ ...event, properties: { ...properties, title } }) }
}

function toEvent(booking: Booking): MarketingEvent | undefined {
  if (place.steps === 'filtered' && booking.quantity < 4) return undefined
  const customer = customerRows.get(booking.customerId)
  if (customer === undefined && place.steps !== 'left-join') return undefined
  if (customer !== undefined && !customer.marketingOptIn) return undefined
  const activity = activityRows.get(booking.activityId)
  if (activity === undefined) return undefined
  return {
    name: 'booking_completed',
    externalId: booking.customerId,
    time: booking.bookedAt,
    properties: {
      bookingId: booking.bookingId,
      title: activity.title,
      city: activity.city,
      country: activity.country,
      startsAt: booking.startsAt,
      quantity: booking.quantity,
      amount: booking.price.amount,
      currency: booking.price.currency,
      locale: customer?.locale ?? 'und',
    },
  }
}
