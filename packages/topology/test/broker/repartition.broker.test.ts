import assert from 'node:assert/strict'
import { test } from 'node:test'
import { json, string, streamTopic, tableTopic, topology } from '@tributary/topology'
import type { Topology } from '@tributary/topology'
import { until } from '../../../../test-support/until.ts'
import { skip } from './kafka-tools.ts'
import { assertAscending, follow, freshId, openClient, put, start } from './support.ts'

/** Fewer than the table has, so that the number of the internal topic is not the sources' by chance. */
const SOURCE_PARTITIONS = 4
const PARTITIONS = 6
const CUSTOMERS = 13

interface Order {
  readonly customer: string
  readonly number: number
}

interface Charge extends Order {
  readonly name: string
}

interface Topics {
  readonly orders: string
  readonly customers: string
  readonly charges: string
}

/** Orders lie by their shop, customers by their id: the two meet only behind a repartition. */
function charging(id: string, topics: Topics): Topology {
  const builder = topology(id)
  builder
    .stream(streamTopic(topics.orders, { key: string(), value: json<Order>() }))
    .map((order, shop) => ({ key: order.customer, value: { ...order, shop } }))
    .repartition({ name: 'by-customer', key: string(), value: json(), partitions: PARTITIONS })
    .join(builder.table(tableTopic(topics.customers, { key: string(), value: string() })), {
      joiner: (order, name) => ({ ...order, name }),
    })
    .to(streamTopic(topics.charges, { key: string(), value: json() }))
  return builder.build()
}

/** Each shop has a few customers, each customer a few shops. */
const orders = (from: number, to: number): (readonly [shop: string, order: string])[] =>
  Array.from({ length: to - from }, (_, i) => {
    const number = from + i
    const order: Order = { customer: `c${number % CUSTOMERS}`, number }
    return [`s${number % 40}`, JSON.stringify(order)]
  })

for (const groupProtocol of ['consumer', 'classic'] as const) {
  test(
    `a repartitioned join on two instances is complete and in order for each new key (${groupProtocol})`,
    { skip },
    async t => {
      const kafka = openClient(t)
      const id = freshId('charging')
      const topics: Topics = {
        orders: `${id}-orders`,
        customers: `${id}-customers`,
        charges: `${id}-charges`,
      }
      await kafka.admin.createTopics([
        { name: topics.orders, partitions: SOURCE_PARTITIONS },
        { name: topics.customers, partitions: PARTITIONS, config: { 'cleanup.policy': 'compact' } },
        { name: topics.charges, partitions: PARTITIONS },
      ])
      const source = { topic: topics.orders, partitions: SOURCE_PARTITIONS }
      await put(
        kafka,
        { topic: topics.customers, partitions: PARTITIONS },
        Array.from({ length: CUSTOMERS }, (_, i) => [`c${i}`, `name${i}`] as const),
      )
      const seen = follow(t, kafka, { topic: topics.charges, partitions: PARTITIONS })
      const built = charging(id, topics)

      // Both find the internal topic missing, and both create it.
      const [first, second] = await Promise.all([
        start(t, built, { groupProtocol }),
        start(t, built, { groupProtocol }),
      ])
      assert.deepEqual(await kafka.admin.describeTopics([`${id}-by-customer-repartition`]), [
        { name: `${id}-by-customer-repartition`, partitions: PARTITIONS, cleanupPolicy: 'delete' },
      ])
      await put(kafka, source, orders(0, 500))
      await until(
        'both have tasks of both halves',
        () =>
          [first, second].every(app => {
            const halves = new Set(app.stats().tasks.map(task => task.id.split('_')[0]))
            return halves.size === 2
          }),
        { timeoutMs: 30_000 },
      )
      await put(kafka, source, orders(500, 1_000))
      await until('the first 1,000 are through', () => seen.length >= 1_000, { timeoutMs: 30_000 })
      await first.close()
      await put(kafka, source, orders(1_000, 1_500))
      await until('the second has taken over', () => seen.length >= 1_500, { timeoutMs: 30_000 })
      await second.close()

      const charges = seen.map(({ key, value }) => ({
        key,
        ...(JSON.parse(value) as Charge & { shop: string }),
      }))
      assert.deepEqual(
        charges.toSorted((a, b) => a.number - b.number),
        orders(0, 1_500).map(([shop, order]) => {
          const { customer, number } = JSON.parse(order) as Order
          return { key: customer, customer, number, shop, name: `name${customer.slice(1)}` }
        }),
      )
      // What lay in one partition before keeps its order under the new key; a shop lies in one.
      for (const [pair, records] of Map.groupBy(charges, ({ key, shop }) => `${key} of ${shop}`)) {
        assertAscending(
          records.map(({ number }) => number),
          `in order for ${pair}`,
        )
      }
    },
  )
}
