import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { topology } from '../../src/dsl/builder.ts'
import type { AppConfig } from '../../src/config.ts'
import type { Topology } from '../../src/plan/topology.ts'
import { App } from '../../src/runtime/app.ts'
import { avro } from '../../src/serde/avro.ts'
import { InMemorySchemaRegistry } from '../../src/serde/in-memory-schema-registry.ts'
import { json, string } from '../../src/serde/primitives.ts'
import { createFakeClient, type FakeClient } from '../../src/testing/fake-client.ts'
import { TopologyTestDriver } from '../../src/testing/topology-test-driver.ts'
import { streamTopic } from '../../src/topic.ts'
import { until } from '../../../../test-support/until.ts'

interface Order {
  readonly id: string
  readonly country: string
  readonly price: number
}

const key = string()
const orders = streamTopic('orders', { key, value: json<Order>() })
const germany = streamTopic('orders-de', {
  key,
  value: avro({
    type: 'record',
    name: 'GermanOrder',
    fields: [
      { name: 'id', type: 'string' },
      { name: 'price', type: 'double' },
    ],
  }),
})
const france = streamTopic('orders-fr', {
  key,
  value: avro({ type: 'record', name: 'FrenchOrder', fields: [{ name: 'id', type: 'string' }] }),
})

/** Anything but DE and FR is none of the listed names, which a caller without types does not hear from the compiler. */
function byCountry(): Topology {
  const builder = topology('by-country')
  builder
    .stream(orders)
    .to({ DE: germany, FR: france }, { choose: ({ country }) => country as 'DE' | 'FR', name: 'choice' })
  return builder.build()
}

const order = (id: string, country: string): Order => ({ id, country, price: 12.5 })

function fakeKafka(topics: readonly string[] = ['orders', 'orders-de', 'orders-fr']): FakeClient {
  return createFakeClient({ topics: topics.map(name => ({ name, partitions: 3 })) })
}

function appOn(
  t: TestContext,
  kafka: FakeClient,
  registry: InMemorySchemaRegistry,
  config: Partial<AppConfig> = {},
): App {
  const app = new App(
    byCountry().compiled,
    { kafka, commitIntervalMs: 10, lingerMs: 1, shutdownTimeoutMs: 1_000, ...config },
    { connect: () => ({ kafka, registry }) },
  )
  t.after(() => app.close().catch(() => undefined))
  return app
}

function putOrder(kafka: FakeClient, { id, country, price }: Order): void {
  kafka.put('orders', { key: 'ada', value: JSON.stringify({ id, country, price }) })
}

/** A frame of Confluent's format: a zero byte, then the schema's id. */
const schemaIds = (kafka: FakeClient, topic: string): number[] =>
  kafka.records(topic).map(({ value }) => Buffer.from(value as Uint8Array).readInt32BE(1))

test('each record comes out of the topic that was chosen, written as that topic is', async t => {
  const driver = await TopologyTestDriver.create(byCountry())
  t.after(() => driver.close())
  const input = driver.input(orders)
  for (const [id, country] of [
    ['1', 'DE'],
    ['2', 'FR'],
    ['3', 'DE'],
  ] as const)
    input.put('ada', order(id, country))
  const values = (taken: readonly { readonly value: unknown }[]): unknown[] =>
    taken.map(({ value }) => ({ ...(value as object) }))
  assert.deepEqual(values(driver.output(germany).take()), [
    { id: '1', price: 12.5 },
    { id: '3', price: 12.5 },
  ])
  assert.deepEqual(values(driver.output(france).take()), [{ id: '2' }])
})

test('a choice of no topic is a dead letter by default, and the records around it go on', async t => {
  const driver = await TopologyTestDriver.create(byCountry())
  t.after(() => driver.close())
  const input = driver.input(orders)
  for (const country of ['DE', 'ES', 'DE']) input.put('ada', order(country, country))
  assert.equal(driver.output(germany).take().length, 2)
  const [letter, ...others] = driver.takeDeadLetters()
  assert.equal(others.length, 0)
  assert.equal(letter?.headerTexts['tributary.errors.code'], 'TOPOLOGY_CHOICE_INVALID')
  assert.equal(letter.headerTexts['tributary.errors.step'], 'choice')
  assert.match(
    letter.headerTexts['__streams.errors.message'] ?? '',
    /^choice has chosen 'ES' for orders-\d@1, which is none of its topics; allowed: 'DE', 'FR'$/,
  )
})

test('each listed topic has its schema registered under its own subject at start, before a record is read', async t => {
  const [kafka, registry] = [fakeKafka(), new InMemorySchemaRegistry()]
  const app = appOn(t, kafka, registry)
  await app.start()
  const german = await registry.latest('orders-de-value')
  const french = await registry.latest('orders-fr-value')
  assert.match(german?.schema ?? '', /GermanOrder/)
  assert.match(french?.schema ?? '', /FrenchOrder/)

  for (const [id, country] of [
    ['1', 'DE'],
    ['2', 'FR'],
  ] as const)
    putOrder(kafka, order(id, country))
  await until('both are through', () => app.stats().counters.produced === 2)
  await app.close()
  assert.deepEqual(schemaIds(kafka, 'orders-de'), [german?.id])
  assert.deepEqual(schemaIds(kafka, 'orders-fr'), [french?.id])
})

test('a listed topic that does not exist stops the start, chosen or not', async t => {
  const app = appOn(t, fakeKafka(['orders', 'orders-de']), new InMemorySchemaRegistry())
  await assert.rejects(app.start(), {
    code: 'TOPOLOGY_TOPIC_MISSING',
    message: /a topic that does not exist: orders-fr\./,
  })
})

test('a listed topic whose schema does not fit its subject stops the start', async t => {
  const registry = new InMemorySchemaRegistry()
  await registry.register(
    'orders-fr-value',
    JSON.stringify({ type: 'record', name: 'FrenchOrder', fields: [{ name: 'id', type: 'int' }] }),
  )
  const app = appOn(t, fakeKafka(), registry)
  await assert.rejects(app.start(), { code: 'TOPOLOGY_SCHEMA_INCOMPATIBLE', message: /orders-fr-value/ })
})

test('a choice of no topic follows onProductionFailure', async t => {
  const [kafka, registry] = [fakeKafka(), new InMemorySchemaRegistry()]
  const skipping = appOn(t, kafka, registry, { onProductionFailure: 'skip' })
  await skipping.start()
  putOrder(kafka, order('1', 'ES'))
  putOrder(kafka, order('2', 'DE'))
  await until('the second is through', () => kafka.records('orders-de').length === 1)
  assert.deepEqual(skipping.stats().counters.drops, { choice: { 'skipped-processing-failure': 1 } })
  await skipping.close()

  const failing = appOn(t, kafka, registry, {
    onProductionFailure: 'fail',
    onProcessingFailure: 'dead-letter',
  })
  await failing.start()
  putOrder(kafka, order('3', 'ES'))
  await assert.rejects(failing.ended, { code: 'TOPOLOGY_CHOICE_INVALID' })
  assert.deepEqual(kafka.records('by-country-dead-letters'), [])
})
