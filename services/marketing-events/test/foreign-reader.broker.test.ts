import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { Admin, Producer } from '@platformatic/kafka'
import {
  activities,
  customerEvents,
  customers,
  marketingEvents,
  marketingTopology,
  type DomainEvent,
} from '@tributary/marketing-events'
import { createApp, HttpSchemaRegistry, partitionForKey } from '@tributary/topology'
import { openForeignReader, type ForeignRecord } from '../../../test-support/foreign-reader/foreign-reader.ts'
import { prefixedTopology } from '../../../test-support/prefixed-topology.ts'
import { until } from '../../../test-support/until.ts'
import {
  audience,
  domainView,
  events,
  lookupRows,
  marketingView,
  upcomingActivities,
  type SeenEvent,
} from './marketing-day.ts'

// Not a power of two: there, a client with another hash than Java's places half of the keys elsewhere.
const PARTITIONS = 6

const foreign = await openForeignReader(process.env)
const brokers = (process.env['KAFKA_BROKERS'] ?? '').split(',')
const registryUrl = process.env['SCHEMA_REGISTRY_URL'] ?? ''

const prefix = `foreign-${randomUUID().slice(0, 8)}-`
const topics = {
  customerEvents: prefix + customerEvents.name,
  customers: prefix + customers.name,
  activities: prefix + activities.name,
  marketingEvents: prefix + marketingEvents.name,
}

describe(
  'a client in Java that writes the lookups and reads the events',
  { skip: 'skip' in foreign && foreign.skip, timeout: 120_000 },
  () => {
    let seen: readonly ForeignRecord[] = []
    const ofTopic = (topic: string) => seen.filter(record => record.topic === topic)

    before(async () => {
      assert.ok('reader' in foreign)
      await createTopics()
      await Promise.all([foreign.reader.write(lookupRows(topics)), publishEvents()])
      await runMarketingEvents()
      seen = await foreign.reader.read([topics.customerEvents, topics.marketingEvents])
    })

    after(async () => {
      await removeTopics()
      await removeSubjects()
    })

    test('sees every field of the six marketing events as it was written, in the order of each key', () => {
      assertSeen(ofTopic(topics.marketingEvents), marketingView)
    })

    test('sees every field of the six domain events as it was written', () => {
      assertSeen(ofTopic(topics.customerEvents), domainView)
    })

    test('finds its rows joined as it wrote them last, and those that it deleted not at all', () => {
      const accounts = ofTopic(topics.marketingEvents).filter(({ schema }) =>
        schema?.endsWith('.AccountCreated'),
      )
      assert.deepEqual(
        new Map(accounts.map(({ key, value }) => [key, (value as { readonly email: string }).email])),
        new Map(audience.map(({ customerId, email }) => [customerId, email])),
      )
    })

    test('finds every record on the partition where its own partitioner puts the key', () => {
      for (const { topic, key, partition, keyPartition } of seen) {
        assert.equal(partition, keyPartition, `${key} in ${topic}`)
      }
      assert.equal(
        new Set(ofTopic(topics.marketingEvents).map(({ partition }) => partition)).size,
        PARTITIONS,
      )
    })
  },
)

/** All of what the view shows, nothing else, and in the order of each key. */
function assertSeen(
  records: readonly ForeignRecord[],
  view: (event: DomainEvent) => SeenEvent | undefined,
): void {
  const actual = Map.groupBy(
    records.toSorted((a, b) => a.partition - b.partition || a.offset - b.offset),
    ({ key }) => key,
  )
  const expected = Map.groupBy(
    events.filter(event => view(event) !== undefined),
    ({ value }) => value.customerId,
  )
  assert.deepEqual([...actual.keys()].toSorted(), [...expected.keys()].toSorted())
  for (const [key, some] of actual) {
    assert.deepEqual(
      some.map(({ schema, value }) => ({ schema, value })),
      expected.get(key)!.map(view),
      `key ${JSON.stringify(key)}`,
    )
  }
}

/** As the domain services do, with the schemas that this service reads with. */
async function publishEvents(): Promise<void> {
  const registry = new HttpSchemaRegistry({ url: registryUrl })
  const uses = { read: false, write: true }
  const topic = topics.customerEvents
  const key = await customerEvents.key.open({ topic, part: 'key', uses, registry })
  const value = await customerEvents.value.open({ topic, part: 'value', uses, registry })
  const producer = new Producer({ clientId: 'foreign-reader-test', bootstrapBrokers: brokers })
  try {
    const messages = events.map(event => {
      // Copied: the next call of `encode` overwrites what this one returned.
      const keyBytes = Buffer.from(key.encode(event.value.customerId))
      return {
        topic,
        key: keyBytes,
        value: Buffer.from(value.encode(event)),
        partition: partitionForKey(keyBytes, 0, keyBytes.length, PARTITIONS),
      }
    })
    await producer.send({ messages })
  } finally {
    await producer.close()
  }
}

/** Until it has finished every domain event. */
async function runMarketingEvents(): Promise<void> {
  const topology = marketingTopology(customerId => Promise.resolve(upcomingActivities(customerId)))
  const app = createApp(prefixedTopology(topology, prefix), {
    kafka: { brokers },
    registry: registryUrl,
    commitIntervalMs: 100,
    fetchWaitMs: 100,
  })
  const finished = (): number =>
    app
      .stats()
      .tasks.flatMap(({ sources }) => sources)
      .reduce((sum, { committed = 0 }) => sum + committed, 0)
  try {
    await app.start()
    await Promise.race([
      until('every domain event is finished', () => finished() === events.length, { everyMs: 20 }),
      app.ended,
    ])
  } finally {
    await app.close().catch(() => undefined)
  }
}

async function withAdmin(work: (admin: Admin) => Promise<unknown>): Promise<void> {
  const admin = new Admin({ clientId: 'foreign-reader-test', bootstrapBrokers: brokers })
  try {
    await work(admin)
  } finally {
    await admin.close()
  }
}

async function createTopics(): Promise<void> {
  const create = (admin: Admin, names: readonly string[], policy: string) =>
    admin.createTopics({
      topics: [...names],
      partitions: PARTITIONS,
      replicas: -1,
      configs: [{ name: 'cleanup.policy', value: policy }],
    })
  await withAdmin(async admin => {
    await create(admin, [topics.customerEvents, topics.marketingEvents], 'delete')
    await create(admin, [topics.customers, topics.activities], 'compact')
  })
}

async function removeTopics(): Promise<void> {
  await withAdmin(async admin => {
    const names = await admin.listTopics()
    await admin.deleteTopics({ topics: names.filter(name => name.startsWith(prefix)) })
  })
}

async function removeSubjects(): Promise<void> {
  const answer = await fetch(`${registryUrl}/subjects`)
  const subjects = (await answer.json()) as string[]
  for (const subject of subjects.filter(name => name.startsWith(prefix))) {
    await fetch(`${registryUrl}/subjects/${encodeURIComponent(subject)}`, { method: 'DELETE' })
  }
}
