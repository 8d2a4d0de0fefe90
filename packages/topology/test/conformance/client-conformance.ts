import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import type { KafkaClient } from '../../src/client/ports.ts'
import { TopologyError, type TopologyErrorCode } from '../../src/errors.ts'
import { FetchRecorder } from './fetch-recorder.ts'
import { batchOf, produce } from './produce.ts'
import { until } from './until.ts'

/** One implementation of the client ports. */
export interface ClientUnderTest {
  readonly name: string
  /** Another client of the same cluster. */
  createClient(): KafkaClient
  /** Leaves an offset at the end of the partition that holds no record, and says where the log ends now. */
  appendMarker(topic: string, partition: number): Promise<number>
  /** Deletes the records before the offset. */
  deleteBefore(topic: string, partition: number, offset: number): Promise<void>
}

export function isCode(code: TopologyErrorCode): (error: unknown) => boolean {
  return error => {
    assert.ok(TopologyError.is(error), String(error))
    assert.equal(error.code, code)
    return true
  }
}

export async function openClient(
  t: TestContext,
  subject: Pick<ClientUnderTest, 'createClient'>,
): Promise<KafkaClient> {
  const client = subject.createClient()
  t.after(() => client.close())
  return Promise.resolve(client)
}

export async function createTopic(client: KafkaClient, partitions: number): Promise<string> {
  const topic = `conformance-${randomUUID()}`
  await client.admin.createTopics([{ name: topic, partitions }])
  return topic
}

/** What every implementation of admin, producer and fetcher does. `group-conformance.ts` is about groups. */
export function clientConformance(subject: ClientUnderTest): void {
  adminConformance(subject)
  producerConformance(subject)
  fetcherConformance(subject)
}

function adminConformance(subject: ClientUnderTest): void {
  const { name } = subject

  test(`${name}: topics are created as asked, described, and left alone when they exist`, async t => {
    const { admin } = await openClient(t, subject)
    const topic = `conformance-${randomUUID()}`
    const config = { 'cleanup.policy': 'compact' }
    await admin.createTopics([{ name: topic, partitions: 6, config }])
    await admin.createTopics([{ name: topic, partitions: 3 }])
    assert.deepEqual(await admin.describeTopics([`${topic}-none`, topic]), [
      undefined,
      { name: topic, partitions: 6, cleanupPolicy: 'compact' },
    ])
    assert.deepEqual(await admin.describeTopics([]), [])
  })

  test(`${name}: offsets are listed by position and by time`, async t => {
    const client = await openClient(t, subject)
    const topic = await createTopic(client, 2)
    const producer = await client.createProducer()
    const at = (value: string, timestampMs: number): { value: string; timestampMs: number } => ({
      value,
      timestampMs,
    })
    await produce(producer, { topic, partition: 1 }, [at('a', 1_000), at('b', 2_000)], [at('c', 3_000)])
    await subject.deleteBefore(topic, 1, 1)
    const partitions = [
      { topic, partition: 1 },
      { topic, partition: 0 },
    ]
    for (const [spec, expected] of [
      ['earliest', [1, 0]],
      ['latest', [3, 0]],
      [{ timestampMs: 2_500 }, [2, 0]],
      [{ timestampMs: 3_001 }, [3, 0]],
    ] as const)
      assert.deepEqual(
        await client.admin.listOffsets(partitions, spec, 'read-committed'),
        expected,
        JSON.stringify(spec),
      )
    assert.deepEqual(await client.admin.listOffsets([], 'latest', 'read-uncommitted'), [])
  })
}

