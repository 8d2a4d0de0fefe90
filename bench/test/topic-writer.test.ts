import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InMemorySchemaRegistry } from '../../packages/topology/src/serde/in-memory-schema-registry.ts'
import { createFakeClient } from '../../packages/topology/src/testing/fake-client.ts'
import { TopicWriter } from '../src/job/topic-writer.ts'
import { until } from '../../test-support/until.ts'

const TOPIC = 'written'
const SCHEMA = JSON.stringify({
  type: 'record',
  name: 'Row',
  fields: [{ name: 'text', type: 'string' }],
})

async function openWriter() {
  const kafka = createFakeClient({ topics: [{ name: TOPIC, partitions: 1 }] })
  const place = { kafka, registry: new InMemorySchemaRegistry() }
  const writer = await TopicWriter.open(place, { name: TOPIC, partitions: 1, schema: SCHEMA })
  const write = (text: string): void => void writer.write('key', { text }, 0)
  return { kafka, writer, write }
}

test('what is flushed while five batches are under way waits for them, and keeps its order', async () => {
  const { kafka, writer, write } = await openWriter()
  kafka.holdAcks()
  for (let index = 0; index < 20; index += 1) {
    write(String(index))
    writer.flush()
  }
  assert.equal(kafka.endOffset(TOPIC, 0), 5)
  kafka.releaseAcks()
  await until('the rest is written', () => {
    writer.flush()
    return kafka.endOffset(TOPIC, 0) === 20
  })
  const texts = kafka.records(TOPIC).map(({ value }) => value!.subarray(6).toString())
  assert.deepEqual(
    texts,
    Array.from({ length: 20 }, (_, index) => String(index)),
  )
})

test('a batch that is full goes by itself, and closing sends the last one', async () => {
  const { kafka, writer, write } = await openWriter()
  const text = 'x'.repeat(1_000)
  for (let index = 0; index < 20; index += 1) write(text)
  assert.ok(kafka.endOffset(TOPIC, 0) > 10)
  assert.ok(kafka.endOffset(TOPIC, 0) < 20)
  await writer.close()
  assert.equal(kafka.endOffset(TOPIC, 0), 20)
})
