import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { avro, HttpSchemaRegistry } from '@tributary/topology'
import type { Explanation } from '../../src/cli/explain/explanation.ts'
import type { StepTrace } from '../../src/cli/explain/tracer.ts'
import { partitionForKey } from '../../src/wire/murmur2.ts'
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts'
import { tributary } from '../cli/dlq-support.ts'
import { brokers, skip as noBroker } from './kafka-tools.ts'
import { freshId, openClient } from './support.ts'

const registryUrl = process.env['SCHEMA_REGISTRY_URL'] ?? ''
const skip = noBroker || (registryUrl === '' ? 'SCHEMA_REGISTRY_URL names no registry' : false)
const PARTITIONS = 3

test(
  'explain runs a record of a real topic through the topology, and leaves nothing behind',
  { skip },
  async t => {
    const kafka = openClient(t)
    const registry = new HttpSchemaRegistry({ url: registryUrl })
    const prefix = `${freshId('explain')}-`
    const folder = mkdtempSync(join(tmpdir(), 'explain-'))
    t.after(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'topology.ts')
    writeFileSync(
      path,
      `import { greeter } from ${JSON.stringify(import.meta.resolve('../cli/fixtures/greeter.ts'))}
       export const built = greeter(async city => 'sunny in ' + city, { prefix: ${JSON.stringify(prefix)} })`,
    )
    await kafka.admin.createTopics(
      ['bookings', 'customers', 'cities', 'greetings'].map(name => ({
        name: prefix + name,
        partitions: PARTITIONS,
      })),
    )
    const producer = await kafka.createProducer()
    t.after(() => producer.close())
    const put = async (name: string, key: string, value: Uint8Array) => {
      const bytes = Buffer.from(key)
      const partition = partitionForKey(bytes, 0, bytes.length, PARTITIONS)
      const writer = new RecordBatchWriter()
      writer.append({ key: bytes, value, timestampMs: Date.now(), headers: [] })
      const batch = { topic: prefix + name, partition, records: writer.seal(), recordCount: 1 }
      return { partition, offset: (await producer.send(batch)).baseOffset }
    }
    const uses = { read: false, write: true }
    const customers = await avro({
      type: 'record',
      name: 'com.example.Customer',
      fields: [
        { name: 'firstName', type: 'string' },
        { name: 'optedIn', type: 'boolean' },
      ],
    }).open({ topic: `${prefix}customers`, part: 'value', uses, registry })
    const bookings = await avro({
      type: 'record',
      name: 'com.example.Booking',
      fields: [
        { name: 'bookingId', type: 'string' },
        { name: 'cityId', type: 'string' },
      ],
    }).open({ topic: `${prefix}bookings`, part: 'value', uses, registry })
    await put('customers', 'c1', customers.encode({ firstName: 'Eve', optedIn: false }))
    const row = await put('customers', 'c1', customers.encode({ firstName: 'Ada', optedIn: true }))
    await put('cities', 'par', Buffer.from('Paris'))
    const place = await put('bookings', 'c1', bookings.encode({ bookingId: 'b1', cityId: 'par' }))

    const explain = async (...args: readonly string[]): Promise<Explanation> => {
      const at = [`${prefix}bookings`, String(place.partition), String(place.offset)]
      const connection = ['--brokers', brokers.join(','), '--registry', registryUrl]
      const { code, out, err } = await tributary(['explain', path, ...at, '--json', ...connection, ...args])
      assert.deepEqual([code, err], [0, ''])
      return JSON.parse(out) as Explanation
    }
    const steps = (traces: readonly StepTrace[]): readonly StepTrace[] =>
      traces.flatMap(trace => [trace, ...steps(trace.next)])
    const quiet = await explain()
    const seen = steps(quiet.runs.flatMap(run => run.steps))
    assert.deepEqual(seen.at(-1)?.events[0]?.kind, 'not-called')
    const joined = seen.flatMap(({ events }) => events).find(event => event.kind === 'row')
    assert.deepEqual(joined?.row, { firstName: 'Ada', optedIn: true })
    assert.deepEqual([joined?.place?.partition, joined?.place?.offset], [row.partition, row.offset])

    const called = await explain('--call')
    assert.deepEqual(
      called.writes.map(({ topic, value }) => [topic, value]),
      [`${prefix}greeter-by-city-repartition`, `${prefix}greetings`].map(topic => [
        topic,
        { text: 'Enjoy Paris, Ada!', weather: 'sunny in Paris' },
      ]),
    )
    const greetings = Array.from({ length: PARTITIONS }, (_, partition) => ({
      topic: `${prefix}greetings`,
      partition,
    }))
    assert.deepEqual(await kafka.admin.listOffsets(greetings, 'latest', 'read-uncommitted'), [0, 0, 0])
    assert.deepEqual(await kafka.admin.describeTopics([`${prefix}greeter-by-city-repartition`]), [undefined])
    assert.equal(await registry.latest(`${prefix}greetings-value`), undefined)
    assert.equal(await kafka.groups.describe(`${prefix}greeter`), undefined)
  },
)
