import assert from 'node:assert/strict'
import { test } from 'node:test'
import { topology } from '../../../src/dsl/builder.ts'
import { App } from '../../../src/runtime/app.ts'
import { avro } from '../../../src/serde/avro.ts'
import { defineAvro } from '../../../src/serde/avro-schema.ts'
import { InMemorySchemaRegistry } from '../../../src/serde/in-memory-schema-registry.ts'
import { string } from '../../../src/serde/primitives.ts'
import { createFakeClient } from '../../../src/testing/fake-client.ts'
import { streamTopic, tableTopic } from '../../../src/topic.ts'
import { until } from '../../../../../test-support/until.ts'
import { encoded, openSerde } from '../../serde/support.ts'

const present = defineAvro({
  type: 'record',
  name: 'Customer',
  fields: [
    { name: 'name', type: 'string' },
    { name: 'city', type: 'string', default: 'nowhere' },
  ],
} as const)
const past = defineAvro({
  type: 'record',
  name: 'Customer',
  fields: [{ name: 'name', type: 'string' }],
} as const)
const future = defineAvro({
  type: 'record',
  name: 'Customer',
  fields: [
    { name: 'tier', type: 'int', default: 0 },
    { name: 'city', type: 'string', default: 'nowhere' },
    { name: 'name', type: 'string' },
  ],
} as const)

test('rows of older and newer schemas are joined, loaded or followed, and headers that repeat do no harm', async t => {
  const registry = new InMemorySchemaRegistry()
  const kafka = createFakeClient({
    topics: [
      { name: 'words', partitions: 1 },
      { name: 'shouts', partitions: 1 },
      { name: 'customers', partitions: 1, cleanupPolicy: 'compact' },
    ],
  })
  const writerOf = { registry, topic: 'customers', read: false }
  const headers = [
    ['trace', Buffer.from('1')],
    ['trace', Buffer.from('2')],
    ['trace', null],
  ] as const
  const rows = {
    past: encoded(await openSerde(avro(past), writerOf), { name: 'Ada' }),
    present: encoded(await openSerde(avro(present), writerOf), {
      name: 'Bob',
      city: 'Bonn',
    }),
    future: encoded(await openSerde(avro(future), writerOf), {
      name: 'Cyd',
      city: 'Cork',
      tier: 3,
    }),
  }
  const putRows = (suffix: string): void => {
    for (const [key, value] of Object.entries(rows))
      kafka.put('customers', { key: key + suffix, value, headers })
    kafka.put('customers', { key: `bad${suffix}`, value: 'no frame', headers })
  }
  const builder = topology('evolving')
  const key = string()
  const customers = builder.table(tableTopic('customers', { key, value: avro(present) }))
  builder
    .stream(streamTopic('words', { key, value: string() }))
    .join(customers, {
      joiner: (word, { name, city }) => `${word} ${name} ${city}`,
    })
    .to(streamTopic('shouts', { key, value: string() }))
  const app = new App(
    builder.build().compiled,
    { kafka, commitIntervalMs: 10, lingerMs: 1, shutdownTimeoutMs: 1_000 },
    { connect: () => ({ kafka, registry }) },
  )
  t.after(() => app.close().catch(() => undefined))
  const join = async (suffix: string, count: number): Promise<void> => {
    for (const name of Object.keys(rows)) kafka.put('words', { key: name + suffix, value: 'hi' })
    await until('they are joined', () => kafka.records('shouts').length === count)
    assert.deepEqual(
      kafka
        .records('shouts')
        .slice(-3)
        .map(({ value }) => String(value)),
      ['hi Ada nowhere', 'hi Bob Bonn', 'hi Cyd Cork'],
    )
  }
  putRows('')
  await app.start()
  await join('', 3)
  putRows('-later')
  await until('they are followed', () => app.stats().tables[0]?.partitions[0]?.position === 8)
  await join('-later', 6)
  const letters = kafka.records('evolving-dead-letters')
  assert.deepEqual(
    letters.map(({ key: letterKey }) => String(letterKey)),
    ['bad', 'bad-later'],
  )
  for (const letter of letters) assert.deepEqual(letter.headers.slice(0, headers.length), headers)
  assert.deepEqual(app.stats().counters.deadLettersByCode, {
    TOPOLOGY_DESERIALIZATION_FAILED: 2,
  })
})
