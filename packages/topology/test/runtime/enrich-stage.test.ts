import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Counters } from '../../src/observability/counters.ts'
import { EnrichStage } from '../../src/runtime/enrich-stage.ts'
import type { EnrichNode } from '../../src/plan/node.ts'
import type { TopologyError } from '../../src/errors.ts'
import { settled, TestClock } from '../../src/testing/test-clock.ts'

const context = { topic: 't', partition: 0, offset: 0, timestampMs: 0, headers: [] }

function node(options: Partial<EnrichNode> & Pick<EnrichNode, 'call'>): EnrichNode {
  return {
    kind: 'enrich',
    id: 1,
    name: 'lookup',
    input: 0,
    joiner: (_, result) => result,
    order: 'per-key',
    maxInFlight: 10,
    timeoutMs: 1_000,
    retry: { maxAttempts: Number.POSITIVE_INFINITY, baseMs: 100, maxMs: 1_000 },
    onFailure: 'dead-letter',
    ...options,
  }
}

interface Call {
  readonly value: unknown
  readonly signal: AbortSignal
  readonly answer: (result: unknown) => void
  readonly refuse: (error: unknown) => void
}

/** A stage whose calls are answered by the test. */
function scripted(options: Partial<EnrichNode> = {}) {
  const clock = new TestClock()
  const counters = new Counters()
  const calls: Call[] = []
  const results: unknown[] = []
  const failures: unknown[] = []
  const stage = new EnrichStage(
    node({
      call: (value, _, { signal }) =>
        new Promise((answer, refuse) => {
          calls.push({ value, signal, answer, refuse })
        }),
      ...options,
    }),
    { clock, random: () => 1, counters },
  )
  const submit = (key: unknown, value: unknown): void =>
    stage.submit({
      key,
      value,
      context,
      onResult: result => results.push(result),
      onFailure: error => failures.push(error),
    })
  return { clock, calls, results, failures, stage, submit, counters }
}

test('calls for one key run one after the other, other keys run beside them', async () => {
  const { calls, results, submit } = scripted()
  submit('a', 'a1')
  submit('a', 'a2')
  submit('b', 'b1')
  assert.deepEqual(
    calls.map(call => call.value),
    ['a1', 'b1'],
  )
  calls[1]?.answer('B1')
  calls[0]?.answer('A1')
  await settled()
  assert.equal(calls[2]?.value, 'a2')
  calls[2]?.answer('A2')
  await settled()
  assert.deepEqual(results, ['B1', 'A1', 'A2'])
})

test('an unordered stage runs calls for one key side by side', () => {
  const { calls, submit } = scripted({ order: 'unordered' })
  submit('a', 'a1')
  submit('a', 'a2')
  assert.equal(calls.length, 2)
})

test('equal object keys share a lane, records without a key do not', () => {
  const { calls, submit } = scripted()
  submit({ id: 1n }, 'x')
  submit({ id: 1n }, 'y')
  submit(null, 'p')
  submit(null, 'q')
  assert.deepEqual(
    calls.map(call => call.value),
    ['x', 'p', 'q'],
  )
})

test('no more calls than maxInFlight run at once, and the stage is full then', async () => {
  const { calls, stage, submit } = scripted({ maxInFlight: 2 })
  for (const key of ['a', 'b', 'c']) submit(key, key)
  assert.equal(calls.length, 2)
  assert.equal(stage.isFull, true)
  calls[0]?.answer(1)
  await settled()
  assert.equal(calls.length, 3)
  calls[1]?.answer(2)
  await settled()
  assert.equal(stage.isFull, false)
})

test('a transient failure is tried again with backoff until it succeeds', async () => {
  const { calls, clock, results, counters, submit } = scripted()
  submit('a', 'v')
  calls[0]?.refuse(new Error('connection refused'))
  await clock.advance(99)
  assert.equal(calls.length, 1)
  await clock.advance(1)
  assert.equal(calls.length, 2)
  calls[1]?.refuse(new TypeError('fetch failed', { cause: new Error('ECONNRESET') }))
  await clock.advance(200)
  calls[2]?.answer('ok')
  await settled()
  assert.deepEqual(results, ['ok'])
  const { calls: made, failures, retries, duration } = counters.enrich('lookup')
  assert.deepEqual([made, failures, retries], [3, 2, 2])
  assert.equal(
    duration.counts.reduce((sum, count) => sum + count),
    3,
  )
})

test("an error's own advice decides: after a time, or never", async () => {
  const { calls, clock, failures, submit } = scripted()
  submit('a', 'v')
  calls[0]?.refuse(Object.assign(new Error('busy'), { retry: { kind: 'after', ms: 5_000 } }))
  await clock.advance(4_999)
  assert.equal(calls.length, 1)
  await clock.advance(1)
  assert.equal(calls.length, 2)
  const gone = Object.assign(new Error('404'), { retry: { kind: 'never' } })
  calls[1]?.refuse(gone)
  await settled()
  assert.deepEqual(failures, [gone])
})

test("a fault of the author's code is not tried again", async () => {
  const { calls, failures, submit } = scripted()
  submit('a', 'v')
  const fault = new TypeError("Cannot read properties of undefined (reading 'x')")
  calls[0]?.refuse(fault)
  await settled()
  assert.deepEqual(failures, [fault])
})

test('a call without an answer is aborted at its timeout and tried again', async () => {
  const { calls, clock, submit } = scripted({ timeoutMs: 50 })
  submit('a', 'v')
  await clock.advance(50)
  assert.equal(calls[0]?.signal.aborted, true)
  assert.equal((calls[0]?.signal.reason as TopologyError | undefined)?.code, 'TOPOLOGY_ENRICHMENT_FAILED')
  await clock.advance(100)
  assert.equal(calls.length, 2)
})

test('after the last attempt the failure is told', async () => {
  const { calls, clock, failures, submit } = scripted({ retry: { maxAttempts: 2, baseMs: 10, maxMs: 10 } })
  submit('a', 'v')
  calls[0]?.refuse(new Error('one'))
  await clock.advance(10)
  calls[1]?.refuse(new Error('two'))
  await settled()
  assert.equal((failures[0] as Error).message, 'two')
})

test('a stopped stage aborts its calls and tells nothing any more', async () => {
  const { calls, results, failures, stage, submit } = scripted()
  submit('a', 'v')
  stage.stop()
  assert.equal(calls[0]?.signal.aborted, true)
  calls[0]?.answer('late')
  await settled()
  assert.deepEqual([results, failures], [[], []])
})
