import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { systemClock, type Clock } from '../../src/clock.ts'
import type { AppConfig } from '../../src/config.ts'
import { topology } from '../../src/dsl/builder.ts'
import { App } from '../../src/runtime/app.ts'
import { string } from '../../src/serde/primitives.ts'
import { createFakeClient, type FakeClient } from '../../src/testing/fake-client.ts'
import { streamTopic } from '../../src/topic.ts'
import { RecordBatchWriter } from '../../src/wire/record-batch-writer.ts'
import { until } from '../../../../test-support/until.ts'

const text = { key: string(), value: string() }

async function mapping(
  t: TestContext,
  options: { readonly partitions: number; readonly map: (word: string) => string } & Partial<AppConfig>,
): Promise<{ readonly kafka: FakeClient; readonly app: App }> {
  const { partitions, map, ...config } = options
  const kafka = createFakeClient({ topics: ['words', 'shouts'].map(name => ({ name, partitions })) })
  const builder = topology('mapping')
  builder.stream(streamTopic('words', text)).mapValues(map).to(streamTopic('shouts', text))
  const app = new App(
    builder.build().compiled,
    { kafka, commitIntervalMs: 10, shutdownTimeoutMs: 1_000, ...config },
    { connect: () => ({ kafka, registry: undefined }) },
  )
  t.after(() => app.close().catch(() => undefined))
  await app.start()
  return { kafka, app }
}

test('a function that blocks the event loop is told with how long it did, and seen in the figures', async t => {
  const warnings: { readonly blockedMs?: number }[] = []
  const ignore = (): void => undefined
  const { kafka, app } = await mapping(t, {
    partitions: 1,
    stallWarningMs: 150,
    logger: { debug: ignore, info: ignore, error: ignore, warn: facts => warnings.push(facts) },
    map(word) {
      const endMs = performance.now() + 400
      while (performance.now() < endMs);
      return word
    },
  })
  app.stats()
  kafka.put('words', { key: 'k', value: 'slow' })
  await until('it is told', () => warnings.some(({ blockedMs }) => blockedMs !== undefined))
  // The timer may have been due up to 100 ms into the block.
  assert.ok(warnings.some(({ blockedMs = 0 }) => blockedMs >= 290))
  const { max, p99 } = app.stats().eventLoopDelayMs
  assert.ok(max >= 290 && p99 > 0 && p99 <= max, JSON.stringify({ max, p99 }))
})

/** Each look at it takes a millisecond: slices have the same length on any machine. */
function countingClock(): Clock {
  let looks = 0
  return { ...systemClock, monotonicMs: () => (looks += 1) }
}

test('however many records wait, the event loop has its turn after every few hundred of them', async t => {
  const PARTITIONS = 4
  const RECORDS = 20_000
  // A slice is over at the fifth or sixth look at the clock, and looks are 64 records apart.
  const SLICE = 6 * 64
  let processed = 0
  const { kafka } = await mapping(t, {
    partitions: PARTITIONS,
    clock: countingClock(),
    map: word => {
      processed += 1
      return word
    },
  })
  const producer = await kafka.createProducer()
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const writer = new RecordBatchWriter()
    for (let i = 0; i < RECORDS / PARTITIONS; i += 1)
      writer.appendRecord(Buffer.from(`k${i}`), Buffer.from('w'), 0)
    await producer.send({
      topic: 'words',
      partition,
      records: writer.seal(),
      recordCount: RECORDS / PARTITIONS,
    })
  }
  let turns = 0
  let timers = 0
  let longest = 0
  let before = processed
  const nextTimer = (): void => {
    timers += 1
    if (processed < RECORDS) setTimeout(nextTimer, 0)
  }
  setTimeout(nextTimer, 0)
  await until('all are processed', () => {
    turns += 1
    longest = Math.max(longest, processed - before)
    before = processed
    return processed === RECORDS
  })
  assert.ok(longest <= SLICE, `${longest} records between two turns`)
  assert.ok(turns >= RECORDS / SLICE, `${turns} turns`)
  assert.ok(timers > 0)
})
