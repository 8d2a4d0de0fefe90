import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import {
  type Consumer,
  type Message,
  Producer,
  type ProducerOptions,
  type Reader,
  Writer,
} from '@platformatic/kafka'
import { Api, type FakeBroker, mended, partitionCodes, type Respond, startFakeBroker } from './fake-broker.ts'

/* What the client's own producer sends, seen by a broker that notes it. docs/decisions/0008 has the list. */

const ADAPTER = 'src/client/platformatic'
const TOPIC = 'orders'
type Bytes = ProducerOptions<Buffer, Buffer, Buffer, Buffer>

function openProducer(t: TestContext, broker: FakeBroker, options: Partial<Bytes> = {}): Producer {
  const producer = new Producer({
    clientId: 'faults',
    bootstrapBrokers: [broker.address],
    idempotent: true,
    transactionalId: 'orders-app',
    ...options,
  })
  t.after(() => producer.close(true))
  return producer
}

function readIdentity(body: Reader): { readonly producerId: bigint; readonly epoch: number } {
  body.readNullableString()
  body.readInt32()
  return { producerId: body.readInt64(), epoch: body.readInt16() }
}

/** The partitions of a TxnOffsetCommit, and an answer that takes them all. */
function readOffsets(body: Reader): { readonly partitions: readonly number[]; readonly answer: Writer } {
  body.readString()
  body.readString()
  body.skip(8 + 2 + 4)
  body.readString()
  body.readNullableString()
  const partitions: number[] = []
  body.readArray(() => {
    body.readString()
    body.readArray(() => {
      partitions.push(body.readInt32())
      body.skip(8 + 4)
      body.readNullableString()
    })
  })
  return {
    partitions,
    answer: partitionCodes(
      TOPIC,
      partitions.map(partition => [partition, 0]),
    ),
  }
}

test('a producer asks for the id 0 of epoch 0, which belongs to somebody else', async t => {
  const asked: ReturnType<typeof readIdentity>[] = []
  const broker = await startFakeBroker(t, ({ apiKey, body }) => {
    if (apiKey === Api.initProducerId) asked.push(readIdentity(body))
    return undefined
  })
  await openProducer(t, broker).initIdempotentProducer({})
  await openProducer(t, broker).beginTransaction()
  const workaround = `${ADAPTER}/producer.ts (requestIdentity) and transaction-requests.ts (NO_IDENTITY)`
  const wrong = { producerId: 0n, epoch: 0 }
  assert.deepEqual(asked, [wrong, wrong], mended('the first identity', workaround))
})

/** A transaction that has the group, and what its TxnOffsetCommits hold. */
async function beginWithGroup(t: TestContext): Promise<{
  readonly addOffset: (partition: number) => Promise<void>
  readonly requests: (readonly number[])[]
}> {
  const requests: (readonly number[])[] = []
  const broker = await startFakeBroker(t, ({ apiKey, body }) => {
    if (apiKey !== Api.txnOffsetCommit) return undefined
    const { partitions, answer } = readOffsets(body)
    requests.push(partitions)
    return answer
  })
  const transaction = await openProducer(t, broker).beginTransaction()
  const consumer = { groupId: 'billing', generationId: 1, memberId: 'member', coordinatorId: 1 }
  await transaction.addConsumer(consumer as unknown as Consumer)
  const addOffset = (partition: number): Promise<void> => {
    const consumed = { topic: TOPIC, partition, offset: 41n, metadata: { consumer } }
    return transaction.addOffset(consumed as unknown as Message<Buffer, Buffer, Buffer, Buffer>)
  }
  return { addOffset, requests }
}

test('of offsets that are added to a transaction at once only the first is sent, and all resolve', async t => {
  const { addOffset, requests } = await beginWithGroup(t)
  await Promise.all([0, 1, 2, 3].map(addOffset))
  assert.deepEqual(
    requests,
    [[0]],
    mended('lost offsets', `${ADAPTER}/transaction-requests.ts (commitOffsets)`),
  )
})

test('the offsets of a transaction take a request each', async t => {
  const { addOffset, requests } = await beginWithGroup(t)
  for (const partition of [0, 1, 2, 3]) await addOffset(partition)
  const workaround = `${ADAPTER}/transaction-requests.ts (commitOffsets)`
  assert.deepEqual(requests, [[0], [1], [2], [3]], mended('a request per partition', workaround))
})

test('a transaction that follows another is asked for again after a second', async t => {
  const broker = await startFakeBroker(t, ({ apiKey }) =>
    // CONCURRENT_TRANSACTIONS: the markers of the transaction before are being written.
    apiKey === Api.addPartitionsToTxn ? partitionCodes(TOPIC, [[0, 51]]) : undefined,
  )
  const producer = openProducer(t, broker)
  const transaction = await producer.beginTransaction()
  const delay = new Promise<unknown>(resolve => {
    producer.on('client:performWithRetry:retry', (operation, _attempt, _retries, delayMs) => {
      if (operation === 'addPartitionsToTransaction') resolve(delayMs)
    })
  })
  const sent = transaction.send({ messages: [{ topic: TOPIC, partition: 0, value: Buffer.from('v') }] })
  sent.catch(() => undefined)
  const workaround = `${ADAPTER}/transaction-requests.ts (CONCURRENT_RETRY)`
  assert.equal(await delay, 1_000, mended('the long wait between transactions', workaround))
})

test('an idempotent producer has one request under way, whatever is asked for', () => {
  const options: Bytes = {
    clientId: 'faults',
    bootstrapBrokers: ['localhost:1'],
    idempotent: true,
    maxInflights: 5,
  }
  void new Producer(options).close()
  const workaround = `${ADAPTER}/leader-sender.ts (MAX_REQUESTS)`
  assert.equal(options.maxInflights, 1, mended('one request at a time', workaround))
})

test('records that are too large together are sent together, and refused', async t => {
  const limit = 1_048_576
  const sizes: number[] = []
  const respond: Respond = ({ apiKey, body }) => {
    if (apiKey !== Api.produce) return undefined
    sizes.push(body.remaining)
    const code = body.remaining > limit ? 10 : 0
    return Writer.create()
      .appendArray([TOPIC], (w, name) => {
        w.appendString(name).appendArray([0], (part, partition) => {
          part.appendInt32(partition).appendInt16(code).appendInt64(0n).appendInt64(-1n).appendInt64(0n)
          part.appendArray([], () => undefined).appendString(null)
        })
      })
      .appendInt32(0)
      .appendTaggedFields()
  }
  const broker = await startFakeBroker(t, respond)
  const producer = openProducer(t, broker, { idempotent: false })
  const messages = [0, 1].map(() => ({ topic: TOPIC, partition: 0, value: Buffer.alloc(600_000) }))
  const outcome = await producer.send({ messages, acks: -1 }).then(
    () => 'sent',
    () => 'refused',
  )
  assert.deepEqual(
    [outcome, sizes.length],
    ['refused', 1],
    mended(
      'requests that are never split',
      'src/runtime/record-collector.ts (its cap on the bytes of a batch)',
    ),
  )
})
