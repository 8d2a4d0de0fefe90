import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import fc from 'fast-check'
import {
  createApp,
  createSpectator,
  spectatorRegistry,
  streamTopic,
  string,
  topology,
  type SpectatorOptions,
} from '@tributary/topology'
import type { FetchedBatch } from '../../src/client/ports.ts'
import { cutBatch } from '../../src/client/spectator/cut-batch.ts'
import { createFakeClient, type FakeClient } from '../../src/testing/fake-client.ts'
import { setBaseOffset } from '../../src/wire/batch-header.ts'
import { InMemorySchemaRegistry } from '../../src/serde/in-memory-schema-registry.ts'
import { RecordCursor } from '../../src/wire/record-batch-reader.ts'
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts'
import { oracle } from '../../../../test-support/oracle.ts'
import { until } from '../../../../test-support/until.ts'

const words = streamTopic('words', { key: string(), value: string() })
const shouts = streamTopic('shouts', { key: string(), value: string() })
const PARTITIONS = 3

function shouting() {
  const builder = topology('shouting')
  builder
    .stream(words)
    .mapValues(word => {
      if (word === 'bad') throw new Error('no such word')
      return word.toUpperCase()
    })
    .to(shouts)
  return builder.build()
}

function cluster(): FakeClient {
  return createFakeClient({
    topics: [words, shouts].map(({ name }) => ({ name, partitions: PARTITIONS })),
  })
}

async function spectate(t: TestContext, kafka: FakeClient, options: SpectatorOptions) {
  const seen: string[] = []
  const { client, finished } = createSpectator(kafka, {
    ...options,
    onRecord: ({ topic, value }) => void seen.push(`${topic}:${String(value)}`),
  })
  const app = createApp(shouting(), { kafka: client, commitIntervalMs: 10 })
  t.after(() => app.close())
  await app.start()
  return { app, seen, finished }
}

test('an application does its work to the present end, and nothing of it is left behind', async t => {
  const kafka = cluster()
  for (const [i, value] of ['one', 'two', 'bad', 'four'].entries())
    kafka.put('words', { key: `k${i}`, value })
  kafka.skipOffsets('words', 0, 1)
  const ends = Array.from({ length: PARTITIONS }, (_, partition) => kafka.endOffset('words', partition))
  const { app, seen, finished } = await spectate(t, kafka, { until: 'end' })
  kafka.put('words', { key: 'k9', value: 'later' })
  await finished
  assert.deepEqual(seen.toSorted(), ['shouting-dead-letters:bad', 'shouts:FOUR', 'shouts:ONE', 'shouts:TWO'])
  await app.close()
  assert.deepEqual(kafka.records('shouts'), [])
  assert.deepEqual(await kafka.admin.describeTopics(['shouting-dead-letters']), [undefined])
  assert.deepEqual(kafka.assignments('shouting'), [])
  for (const partition of ends.keys())
    assert.equal(kafka.committed('shouting', 'words', partition), undefined)
})

test('it begins where the group stands, and the group stays there', async t => {
  const kafka = cluster()
  for (const value of ['one', 'two', 'three']) kafka.put('words', { key: 'k', value, partition: 1 })
  kafka.setCommitted('shouting', 'words', 1, 2)
  const { seen, finished } = await spectate(t, kafka, { until: 'end' })
  await finished
  assert.deepEqual(seen, ['shouts:THREE'])
  assert.equal(kafka.committed('shouting', 'words', 1), 2)
})

test('with nothing to read it is finished at once', async t => {
  const { finished, seen } = await spectate(t, cluster(), { until: 'end' })
  await finished
  assert.deepEqual(seen, [])
})

test('it stops after as many records as were asked for', async t => {
  const kafka = cluster()
  for (let i = 0; i < 30; i += 1) kafka.put('words', { key: `k${i}`, value: `w${i}` })
  const { seen, finished } = await spectate(t, kafka, { until: 'never', maxRecords: 7 })
  await finished
  assert.equal(seen.length, 7)
})