function producerConformance(subject: ClientUnderTest): void {
  const { name } = subject

  test(`${name}: batches of a partition are appended in the order of the calls`, async t => {
    const client = await openClient(t, subject)
    const topic = await createTopic(client, 3)
    const producer = await client.createProducer()
    const batches = Array.from({ length: 40 }, (_, i) => [`${i}a`, `${i}b`, `${i}c`])
    const partitions = [0, 1, 2]
    const offsets = await Promise.all(
      partitions.map(partition => produce(producer, { topic, partition }, ...batches)),
    )
    for (const partition of partitions) {
      assert.deepEqual(
        offsets[partition],
        batches.map((_, i) => i * 3),
      )
      const recorder = new FetchRecorder(0)
      client.createFetcher().assign({ topic, partition }, 0, recorder)
      await until('everything is read', () => recorder.position === 120)
      assert.deepEqual(recorder.values, batches.flat())
    }
  })

  test(`${name}: what a producer abandons rejects, and what comes afterwards does not wait for it`, async t => {
    const client = await openClient(t, subject)
    const topic = await createTopic(client, 1)
    const target = { topic, partition: 0 }
    const producer = await client.createProducer()
    await produce(producer, target, ['a'])
    const sends = ['b', 'c'].map(value => producer.send({ ...target, ...batchOf([value]) }))
    producer.abandon(new TopologyError('TOPOLOGY_MEMBER_FENCED', 'given up'))
    const outcomes = await Promise.allSettled([...sends, producer.send({ ...target, ...batchOf(['d']) })])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected', 'fulfilled'],
    )
    producer.abandon(new TopologyError('TOPOLOGY_MEMBER_FENCED', 'nothing is to be given up'))
    await produce(producer, target, ['e'])
    const recorder = new FetchRecorder(0)
    client.createFetcher().assign(target, 0, recorder)
    await until('everything is read', () => recorder.values.includes('e'))
    // What was under way may have been appended.
    const certain = recorder.values.filter(value => value !== 'b' && value !== 'c')
    assert.deepEqual(certain, ['a', 'd', 'e'])
  })

  test(`${name}: a closed producer takes nothing more`, async t => {
    const client = await openClient(t, subject)
    const topic = await createTopic(client, 1)
    const producer = await client.createProducer()
    await produce(producer, { topic, partition: 0 }, ['a'])
    await producer.close()
    await assert.rejects(produce(producer, { topic, partition: 0 }, ['b']), isCode('TOPOLOGY_CLOSED'))
  })
}

