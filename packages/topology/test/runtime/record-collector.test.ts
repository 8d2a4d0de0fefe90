import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ProduceBatch } from '../../src/client/ports.ts'
import { Counters } from '../../src/observability/counters.ts'
import { NO_LIMITS } from '../../src/runtime/output-limits.ts'
import { RecordCollector } from '../../src/runtime/record-collector.ts'
import { TestClock } from '../../src/testing/test-clock.ts'

const LINGER_MS = 5

/** A collector whose batches are acknowledged when the test says so. */
function collecting(batchBytes = 100_000) {
  const clock = new TestClock()
  const sent: { readonly batch: ProduceBatch; readonly acknowledge: () => void }[] = []
  const collector = new RecordCollector({
    producer: {
      send: batch =>
        new Promise(resolve => sent.push({ batch, acknowledge: () => resolve({ baseOffset: 0 }) })),
      close: () => Promise.resolve(),
    },
    clock,
    partitionsOf: () => 1,
    limitsOf: () => NO_LIMITS,
    counters: new Counters(),
    batchBytes,
    lingerMs: LINGER_MS,
    maxPendingBytes: 1_000_000,
    maxRecordBytes: 1_000_000,
    onFailure: error => assert.fail(error),
    onSpace: () => undefined,
  })
  const append = (count: number): void => {
    for (let i = 0; i < count; i += 1)
      collector.append('out', null, Buffer.alloc(100), { timestampMs: 1_000, headers: [] })
  }
  const linger = (): Promise<void> => clock.advance(LINGER_MS)
  return { collector, sent, append, linger, counts: () => sent.map(({ batch }) => batch.recordCount) }
}

test('a batch is sent when its first record has lingered', async () => {
  const { append, linger, counts } = collecting()
  append(2)
  assert.deepEqual(counts(), [])
  await linger()
  assert.deepEqual(counts(), [2])
})

test('while five batches of a partition are not acknowledged, what comes gathers in one, which goes with the next answer', async () => {
  const { append, linger, sent, counts } = collecting()
  for (let i = 0; i < 8; i += 1) {
    append(1)
    await linger()
  }
  assert.deepEqual(counts(), [1, 1, 1, 1, 1])
  sent[0]!.acknowledge()
  await linger()
  assert.deepEqual(counts(), [1, 1, 1, 1, 1, 3])
  append(1)
  await linger()
  sent[1]!.acknowledge()
  sent[2]!.acknowledge()
  await linger()
  assert.deepEqual(counts(), [1, 1, 1, 1, 1, 3, 1], 'nothing is sent twice, and nothing is left')
})

test('a full batch goes however many are not acknowledged, and so does everything that is flushed', async () => {
  const { collector, append, linger, sent, counts } = collecting(1_000)
  for (let i = 0; i < 5; i += 1) {
    append(1)
    await linger()
  }
  append(9)
  assert.deepEqual(counts().slice(5), [8])
  await linger()
  assert.deepEqual(counts().slice(5), [8])
  const flushed = collector.flush()
  assert.deepEqual(counts().slice(5), [8, 1])
  for (const { acknowledge } of sent) acknowledge()
  await flushed
  assert.equal(sent.length, 7)
})

test('what was discarded does not go with a later answer', async () => {
  const { collector, append, linger, sent, counts } = collecting()
  for (let i = 0; i < 6; i += 1) {
    append(1)
    await linger()
  }
  collector.discard()
  sent[0]!.acknowledge()
  await linger()
  assert.deepEqual(counts(), [1, 1, 1, 1, 1])
})
