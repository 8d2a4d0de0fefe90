import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { Admin } from '@platformatic/kafka'
import { sinkTopology } from '@tributary/braze-sink'
import { marketingEvents } from '@tributary/marketing-events'
import { createKafkaClient, HttpSchemaRegistry } from '@tributary/topology'
import { prefixedTopology } from '../../../test-support/prefixed-topology.ts'
import { dryRun } from '../src/dry-run.ts'
import { eventsOf } from './fixtures.ts'
import { publish } from './publish.ts'

const brokers = process.env['KAFKA_BROKERS']?.split(',') ?? []
const registryUrl = process.env['SCHEMA_REGISTRY_URL'] ?? ''
const skip =
  brokers.length === 0 || registryUrl === '' ? 'KAFKA_BROKERS or SCHEMA_REGISTRY_URL names no server' : false
const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const PARTITIONS = 3

test(
  'on a broker, a dry run leaves no topic, no group, no offset and no subject behind',
  { skip, timeout: 60_000 },
  async t => {
    const prefix = `dry-run-${randomUUID().slice(0, 8)}-`
    const topic = prefix + marketingEvents.name
    const kafka = createKafkaClient({ brokers, clientId: 'dry-run-test' })
    const admin = new Admin({ clientId: 'dry-run-test', bootstrapBrokers: brokers })
    await kafka.admin.createTopics([{ name: topic, partitions: PARTITIONS }])
    t.after(async () => {
      await admin.deleteTopics({ topics: [topic] })
      await Promise.all([admin.close(), kafka.close()])
    })
    const registry = new HttpSchemaRegistry({ url: registryUrl })
    const customers = ['c-1', 'c-2', 'c-3', 'c-4']
    await publish(
      { kafka, registry, topic, partitions: PARTITIONS },
      customers.flatMap(key => eventsOf(key).map(value => ({ key, value }))),
    )
    const traces = async () => ({
      topics: (await admin.listTopics()).filter(name => name.startsWith(prefix)),
      groups: [...(await admin.listGroups({ types: ['classic', 'consumer'] })).keys()].filter(id =>
        id.startsWith(prefix),
      ),
      memory: await registry.latest(`${prefix}braze-sink-memory-value`),
    })
    const before = await traces()
    assert.deepEqual(before, { topics: [topic], groups: [], memory: undefined })
    const lines: {
      readonly kind: string
      readonly records?: { readonly events?: readonly (readonly string[])[] }
    }[] = []
    await dryRun({
      follow: false,
      limit: undefined,
      kafka,
      registry,
      logger: SILENT,
      braze: { url: 'https://rest.fra-01.braze.eu' },
      topology: destination =>
        prefixedTopology(
          sinkTopology({ destination, lingerMs: 50, maxInFlight: 2, memoryTopic: 'braze-sink-memory' }),
          prefix,
        ),
      print: line => void lines.push(JSON.parse(line)),
      signal: new AbortController().signal,
    })
    const places = lines.flatMap(({ records }) => (records?.events ?? []).flat())
    assert.equal(new Set(places).size, customers.length * 6)
    assert.equal(lines.at(-1)?.kind, 'summary')
    assert.deepEqual(await traces(), before)
  },
)
