import { createKafkaClient } from '@tributary/topology'
import { brokers } from '../src/connection.ts'
import { logger } from '../src/log.ts'
import { bookings, customers, greetings } from '../src/topology.ts'

// `npm run topics`: makes the topics that are missing. A topology makes none of its own inputs and outputs: how many
// partitions they have, and how long they keep records, is their owner's decision.

const kafka = createKafkaClient({ brokers, clientId: 'topics', logger })
await kafka.admin.createTopics(
  [bookings, customers, greetings].map(({ name, kind }) => ({
    name,
    // Joined topics need the same number.
    partitions: 6,
    config: { 'cleanup.policy': kind === 'table' ? 'compact' : 'delete' },
  })),
)
await kafka.close()
console.log('the topics are there')
