import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FetchedBatch, GroupListener } from '../../src/client/ports.ts'
import { TopologyError } from '../../src/errors.ts'
import type { TopicPartition } from '../../src/record.ts'
import { createFakeClient } from '../../src/testing/fake-client.ts'
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts'

const topic = 'orders'

function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

function listen(): { readonly batches: FetchedBatch[]; readonly errors: Error[] } & {
  onBatch(batch: FetchedBatch): void
  onError(partition: TopicPartition, error: Error): void
} {
  const batches: FetchedBatch[] = []
  const errors: Error[] = []
  return {
    batches,
    errors,
    onBatch: batch => batches.push(batch),
    onError: (_partition, error) => errors.push(error),
  }
}

function one(): Buffer {
  const writer = new RecordBatchWriter()
  writer.appendRecord(Buffer.from('k'), Buffer.from('v'), 1)
  return writer.seal()
}

test('what is put is found on the partition that murmur2 names, and is fetched from there', async () => {
  const kafka = createFakeClient({ topics: [{ name: topic, partitions: 6 }] })
  // Java: (murmur2("foobar") & 0x7fffffff) % 6
  const place = kafka.put(topic, {
    key: 'foobar',
    value: 'v',
    timestampMs: 7,
    headers: [['h', Buffer.from('1')]],
  })
  assert.deepEqual(place, { partition: (-790332482 & 0x7fffffff) % 6, offset: 0 })
  const listener = listen()
  kafka.createFetcher().assign({ topic, partition: place.partition }, 0, listener)
  await settled()
  assert.deepEqual(
    listener.batches.map(b => [b.startOffset, b.nextOffset]),
    [
      [0, 1],
      [1, 1],
    ],
  )
  assert.deepEqual(kafka.records(topic), [
    {
      offset: 0,
      timestampMs: 7,
      key: Buffer.from('foobar'),
      value: Buffer.from('v'),
      headers: [['h', Buffer.from('1')]],
    },
  ])
})

test('offsets without a record move the position of a fetch, and idle polls are answered on demand', async () => {
  const kafka = createFakeClient({ topics: [{ name: topic, partitions: 1 }] })
  const listener = listen()
  kafka.createFetcher().assign({ topic, partition: 0 }, 0, listener)
  kafka.skipOffsets(topic, 0, 3)
  await settled()
  kafka.answerIdlePolls()
  await settled()
  assert.deepEqual(
    listener.batches.map(b => [b.records.length, b.startOffset, b.nextOffset]),
    [
      [0, 0, 3],
      [0, 3, 3],
      [0, 3, 3],
    ],
  )
})

test('a fetch below the deleted records or past the end is an error of that partition', async () => {
  const kafka = createFakeClient({ topics: [{ name: topic, partitions: 1 }] })
  kafka.put(topic, { key: null, value: 'a' })
  kafka.put(topic, { key: null, value: 'b' })
  kafka.deleteBefore(topic, 0, 1)
  assert.deepEqual(
    await kafka.admin.listOffsets([{ topic, partition: 0 }], 'earliest', 'read-committed'),
    [1],
  )
  for (const offset of [0, 3]) {
    const listener = listen()
    kafka.createFetcher().assign({ topic, partition: 0 }, offset, listener)
    await settled()
    assert.deepEqual(
      listener.errors.map(error => TopologyError.is(error) && error.code),
      ['TOPOLOGY_OFFSET_OUT_OF_RANGE'],
    )
  }
})

test('acknowledgements can be held back, and sends and commits can be made to fail', async () => {
  const kafka = createFakeClient({ topics: [{ name: topic, partitions: 1 }] })
  const producer = await kafka.createProducer()
  kafka.holdAcks()
  let isAcknowledged = false
  const sending = producer
    .send({ topic, partition: 0, records: one(), recordCount: 1 })
    .then(() => (isAcknowledged = true))
  await settled()
  assert.equal(kafka.endOffset(topic, 0), 1)
  assert.equal(isAcknowledged, false)
  kafka.releaseAcks()
  await sending

  const failure = new TopologyError('TOPOLOGY_RECORD_TOO_LARGE', 'too large')
  kafka.failNextSend(failure)
  await assert.rejects(producer.send({ topic, partition: 0, records: one(), recordCount: 1 }), failure)
  assert.deepEqual(await producer.send({ topic, partition: 0, records: one(), recordCount: 1 }), {
    baseOffset: 1,
  })

  const member = kafka.createGroupMember({ groupId: 'g', topics: [topic] })
  const quiet: GroupListener = {
    onAssigned: () => Promise.resolve(),
    onRevoked: () => Promise.resolve(),
    onLost: () => Promise.resolve(),
    onError: error => assert.fail(error),
  }
  await member.join(quiet)
  await settled()
  kafka.failNextCommit(failure)
  await assert.rejects(member.commit([{ topic, partition: 0, offset: 1 }]), failure)
  await member.commit([{ topic, partition: 0, offset: 1 }])
  assert.equal(kafka.committed('g', topic, 0), 1)
})

test('a member whose session ended loses its partitions, is fenced meanwhile, and joins again', async () => {
  const kafka = createFakeClient({ topics: [{ name: topic, partitions: 4 }] })
  const member = kafka.createGroupMember({ groupId: 'g', topics: [topic] })
  const heard: string[] = []
  let commitWhenLost: Promise<void> = Promise.resolve()
  const names = (partitions: readonly TopicPartition[]): string => partitions.map(p => p.partition).join()
  await member.join({
    onAssigned: async partitions => void heard.push(`assigned ${names(partitions)}`),
    onRevoked: async partitions => void heard.push(`revoked ${names(partitions)}`),
    onLost: async partitions => {
      heard.push(`lost ${names(partitions)}`)
      commitWhenLost = member.commit([{ topic, partition: 0, offset: 9 }])
      await commitWhenLost.catch(() => undefined)
    },
    onError: error => assert.fail(error),
  })
  await settled()
  kafka.expireMember('g', 0)
  await settled()
  assert.deepEqual(heard, ['assigned 0,1,2,3', 'lost 0,1,2,3', 'assigned 0,1,2,3'])
  await assert.rejects(
    commitWhenLost,
    (error: unknown) => TopologyError.is(error) && error.code === 'TOPOLOGY_MEMBER_FENCED',
  )
  await member.leave()
  assert.equal(heard.at(-1), 'revoked 0,1,2,3')
  assert.deepEqual(kafka.assignments('g'), [])
})