function fetcherConformance(subject: ClientUnderTest): void {
  const { name } = subject

  test(`${name}: a fetch begins at its offset, also within a batch, and follows what is appended`, async t => {
    const client = await openClient(t, subject)
    const topic = await createTopic(client, 1)
    const target = { topic, partition: 0 }
    const producer = await client.createProducer()
    await produce(producer, target, ['a', 'b', 'c'], ['d'])
    const recorder = new FetchRecorder(1)
    client.createFetcher().assign(target, 1, recorder)
    await until('the old records are read', () => recorder.position === 4)
    await produce(producer, target, ['e'])
    await until('the new record is read', () => recorder.position === 5)
    assert.deepEqual(recorder.values, ['b', 'c', 'd', 'e'])
    assert.deepEqual(recorder.offsets, [1, 2, 3, 4])
    const { highWatermark, lastStableOffset } = recorder.batches.at(-1)!
    assert.deepEqual([highWatermark, lastStableOffset], [5, 5])
  })

  test(`${name}: an empty partition is heard of, and so is one with nothing new`, async t => {
    const client = await openClient(t, subject)
    const topic = await createTopic(client, 2)
    const producer = await client.createProducer()
    await produce(producer, { topic, partition: 1 }, ['a'])
    const fetcher = client.createFetcher({ maxWaitMs: 20 })
    const recorders = [new FetchRecorder(0), new FetchRecorder(1)]
    for (const [partition, recorder] of recorders.entries())
      fetcher.assign({ topic, partition }, recorder.position, recorder)
    await until('both have heard', () => recorders.every(recorder => recorder.batches.length > 0))
    assert.deepEqual(
      recorders.map(({ batches, position }) => [
        batches[0]!.records.length,
        batches[0]!.highWatermark,
        position,
      ]),
      [
        [0, 0, 0],
        [0, 1, 1],
      ],
    )
  })

  test(`${name}: the position moves past a marker at the end of the log, to where the log ends`, async t => {
    const client = await openClient(t, subject)
    const topic = await createTopic(client, 1)
    const target = { topic, partition: 0 }
    await produce(await client.createProducer(), target, ['a'])
    const end = await subject.appendMarker(topic, 0)
    assert.deepEqual(await client.admin.listOffsets([target], 'latest', 'read-committed'), [end])
    const recorder = new FetchRecorder(0)
    client.createFetcher().assign(target, 0, recorder)
    await until('the position is at the end', () => recorder.position === end)
    assert.ok(recorder.offsets.at(-1)! < end - 1, 'the last offset holds no record')
  })

  test(`${name}: a paused partition stands still, and goes on where it stood`, async t => {
    const client = await openClient(t, subject)
    const topic = await createTopic(client, 2)
    const producer = await client.createProducer()
    const fetcher = client.createFetcher({ maxWaitMs: 20 })
    const [paused, other] = [new FetchRecorder(0), new FetchRecorder(0)]
    fetcher.assign({ topic, partition: 0 }, 0, paused)
    fetcher.assign({ topic, partition: 1 }, 0, other)
    await produce(producer, { topic, partition: 0 }, ['a'])
    await until('the first record is read', () => paused.position === 1)

    fetcher.pause({ topic, partition: 0 })
    // What is under way may still be delivered; it ends with the poll of that time.
    const answered = other.batches.length
    await until('the requests of before are answered', async () => {
      await produce(producer, { topic, partition: 1 }, ['tick'])
      return other.batches.length > answered + 2
    })
    const before = paused.batches.length
    await produce(producer, { topic, partition: 0 }, ['b'], ['c'])
    const end = (await produce(producer, { topic, partition: 1 }, ['after']))[0]! + 1
    await until('the other partition is read to its end', () => other.position === end)
    assert.equal(paused.batches.length, before)

    fetcher.resume({ topic, partition: 0 })
    await until('the rest is read', () => paused.position === 3)
    assert.deepEqual(paused.values, ['a', 'b', 'c'])
  })

  test(`${name}: an unassigned partition is silent, and a new assignment hears nothing of the old one`, async t => {
    const client = await openClient(t, subject)
    const topic = await createTopic(client, 2)
    const producer = await client.createProducer()
    await produce(producer, { topic, partition: 0 }, ['a', 'b'], ['c'])
    const fetcher = client.createFetcher()
    const [first, second, other] = [new FetchRecorder(0), new FetchRecorder(2), new FetchRecorder(0)]
    fetcher.assign({ topic, partition: 0 }, 0, first)
    fetcher.assign({ topic, partition: 1 }, 0, other)
    await until('it is read', () => first.position === 3)
    const heard = first.batches.length
    fetcher.unassign({ topic, partition: 0 })
    // At once, while the old poll is under way. The recorder refuses a batch that is not from its own position.
    fetcher.assign({ topic, partition: 0 }, 2, second)
    await until('the new one is read', () => second.position === 3)
    fetcher.unassign({ topic, partition: 0 })
    await produce(producer, { topic, partition: 0 }, ['d'])
    await produce(producer, { topic, partition: 1 }, ['e'], ['f'])
    await until('the other partition is read', () => other.position === 2)
    assert.deepEqual(second.values, ['c'])
    assert.equal(first.batches.length, heard)
    assert.deepEqual([...first.errors, ...second.errors, ...other.errors], [])
  })

  test(`${name}: an offset that is gone is an error of its partition alone, which can be assigned anew`, async t => {
    const client = await openClient(t, subject)
    const topic = await createTopic(client, 2)
    const producer = await client.createProducer()
    await produce(producer, { topic, partition: 0 }, ['a', 'b'], ['c'])
    await subject.deleteBefore(topic, 0, 2)
    const fetcher = client.createFetcher()
    const [failed, again, other] = [new FetchRecorder(0), new FetchRecorder(2), new FetchRecorder(0)]
    fetcher.assign({ topic, partition: 0 }, 0, failed)
    fetcher.assign({ topic, partition: 1 }, 0, other)
    await until('the error is heard', () => failed.errors.length > 0)
    assert.ok(isCode('TOPOLOGY_OFFSET_OUT_OF_RANGE')(failed.errors[0]))
    fetcher.assign({ topic, partition: 0 }, 2, again)
    await until('the rest is read', () => again.position === 3)
    await produce(producer, { topic, partition: 1 }, ['d'])
    await until('the other partition is read', () => other.position === 1)
    assert.deepEqual([failed.values, failed.errors.length, again.values, other.values], [[], 1, ['c'], ['d']])
  })

  test(`${name}: records larger than the limit of a partition arrive one response at a time`, async t => {
    const client = await openClient(t, subject)
    const topic = await createTopic(client, 1)
    const target = { topic, partition: 0 }
    const values = Array.from({ length: 6 }, (_, i) => String(i).repeat(50_000))
    await produce(await client.createProducer(), target, ...values.map(value => [value]))
    const recorder = new FetchRecorder(0)
    client.createFetcher({ maxBytesPerPartition: 1_000 }).assign(target, 0, recorder)
    await until('everything is read', () => recorder.position === 6)
    assert.deepEqual(recorder.values, values)
    assert.equal(recorder.batches.filter(({ records }) => records.length > 0).length, 6)
  })

  test(`${name}: nothing is delivered after a fetcher is closed`, async t => {
    const client = await openClient(t, subject)
    const topic = await createTopic(client, 1)
    const target = { topic, partition: 0 }
    const producer = await client.createProducer()
    const [closed, open] = [new FetchRecorder(0), new FetchRecorder(0)]
    const fetcher = client.createFetcher()
    fetcher.assign(target, 0, closed)
    await produce(producer, target, ['a'])
    await until('it is read', () => closed.position === 1)
    await fetcher.close()
    const heard = closed.batches.length
    client.createFetcher().assign(target, 0, open)
    await produce(producer, target, ['b'])
    await until('another fetcher has read it', () => open.position === 2)
    assert.deepEqual([closed.batches.length, closed.errors], [heard, []])
  })
}