test('without an end it goes on', async t => {
  const kafka = cluster()
  kafka.put('words', { key: 'k', value: 'one' })
  const { seen } = await spectate(t, kafka, { until: 'never' })
  await until('the first is seen', () => seen.length === 1)
  kafka.put('words', { key: 'k', value: 'two' })
  await until('the second is seen', () => seen.length === 2)
})

test('a schema that the registry lacks seems to be registered, and is not', async () => {
  const real = new InMemorySchemaRegistry()
  const registry = spectatorRegistry(real)
  const known = await real.register('old-value', '"string"')
  assert.equal(await registry.register('old-value', '"string"'), known)
  const id = await registry.register('new-value', '"long"')
  assert.equal(await registry.register('other-value', '"long"'), id)
  assert.notEqual(await registry.register('new-value', '"int"'), id)
  assert.equal(await registry.schemaById(id), '"long"')
  assert.equal(await registry.schemaById(known), '"string"')
  assert.equal((await registry.latest('old-value'))?.id, known)
  assert.deepEqual(await registry.latest('other-value'), { id, schema: '"long"' })
  assert.equal(await registry.idOf('other-value', '"long"'), id)
  assert.equal(await registry.idOf('absent-value', '"long"'), undefined)
  assert.equal(await real.latest('new-value'), undefined)
})

test('it takes part in no transaction', async () => {
  const { client } = createSpectator(cluster(), { until: 'end' })
  const app = createApp(shouting(), { kafka: client, guarantee: 'exactly-once' })
  await assert.rejects(app.start(), { code: 'TOPOLOGY_STATE_INVALID' })
})

test('a cut response holds exactly the records below its end, at most as many as asked for', () => {
  const batches = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 4 })
  const property = fc.property(
    batches,
    fc.nat(12),
    fc.nat(14),
    fc.oneof(fc.nat(14), fc.constant(Infinity)),
    (counts, startOffset, to, limit) => {
      const batch = response(counts, startOffset)
      const all = offsetsOf(batch)
      const { batch: cut, count } = cutBatch(batch, Math.max(to, startOffset), limit)
      const expected = all.filter(offset => offset < to).slice(0, limit)
      assert.deepEqual(offsetsOf(cut), expected)
      assert.equal(count, expected.length)
      // Nothing that was asked for lies between what is handed over and where the next response begins.
      const isLimited = expected.length === limit
      const next = isLimited
        ? Math.min(Math.max(to, startOffset), (expected.at(-1) ?? startOffset - 1) + 1)
        : Math.min(Math.max(to, startOffset), batch.nextOffset)
      assert.equal(cut.nextOffset, next)
    },
  )
  oracle(property, { runs: 500 })
})

function response(counts: readonly number[], startOffset: number): FetchedBatch {
  let offset = 0
  const parts = counts.map(count => {
    const writer = new RecordBatchWriter()
    for (let i = 0; i < count; i += 1) {
      writer.append({
        key: null,
        value: Buffer.from(`${offset + i}`),
        timestampMs: 0,
        headers: [['h', Buffer.from('x')]],
      })
    }
    const bytes = writer.seal()
    setBaseOffset(bytes, 0, offset)
    offset += count
    return bytes
  })
  const nextOffset = Math.max(offset, startOffset)
  return {
    topic: 'words',
    partition: 0,
    records: Buffer.concat(parts),
    startOffset,
    nextOffset,
    highWatermark: nextOffset,
    lastStableOffset: nextOffset,
  }
}

function offsetsOf({ records, startOffset }: FetchedBatch): number[] {
  const cursor = new RecordCursor()
  cursor.reset(records, startOffset)
  const offsets: number[] = []
  while (cursor.next()) {
    assert.equal(String(cursor.buffer.subarray(cursor.valueStart, cursor.valueEnd)), String(cursor.offset))
    offsets.push(cursor.offset)
  }
  return offsets
}
