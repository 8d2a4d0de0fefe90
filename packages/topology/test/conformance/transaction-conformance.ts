import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test, type TestContext } from 'node:test'
import type { GroupMember, KafkaClient, TransactionalProducer } from '../../src/client/ports.ts'
import { createTopic, isCode, openClient } from './client-conformance.ts'
import { FetchRecorder } from './fetch-recorder.ts'
import { GroupRecorder } from './group-recorder.ts'
import { produce } from './produce.ts'
import { until } from './until.ts'

export interface TransactionsUnderTest {
  readonly name: string
  createClient(): KafkaClient
  /** Resolves once the transactions that are open longer than allowed are aborted. */
  timeOutTransactions(isAborted: () => Promise<boolean>): Promise<void>
  /** Whether a producer may be told the same after that as if another one had taken its place. Default: no. */
  mayBeFencedByTimeout?(): Promise<boolean>
}

interface Scene {
  readonly client: KafkaClient
  readonly topic: string
  readonly producer: TransactionalProducer
  /** Another producer with the same transactional id. */
  succeed(): Promise<TransactionalProducer>
  /** What a reader of committed records has seen of a partition. */
  seen(partition: number): FetchRecorder
  /** Of a reader of committed records. */
  ends(): Promise<readonly number[]>
}

const PARTITIONS = [0, 1]

async function sceneOf(t: TestContext, subject: TransactionsUnderTest, timeoutMs = 60_000): Promise<Scene> {
  const client = await openClient(t, subject)
  const topic = await createTopic(client, PARTITIONS.length)
  const transactionalId = `conformance-${randomUUID()}`
  const fetcher = client.createFetcher({ isolation: 'read-committed', maxWaitMs: 50 })
  const recorders = PARTITIONS.map(partition => {
    const recorder = new FetchRecorder(0)
    fetcher.assign({ topic, partition }, 0, recorder)
    return recorder
  })
  const open = (): Promise<TransactionalProducer> =>
    client.createTransactionalProducer({ transactionalId, timeoutMs })
  return {
    client,
    topic,
    producer: await open(),
    succeed: open,
    seen: partition => recorders[partition]!,
    ends: () =>
      client.admin.listOffsets(
        PARTITIONS.map(partition => ({ topic, partition })),
        'latest',
        'read-committed',
      ),
  }
}

/** A member that has all partitions of the topic. */
async function memberOf({ client, topic }: Scene): Promise<GroupMember> {
  const member = client.createGroupMember({ groupId: `conformance-${randomUUID()}`, topics: [topic] })
  const recorder = new GroupRecorder()
  await member.join(recorder)
  await until('the partitions are assigned', () => recorder.owned.size === PARTITIONS.length)
  return member
}

/** What every transactional producer does. */
export function transactionConformance(subject: TransactionsUnderTest): void {
  visibility(subject)
  fencing(subject)
}

function visibility(subject: TransactionsUnderTest): void {
  const { name } = subject

  test(`${name}: batches of several partitions and offsets become visible together`, async t => {
    const scene = await sceneOf(t, subject)
    const { topic, producer, seen } = scene
    const member = await memberOf(scene)
    const partitions = PARTITIONS.map(partition => ({ topic, partition }))
    for (const [i, value] of ['a', 'b', 'c'].entries())
      await produce(producer, { topic, partition: i % 2 }, [value])
    const offsets = partitions.map(place => ({ ...place, offset: 7 + place.partition }))
    await member.commitThrough(offsets, metadata => producer.commitOffsets(offsets, metadata))
    assert.deepEqual(await scene.ends(), [0, 0])
    assert.deepEqual([seen(0).values, seen(1).values], [[], []])
    await producer.commitTransaction()
    await until('both are read', () => seen(0).values.length === 2 && seen(1).values.length === 1)
    assert.deepEqual([seen(0).values, seen(1).values], [['a', 'c'], ['b']])
    assert.deepEqual(await member.committed(partitions), [7, 8])
  })

  test(`${name}: nothing of an aborted transaction is seen, and the producer goes on`, async t => {
    const scene = await sceneOf(t, subject)
    const { topic, producer, seen } = scene
    const member = await memberOf(scene)
    const at = { topic, partition: 0 }
    await produce(producer, at, ['a'])
    const offsets = [{ ...at, offset: 5 }]
    await member.commitThrough(offsets, metadata => producer.commitOffsets(offsets, metadata))
    await producer.abortTransaction()
    await produce(producer, at, ['b'], ['c'])
    await producer.commitTransaction()
    await until('the second transaction is read', () => seen(0).values.length === 2)
    assert.deepEqual(seen(0).values, ['b', 'c'])
    assert.deepEqual(await member.committed([at]), [undefined])
  })

  test(`${name}: an abort does not wait for what is on its way`, async t => {
    const { topic, producer, seen } = await sceneOf(t, subject)
    const at = { topic, partition: 0 }
    const sent = produce(producer, at, ['a'], ['b'])
    const rejected = assert.rejects(sent, isCode('TOPOLOGY_TRANSACTION_ABORTED'))
    await producer.abortTransaction()
    await produce(producer, at, ['c'])
    await producer.commitTransaction()
    await Promise.race([rejected, sent])
    await until('the second transaction is read', () => seen(0).values.includes('c'))
    assert.deepEqual(seen(0).values, ['c'])
  })

  test(`${name}: one transaction follows the other at once`, async t => {
    const { topic, producer, seen } = await sceneOf(t, subject)
    const expected = Array.from({ length: 30 }, (_, i) => String(i))
    const startedAt = performance.now()
    for (const value of expected) {
      await produce(producer, { topic, partition: 0 }, [value])
      await producer.commitTransaction()
    }
    // Each meets the markers of the one before: a wait of a second for them would show.
    assert.ok(performance.now() - startedAt < 15_000, `${performance.now() - startedAt} ms`)
    await until('all are read', () => seen(0).values.length === expected.length)
    assert.deepEqual(seen(0).values, expected)
  })

  test(`${name}: a transaction without anything in it costs nothing`, async t => {
    const { producer, ends } = await sceneOf(t, subject)
    await producer.commitTransaction()
    await producer.abortTransaction()
    await producer.commitTransaction()
    assert.deepEqual(await ends(), [0, 0])
  })
}

