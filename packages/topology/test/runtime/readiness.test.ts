import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { topology } from '../../src/dsl/builder.ts'
import { App } from '../../src/runtime/app.ts'
import { string } from '../../src/serde/primitives.ts'
import { createFakeClient, type FakeClient } from '../../src/testing/fake-client.ts'
import { TestClock } from '../../src/testing/test-clock.ts'
import { streamTopic } from '../../src/topic.ts'
import { until } from '../../../../test-support/until.ts'

const text = { key: string(), value: string() }

/** A delivery that says what is wrong with it, if anything. */
async function running(t: TestContext) {
  const kafka: FakeClient = createFakeClient({
    topics: ['words', 'shouts'].map(name => ({ name, partitions: 2 })),
  })
  const clock = new TestClock()
  const outside: { problem: string | undefined } = { problem: undefined }
  const builder = topology('ready')
  builder.stream(streamTopic('words', text)).deliver({
    name: 'send',
    destination: {
      name: 'outside',
      deliver: items => Promise.resolve(items.map(() => ({ kind: 'accepted' as const }))),
      problem: () => outside.problem,
    },
    maxBatchItems: 1,
  })
  const app = new App(
    builder.build().compiled,
    { kafka, clock, shutdownTimeoutMs: 100 },
    { connect: () => ({ kafka, registry: undefined }) },
  )
  t.after(async () => {
    const closed = app.close()
    await clock.advance(100)
    await closed
  })
  await app.start()
  await until('it has its tasks', () => app.stats().tasks.every(task => task.sources.length === 1))
  return { app, kafka, clock, outside }
}

test('an application whose brokers do not answer is unready until they do', async t => {
  const { app, kafka, clock } = await running(t)
  await clock.advance(29_999)
  assert.deepEqual(app.readiness(), { isReady: true, reasons: [] })
  await clock.advance(1)
  assert.deepEqual(app.readiness(), {
    isReady: false,
    reasons: ['no broker has answered for words-0 and 1 more for 30 s'],
  })
  // What arrives is an answer, for its partition.
  kafka.put('words', { key: 'k', value: 'v', partition: 0 })
  await until('it is read', () => app.stats().counters.consumed === 1)
  assert.deepEqual(app.readiness().reasons, ['no broker has answered for words-1 for 30 s'])
  kafka.answerIdlePolls()
  await until('the brokers have answered', () => app.readiness().isReady)
})

test('an application that the group has put out is unready until it is a member again', async t => {
  const { app, kafka } = await running(t)
  kafka.expireMember('ready', 0)
  assert.deepEqual(app.readiness().reasons, ['the group has put this process out; it joins again'])
  await until('it is back', () => app.readiness().isReady)
})

test('an application that cannot deliver is unready, and says why', async t => {
  const { app, outside } = await running(t)
  outside.problem = 'shut out'
  assert.deepEqual(app.readiness(), { isReady: false, reasons: ['send: shut out'] })
  outside.problem = undefined
  assert.equal(app.readiness().isReady, true)
})
