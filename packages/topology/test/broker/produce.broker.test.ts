import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import type { BatchProducer } from '../../src/client/ports.ts'
import { createTopic, isCode, openClient } from '../conformance/client-conformance.ts'
import { FetchRecorder } from '../conformance/fetch-recorder.ts'
import { batchOf, produce } from '../conformance/produce.ts'
import { until } from '../conformance/until.ts'
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts'
import { createBrokerClient, skip, withAdmin } from './kafka-tools.ts'

const subject = { createClient: createBrokerClient }

test('a batch that is too large is refused, and those behind it keep their order', { skip }, async t => {
  const client = await openClient(t, subject)
  const topic = await createTopic(client, 1)
  const target = { topic, partition: 0 }
  const producer = await client.createProducer()
  const send = (values: readonly string[]): ReturnType<BatchProducer['send']> =>
    producer.send({ ...target, ...batchOf(values) })
  await send(['first'])
  const sends = Array.from({ length: 30 }, (_, i) =>
    i % 5 === 2 ? send(['large'.repeat(300_000)]) : send([`${i}a`, `${i}b`]),
  )
  const outcomes = await Promise.allSettled(sends)
  const refused = outcomes.flatMap((outcome, i) =>
    outcome.status === 'rejected' ? [[i, outcome.reason] as const] : [],
  )
  assert.deepEqual(
    refused.map(([i]) => i),
    [2, 7, 12, 17, 22, 27],
  )
  for (const [, reason] of refused) assert.ok(isCode('TOPOLOGY_RECORD_TOO_LARGE')(reason))
  const recorder = new FetchRecorder(0)
  client.createFetcher().assign(target, 0, recorder)
  await until('the rest is read', () => recorder.position === 49)
  const kept = Array.from({ length: 30 }, (_, i) => i).filter(i => i % 5 !== 2)
  assert.deepEqual(recorder.values, ['first', ...kept.flatMap(i => [`${i}a`, `${i}b`])])
})

test('a record without a key is refused by a compacted topic', { skip }, async t => {
  const client = await openClient(t, subject)
  const topic = `produce-${randomUUID()}`
  await client.admin.createTopics([{ name: topic, partitions: 1, config: { 'cleanup.policy': 'compact' } }])
  const producer = await client.createProducer()
  const writer = new RecordBatchWriter()
  writer.appendRecord(null, Buffer.from('value'), 1)
  await assert.rejects(
    producer.send({ topic, partition: 0, records: writer.seal(), recordCount: 1 }),
    isCode('TOPOLOGY_BROKER_ERROR'),
  )
  assert.deepEqual(await produce(producer, { topic, partition: 0 }, ['a']), [0])
})

test('keys, values and headers arrive as they were written', { skip }, async t => {
  const client = await openClient(t, subject)
  const topic = await createTopic(client, 1)
  const writer = new RecordBatchWriter()
  writer.appendRecord(Buffer.from('k'), null, 1_700_000_000_000, [
    ['a', Buffer.from('1')],
    ['a', null],
    ['ü', Buffer.alloc(0)],
  ])
  const records = writer.seal()
  const producer = await client.createProducer()
  await producer.send({ topic, partition: 0, records, recordCount: 1 })
  const fetched = await new Promise<Buffer>((resolve, reject) => {
    client.createFetcher().assign({ topic, partition: 0 }, 0, {
      onBatch: batch => batch.records.length > 0 && resolve(batch.records),
      onError: (_partition, error) => reject(error),
    })
  })
  // The broker adds the leader's epoch, which its checksum does not cover.
  assert.ok(fetched.subarray(16).equals(records.subarray(16)))
})

test('a partition goes on after its records were all deleted', { skip }, async t => {
  const client = await openClient(t, subject)
  const topic = await createTopic(client, 1)
  const target = { topic, partition: 0 }
  const producer = await client.createProducer()
  await produce(producer, target, ['a', 'b'], ['c'])
  await withAdmin(admin =>
    admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 0, offset: 3n }] }] }),
  )
  assert.deepEqual(await produce(producer, target, ['d'], ['e', 'f']), [3, 4])
})