function fencing(subject: TransactionsUnderTest): void {
  const { name } = subject

  test(`${name}: a successor ends the open transaction of its predecessor, and shuts it out`, async t => {
    const { topic, producer, succeed, seen } = await sceneOf(t, subject)
    const at = { topic, partition: 0 }
    await produce(producer, at, ['a'])
    const successor = await succeed()
    await produce(successor, at, ['b'])
    await successor.commitTransaction()
    await until('the successor is read', () => seen(0).values.length === 1)
    assert.deepEqual(seen(0).values, ['b'])
    await assert.rejects(produce(producer, at, ['c']), isCode('TOPOLOGY_TRANSACTION_ABORTED'))
    await assert.rejects(producer.commitTransaction(), isCode('TOPOLOGY_TRANSACTION_ABORTED'))
    await assert.rejects(producer.abortTransaction(), isCode('TOPOLOGY_PRODUCER_FENCED'))
    await produce(successor, at, ['d'])
    await successor.commitTransaction()
    await until('the successor goes on', () => seen(0).values.length === 2)
    assert.deepEqual(seen(0).values, ['b', 'd'])
  })

  test(`${name}: a closed producer leaves no transaction open`, async t => {
    const { topic, producer, ends } = await sceneOf(t, subject)
    await produce(producer, { topic, partition: 0 }, ['a'])
    await producer.close()
    await until('readers are let on', async () => (await ends())[0]! > 0)
  })

  test(`${name}: offsets of a member that has left are refused`, async t => {
    const scene = await sceneOf(t, subject)
    const { topic, producer } = scene
    const member = await memberOf(scene)
    const offsets = [{ topic, partition: 0, offset: 3 }]
    let metadata: Parameters<TransactionalProducer['commitOffsets']>[1] | undefined
    await member.commitThrough(offsets, current => {
      metadata = current
      return Promise.resolve()
    })
    await member.leave()
    await produce(producer, { topic, partition: 0 }, ['a'])
    await assert.rejects(producer.commitOffsets(offsets, metadata!), isCode('TOPOLOGY_MEMBER_FENCED'))
    await producer.abortTransaction()
  })

  test(`${name}: after a transaction that was open for too long the same producer begins another one`, async t => {
    const { topic, producer, seen, ends } = await sceneOf(t, subject, 1_000)
    const at = { topic, partition: 0 }
    await produce(producer, at, ['a'])
    await subject.timeOutTransactions(async () => (await ends())[0]! > 0)
    await assert.rejects(producer.commitTransaction(), isCode('TOPOLOGY_TRANSACTION_ABORTED'))
    try {
      await producer.abortTransaction()
    } catch (error) {
      if ((await subject.mayBeFencedByTimeout?.()) !== true) throw error
      assert.ok(isCode('TOPOLOGY_PRODUCER_FENCED')(error))
      return
    }
    await produce(producer, at, ['b'])
    await producer.commitTransaction()
    await until('it is read', () => seen(0).values.length === 1)
    assert.deepEqual(seen(0).values, ['b'])
  })
}
