import { Producer } from '@platformatic/kafka'
import {
  createApp,
  HttpSchemaRegistry,
  partitionForKey,
  topology,
  type StreamTopic,
  type TableTopic,
} from '@tributary/topology'
import { brokers, registry } from '../src/connection.ts'
import { bookings, customers, greetings } from '../src/topology.ts'

// `npm run try`: sends customers and their bookings, as other systems would, and prints what the topology makes of them.

const producer = new Producer({ clientId: 'try', bootstrapBrokers: brokers })

async function send<V>(
  topic: StreamTopic<string, V> | TableTopic<string, V>,
  rows: [string, V][],
): Promise<void> {
  const uses = { read: false, write: true }
  const schemas = new HttpSchemaRegistry({ url: registry })
  const codec = await topic.value.open({ topic: topic.name, part: 'value', uses, registry: schemas })
  const { partitions } = (await producer.metadata({ topics: [topic.name] })).topics.get(topic.name)!
  const messages = rows.map(([customerId, row]) => {
    const key = Buffer.from(customerId)
    // Where Java's clients put the key, which this client does not do by itself.
    const partition = partitionForKey(key, 0, key.length, partitions.length)
    return { topic: topic.name, key, value: Buffer.from(codec.encode(row)), partition }
  })
  await producer.send({ messages })
}

await send(customers, [
  ['c1', { firstName: 'Ada', optedIn: true }],
  ['c2', { firstName: 'Bob', optedIn: false }],
])
await send(bookings, [
  ['c1', { bookingId: 'b1', city: 'Paris', bookedAt: Date.now() }],
  ['c2', { bookingId: 'b2', city: 'Rome', bookedAt: Date.now() }],
])
await producer.close()
console.log('sent a booking of c1, who opted in, and one of c2, who did not; waiting for a greeting …')

// Reading a topic is a topology, too.
const builder = topology('my-topology-try')
builder.stream(greetings).foreach(({ bookingId, text }, customerId) => {
  console.log(`${customerId}: ${text} (${bookingId})`)
  void reader.close()
})
const reader = createApp(builder.build(), { kafka: { brokers }, registry })
await reader.start()
await reader.ended
