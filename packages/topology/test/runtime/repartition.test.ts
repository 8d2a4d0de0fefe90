import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { topology } from '../../src/dsl/builder.ts'
import type { Topology } from '../../src/plan/topology.ts'
import { App } from '../../src/runtime/app.ts'
import { json, string } from '../../src/serde/primitives.ts'
import { createFakeClient, type FakeClient } from '../../src/testing/fake-client.ts'
import { TopologyTestDriver } from '../../src/testing/topology-test-driver.ts'
import { streamTopic, tableTopic } from '../../src/topic.ts'
import { partitionForKey } from '../../src/wire/murmur2.ts'

interface Order {
  readonly customer: string | null
  readonly number: number
}

const key = string()
const orders = streamTopic('orders', { key, value: json<Order>() })
const refunds = streamTopic('refunds', { key, value: orders.value })
const customers = tableTopic('customers', { key, value: string() })
const charges = streamTopic('charges', { key, value: string() })

function charging(): Topology {
  const builder = topology('charging')
  builder
    .stream(orders)
    .selectKey(order => order.customer)
    .repartition({ name: 'by-customer', key })
    .join(builder.table(customers), { joiner: ({ number }, name) => `${number} ${name}` })
    .to(charges)
  return builder.build()
}

async function driverOf(t: TestContext, partitions: number): Promise<TopologyTestDriver> {
  const driver = await TopologyTestDriver.create(charging(), { partitions })
  t.after(() => driver.close())
  return driver
}

test('behind a repartition each record meets the row of its new key, in whichever partition it came', async t => {
  const partitions = 7
  const driver = await driverOf(t, partitions)
  const table = driver.table(customers)
  for (let i = 0; i < 11; i += 1) table.put(`c${i}`, `name${i}`)
  const input = driver.input(orders)
  for (let number = 0; number < 300; number += 1)
    input.put(`shop${number % 17}`, { customer: `c${number % 11}`, number })

  const taken = driver.output(charges).take()
  assert.deepEqual(
    taken.map(record => record.value),
    Array.from({ length: 300 }, (_, number) => `${number} name${number % 11}`),
  )
  for (const { key: customer, partition } of taken) {
    const bytes = Buffer.from(customer)
    assert.equal(partition, partitionForKey(bytes, 0, bytes.length, partitions))
  }
})

test('outputs behind a repartition carry the time and the headers of the record that caused them', async t => {
  const driver = await driverOf(t, 3)
  driver.table(customers).put('ada', 'Ada')
  const headers = [['trace', Buffer.from('t-1')] as const]
  driver.input(orders).put('shop', { customer: 'ada', number: 1 }, { timestampMs: 42, headers })
  const [charge] = driver.output(charges).take()
  assert.equal(charge?.timestampMs, 42)
  assert.deepEqual(charge.headers, headers)
})

test('a record without a new key becomes a dead letter of the repartition', async t => {
  const driver = await driverOf(t, 3)
  driver.input(orders).put('shop', { customer: null, number: 1 })
  assert.deepEqual(driver.output(charges).take(), [])
  const [letter, ...others] = driver.takeDeadLetters()
  assert.equal(others.length, 0)
  assert.equal(letter?.headerTexts['tributary.errors.code'], 'TOPOLOGY_KEY_MISSING')
  assert.equal(letter.headerTexts['tributary.errors.step'], 'by-customer')
  assert.deepEqual(driver.counters.drops, {})
})

/** The partition counts of the topics that a start creates. */
async function createdBy(
  t: TestContext,
  built: Topology,
  kafka: FakeClient,
): Promise<Record<string, number>> {
  const app = new App(built.compiled, { kafka }, { connect: () => ({ kafka, registry: undefined }) })
  t.after(() => app.close().catch(() => undefined))
  await app.start()
  const names = built.compiled.repartitions.map(({ topic }) => topic)
  const described = await kafka.admin.describeTopics(names)
  return Object.fromEntries(described.map((topic, i) => [names[i], topic?.partitions ?? 0]))
}

function threeAndFive(): FakeClient {
  return createFakeClient({
    topics: [
      { name: 'orders', partitions: 3 },
      { name: 'refunds', partitions: 5 },
    ],
  })
}

test('an internal topic has as many partitions as the largest source that leads to it, or as many as asked for', async t => {
  const builder = topology('counts')
  const both = builder.stream(orders).merge(builder.stream(refunds))
  both.repartition({ name: 'as-sources', value: orders.value }).foreach(() => {})
  both
    .repartition({ name: 'as-asked', value: orders.value, partitions: 8 })
    .repartition({ name: 'as-the-one-before', value: orders.value })
    .foreach(() => {})
  assert.deepEqual(await createdBy(t, builder.build(), threeAndFive()), {
    'counts-as-sources-repartition': 5,
    'counts-as-asked-repartition': 8,
    'counts-as-the-one-before-repartition': 8,
  })
})

test('an internal topic that exists with another count than was asked for stops the start', async t => {
  const kafka = threeAndFive()
  await kafka.admin.createTopics([{ name: 'counts-again-repartition', partitions: 2 }])
  const builder = topology('counts')
  builder
    .stream(orders)
    .repartition({ name: 'again', partitions: 8 })
    .foreach(() => {})
  await assert.rejects(createdBy(t, builder.build(), kafka), {
    code: 'TOPOLOGY_PARTITION_COUNT_MISMATCH',
    message: /counts-again-repartition has 2 partitions, but its repartition asks for 8/,
  })
})
