import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { AppConfig } from '../../src/config.ts'
import { topology } from '../../src/dsl/builder.ts'
import { App } from '../../src/runtime/app.ts'
import { string } from '../../src/serde/primitives.ts'
import { createFakeClient } from '../../src/testing/fake-client.ts'
import { streamTopic } from '../../src/topic.ts'
import { until } from '../../../../test-support/until.ts'

const text = { key: string(), value: string() }
const inputs = streamTopic('inputs', text)
const outputs = streamTopic('outputs', text)

/** An application whose one asynchronous step answers when the test says so. */
async function stalled(t: TestContext, config: Partial<AppConfig>) {
  const kafka = createFakeClient({
    topics: [
      { name: 'inputs', partitions: 1 },
      { name: 'outputs', partitions: 1 },
    ],
  })
  const gate = Promise.withResolvers<void>()
  const builder = topology('stalled')
  builder
    .stream(inputs)
    .enrich({ using: () => gate.promise, joiner: value => value, maxInFlight: 100_000, timeoutMs: 600_000 })
    .to(outputs)
  const app = new App(
    builder.build().compiled,
    { kafka, commitIntervalMs: 10, shutdownTimeoutMs: 1_000, ...config },
    { connect: () => ({ kafka, registry: undefined }) },
  )
  t.after(() => app.close())
  await app.start()
  return { kafka, app, open: gate.resolve }
}

const RECORDS = 3_000
const VALUE = 'x'.repeat(1_000)

test('while calls are unanswered a task takes no more records than it may hold, and then takes the rest', async t => {
  const { kafka, app, open } = await stalled(t, { maxInFlightRecords: 50 })
  for (let i = 0; i < RECORDS; i += 1) kafka.put('inputs', { key: `k${i}`, value: VALUE })
  await until('the bound is reached', () => app.stats().tasks[0]?.inFlight === 50)
  assert.equal(app.stats().counters.consumed, 50)
  open()
  await until('all is through', () => kafka.committed('stalled', 'inputs', 0) === RECORDS)
  assert.equal(kafka.records('outputs').length, RECORDS)
})

test('the bytes of what a task holds are bounded as well, by the record that reaches the bound', async t => {
  const { kafka, app, open } = await stalled(t, { maxInFlightBytes: 20_000 })
  for (let i = 0; i < RECORDS; i += 1)
    kafka.put('inputs', { key: `k${i}`, value: VALUE, headers: [['trace', Buffer.alloc(995)]] })
  await until('the bound is reached', () => (app.stats().tasks[0]?.inFlightBytes ?? 0) >= 20_000)
  const [task] = app.stats().tasks
  // Each has 2,002 or 2,003 bytes: key, value, and a header's name and value.
  assert.equal(task?.inFlight, 10)
  assert.ok(task.inFlightBytes < 20_000 + 2_003)
  open()
  await until('all is through', () => kafka.committed('stalled', 'inputs', 0) === RECORDS)
  assert.equal(kafka.records('outputs').length, RECORDS)
  assert.deepEqual([app.stats().tasks[0]?.inFlight, app.stats().tasks[0]?.inFlightBytes], [0, 0])
})

test('a partition whose buffer is full is paused, and resumed as the buffer empties', async t => {
  const bytes = 65_536
  const { kafka, app, open } = await stalled(t, {
    maxInFlightRecords: 10,
    maxBufferedBytesPerPartition: bytes,
    fetchBytesPerPartition: 16_384,
  })
  for (let i = 0; i < RECORDS; i += 1) kafka.put('inputs', { key: `k${i}`, value: VALUE })
  await until('the partition is paused', () => app.stats().tasks[0]?.sources[0]?.isPaused === true)
  // One response that was under way may still come.
  assert.ok((app.stats().tasks[0]?.sources[0]?.bufferedBytes ?? Infinity) < bytes + 2 * 16_384)
  open()
  await until('all is through', () => kafka.committed('stalled', 'inputs', 0) === RECORDS)
  assert.equal(kafka.records('outputs').length, RECORDS)
})

test('a partition is resumed behind a response that is larger than its buffer, as one that was compressed may be', async t => {
  const { kafka, open } = await stalled(t, {
    maxBufferedBytesPerPartition: 65_536,
    fetchBytesPerPartition: 262_144,
  })
  open()
  for (let i = 0; i < RECORDS; i += 1) kafka.put('inputs', { key: `k${i}`, value: VALUE })
  await until('all is through', () => kafka.committed('stalled', 'inputs', 0) === RECORDS)
  assert.equal(kafka.records('outputs').length, RECORDS)
})
