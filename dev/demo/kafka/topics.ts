import type { Admin } from '@platformatic/kafka'
import { activities, customerEvents, customers, marketingEvents } from '@tributary/marketing-events'
import { DemoError } from '../demo-error.ts'

/** Not a power of two, on purpose: there, a client with another hash than Java's places half of the keys elsewhere. */
export const PARTITIONS = 6

export const TOPICS = [customerEvents, customers, activities, marketingEvents] as const

/** Consumer groups by the name of their service, with the topic that each reads. */
export const GROUPS = {
  'marketing-events': customerEvents.name,
  'braze-sink': marketingEvents.name,
} as const

/** The applications make these themselves. */
export const DEAD_LETTER_TOPICS = ['marketing-events-dead-letters', 'braze-sink-dead-letters'] as const
const MEMORY_TOPIC = 'braze-sink-memory'

/** @throws DemoError DEMO_TOPICS_EXIST: their records would be taken for the demo's. */
export async function refuseExistingTopics(admin: Admin, brokers: readonly string[]): Promise<void> {
  const taken = await existingTopics(admin)
  if (taken.length === 0) return
  throw new DemoError(
    'DEMO_TOPICS_EXIST',
    `The Kafka at ${brokers.join(',')} has the topics ${taken.join(', ')} already, and the demo needs them empty: unset KAFKA_BROKERS to have a Kafka started for it, or delete them.`,
  )
}

export async function createTopics(admin: Admin): Promise<void> {
  for (const policy of ['delete', 'compact'] as const) {
    const topics = TOPICS.filter(({ kind }) => (kind === 'table') === (policy === 'compact'))
    await admin.createTopics({
      topics: topics.map(({ name }) => name),
      partitions: PARTITIONS,
      // What the brokers are configured for.
      replicas: -1,
      configs: [{ name: 'cleanup.policy', value: policy }],
    })
  }
}

/** Leaves a Kafka that was there before as it was; the services must have ended. */
export async function deleteTopicsAndGroups(admin: Admin): Promise<void> {
  // By default the client asks for classic groups only, and these follow the newer protocol.
  const existing = await admin.listGroups({ types: ['classic', 'consumer'] })
  const groups = Object.keys(GROUPS).filter(name => existing.has(name))
  if (groups.length > 0) await admin.deleteGroups({ groups })
  const topics = await existingTopics(admin)
  if (topics.length > 0) await admin.deleteTopics({ topics })
}

async function existingTopics(admin: Admin): Promise<string[]> {
  const existing = new Set(await admin.listTopics())
  const names = [...TOPICS.map(({ name }) => name), ...DEAD_LETTER_TOPICS, MEMORY_TOPIC]
  return names.filter(name => existing.has(name))
}
