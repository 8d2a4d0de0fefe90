import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Reader, Writer } from '@platformatic/kafka'
import { createKafkaClient } from '../../src/client/platformatic/kafka-client.ts'
import { TopologyError } from '../../src/errors.ts'
import { producerId } from '../../src/wire/batch-header.ts'
import { isCode } from '../conformance/client-conformance.ts'
import { batchOf } from '../conformance/produce.ts'
import { until } from '../conformance/until.ts'
import { Api, startFakeBroker } from './faults/fake-broker.ts'

const target = { topic: 'orders', partition: 0 }

interface SentBatch {
  readonly producerId: bigint
  readonly sequence: number
  readonly value: string
}

function readBatch(body: Reader): SentBatch {
  body.readNullableString()
  body.readInt16()
  body.readInt32()
  const sent: SentBatch[] = []
  body.readArray(() => {
    body.readString()
    body.readArray(() => {
      body.readInt32()
      const records = body.readBytes()
      sent.push({
        producerId: producerId(records, 0),
        sequence: records.readInt32BE(53),
        value: String(records).includes('kept') ? 'kept' : 'given up',
      })
    })
  })
  return sent[0]!
}

function appended(): Writer {
  return Writer.create()
    .appendArray([target.topic], (w, name) => {
      w.appendString(name).appendArray([target.partition], (part, partition) => {
        part.appendInt32(partition).appendInt16(0).appendInt64(0n).appendInt64(-1n).appendInt64(0n)
        part.appendArray([], () => undefined).appendString(null)
      })
    })
    .appendInt32(0)
    .appendTaggedFields()
}

test('what is abandoned is not sent again, and what comes afterwards goes under another producer id', async t => {
  const sent: SentBatch[] = []
  let ids = 6n
  const broker = await startFakeBroker(t, ({ apiKey, body }) => {
    if (apiKey === Api.initProducerId) {
      ids += 1n
      return Writer.create()
        .appendInt32(0)
        .appendInt16(0)
        .appendInt64(ids)
        .appendInt16(0)
        .appendTaggedFields()
    }
    if (apiKey !== Api.produce) return undefined
    const batch = readBatch(body)
    sent.push(batch)
    return batch.value === 'kept' ? appended() : undefined
  })
  const client = createKafkaClient({ brokers: [broker.address], clientId: 'abandon', requestTimeoutMs: 300 })
  t.after(() => client.close())
  const producer = await client.createProducer()
  const sends = [0, 1].map(() => producer.send({ ...target, ...batchOf(['given up']) }))
  const refused = sends.map(send => assert.rejects(send, isCode('TOPOLOGY_MEMBER_FENCED')))
  await until('it is sent again for want of an answer', () => sent.length === 2)
  producer.abandon(new TopologyError('TOPOLOGY_MEMBER_FENCED', 'the partitions are lost'))
  await Promise.all(refused)
  await producer.send({ ...target, ...batchOf(['kept']) })
  await producer.send({ ...target, ...batchOf(['kept', 'kept']) })
  assert.deepEqual(sent, [
    { producerId: 7n, sequence: 0, value: 'given up' },
    { producerId: 7n, sequence: 0, value: 'given up' },
    { producerId: 8n, sequence: 0, value: 'kept' },
    { producerId: 8n, sequence: 1, value: 'kept' },
  ])
})

test('one request that is not answered in time gives up the other connections that are as silent', async t => {
  const broker = await startFakeBroker(t, ({ apiKey }) => (apiKey === Api.produce ? appended() : undefined))
  const client = createKafkaClient({
    brokers: [broker.address],
    clientId: 'half-open',
    requestTimeoutMs: 300,
  })
  t.after(() => client.close())
  const producer = await client.createProducer()
  await producer.send({ ...target, ...batchOf(['before']) })
  await client.admin.describeTopics(['none'])
  broker.makeHalfOpen()
  await producer.send({ ...target, ...batchOf(['after']) })
  // The leader is looked for again on a connection that has not been tried in vain.
  assert.deepEqual(broker.swallowed, [Api.produce])
})
