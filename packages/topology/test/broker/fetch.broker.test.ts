import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CompressionAlgorithms, Producer } from '@platformatic/kafka'
import type { FetcherOptions } from '../../src/client/ports.ts'
import { createTopic, openClient } from '../conformance/client-conformance.ts'
import { FetchRecorder } from '../conformance/fetch-recorder.ts'
import { produce } from '../conformance/produce.ts'
import { until } from '../conformance/until.ts'
import {
  brokers,
  createBrokerClient,
  message,
  openTransactionalProducer,
  skip,
  stableUpTo,
  watchConnections,
} from './kafka-tools.ts'

const subject = { createClient: createBrokerClient }

for (const compression of Object.values(CompressionAlgorithms)) {
  test(`records that are compressed with ${compression} are read`, { skip }, async t => {
    const client = await openClient(t, subject)
    const topic = await createTopic(client, 1)
    const producer = new Producer({ clientId: 'topology-test', bootstrapBrokers: brokers, compression })
    t.after(() => producer.close())
    const values = Array.from({ length: 300 }, (_, i) => `${i}: ${'again and '.repeat(i % 4)}`)
    for (let at = 0; at < values.length; at += 100)
      await producer.send({ messages: values.slice(at, at + 100).map(value => message(topic, 0, value)) })
    const recorder = new FetchRecorder(50)
    client.createFetcher().assign({ topic, partition: 0 }, 50, recorder)
    await until('everything is read', () => recorder.position === values.length)
    assert.deepEqual(recorder.values, values.slice(50))
    assert.deepEqual(recorder.errors, [])
  })
}

test(
  'records of aborted and of open transactions are not read, those of committed ones are',
  { skip },
  async t => {
    const client = await openClient(t, subject)
    const topic = await createTopic(client, 1)
    const target = { topic, partition: 0 }
    const [first, second] = [openTransactionalProducer(t), openTransactionalProducer(t)]
    const send = (values: readonly string[]): { messages: ReturnType<typeof message>[] } => ({
      messages: values.map(value => message(topic, 0, value)),
    })

    const committed = await first.beginTransaction()
    await committed.send(send(['c1']))
    const aborted = await second.beginTransaction()
    await aborted.send(send(['a1', 'a2']))
    await committed.send(send(['c2']))
    await aborted.send(send(['a3']))
    await committed.commit()
    await aborted.abort()
    await produce(await client.createProducer(), target, ['plain'])
    // Six records, two markers, and one more: an aborted producer's next transaction counts.
    await stableUpTo(topic, 0, 8)
    const again = await second.beginTransaction()
    await again.send(send(['c3']))
    await again.commit()
    await stableUpTo(topic, 0, 10)
    const open = await first.beginTransaction()
    await open.send(send(['o1']))

    const read = async (options: FetcherOptions, end: number): Promise<FetchRecorder> => {
      const recorder = new FetchRecorder(0)
      client.createFetcher(options).assign(target, 0, recorder)
      await until('everything is read', () => recorder.position === end)
      return recorder
    }
    const stable = await read({ isolation: 'read-committed' }, 10)
    assert.deepEqual(stable.values, ['c1', 'c2', 'plain', 'c3'])
    const { highWatermark, lastStableOffset } = stable.batches.at(-1)!
    assert.deepEqual([lastStableOffset, highWatermark], [10, 11])
    assert.deepEqual(await client.admin.listOffsets([target], 'latest', 'read-committed'), [10])
    assert.deepEqual(await client.admin.listOffsets([target], 'latest', 'read-uncommitted'), [11])
    const all = await read({ isolation: 'read-uncommitted' }, 11)
    assert.deepEqual(all.values, ['c1', 'a1', 'a2', 'c2', 'a3', 'plain', 'c3', 'o1'])
    await open.abort()
  },
)

test('a resumed partition is not held up by the long poll of the others', { skip }, async t => {
  const client = await openClient(t, subject)
  const topic = await createTopic(client, 2)
  const producer = await client.createProducer()
  const maxWaitMs = 2_000
  const fetcher = client.createFetcher({ maxWaitMs })
  const [idle, resumed] = [new FetchRecorder(0), new FetchRecorder(0)]
  fetcher.assign({ topic, partition: 1 }, 0, resumed)
  await produce(producer, { topic, partition: 1 }, ['0'])
  await until('it is read', () => resumed.position === 1)
  fetcher.pause({ topic, partition: 1 })
  fetcher.assign({ topic, partition: 0 }, 0, idle)
  const waits: number[] = []
  for (let i = 1; i <= 9; i += 1) {
    const before = resumed.batches.length
    await produce(producer, { topic, partition: 1 }, [String(i)])
    const start = performance.now()
    fetcher.resume({ topic, partition: 1 })
    await until('it is read', () => resumed.position === i + 1)
    waits.push(performance.now() - start)
    fetcher.pause({ topic, partition: 1 })
    assert.ok(resumed.batches.length > before)
  }
  const median = waits.toSorted((a, b) => a - b)[4]!
  assert.ok(
    median < 100,
    `it took ${waits.map(Math.round).join(', ')} ms, with a long poll of ${maxWaitMs} ms`,
  )
})

test('a broken connection loses, repeats and overtakes no record', { skip }, async t => {
  const connections = watchConnections(t)
  const client = await openClient(t, subject)
  const topic = await createTopic(client, 3)
  const producer = await client.createProducer()
  const fetcher = client.createFetcher()
  const recorders = [0, 1, 2].map(() => new FetchRecorder(0))
  for (const [partition, recorder] of recorders.entries()) fetcher.assign({ topic, partition }, 0, recorder)
  const rounds = 40
  let cut = 0
  for (let round = 0; round < rounds; round += 1) {
    const sent = [0, 1, 2].map(partition =>
      produce(producer, { topic, partition }, [`${round}a`], [`${round}b`, `${round}c`], [`${round}d`]),
    )
    if (round % 4 === 1)
      for (const connection of connections) {
        connections.delete(connection)
        if (connection.isConnected()) cut += 1
        connection.socket?.destroy()
      }
    await Promise.all(sent)
  }
  await until('everything is read', () => recorders.every(({ position }) => position === rounds * 4))
  const expected = Array.from({ length: rounds }, (_, i) =>
    ['a', 'b', 'c', 'd'].map(letter => `${i}${letter}`),
  ).flat()
  for (const { values, errors } of recorders) {
    assert.deepEqual(values, expected)
    assert.deepEqual(errors, [])
  }
  assert.ok(cut > 10, `only ${cut} connections were cut`)
})
