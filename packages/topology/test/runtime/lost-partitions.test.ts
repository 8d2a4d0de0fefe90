import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { AppConfig } from '../../src/config.ts'
import { topology } from '../../src/dsl/builder.ts'
import { App } from '../../src/runtime/app.ts'
import { string } from '../../src/serde/primitives.ts'
import { createFakeClient, type FakeClient } from '../../src/testing/fake-client.ts'
import { TestClock } from '../../src/testing/test-clock.ts'
import { streamTopic } from '../../src/topic.ts'
import { until } from '../../../../test-support/until.ts'

/* At-least-once: what becomes of the work of a member whose partitions are someone else's. */

const GROUP = 'shouting'
const text = { key: string(), value: string() }

async function shouting(
  t: TestContext,
  config: Partial<AppConfig>,
): Promise<{
  readonly app: App
  readonly kafka: FakeClient
  readonly clock: TestClock
  readonly warnings: readonly string[]
}> {
  const kafka = createFakeClient({
    topics: [
      { name: 'words', partitions: 1 },
      { name: 'shouts', partitions: 1 },
    ],
  })
  const clock = new TestClock()
  const warnings: string[] = []
  const logger = {
    debug() {},
    info() {},
    warn: (_: object, message: string) => void warnings.push(message),
    error() {},
  }
  const builder = topology(GROUP)
  builder
    .stream(streamTopic('words', text))
    .mapValues(word => word.toUpperCase())
    .to(streamTopic('shouts', text))
  const app = new App(
    builder.build().compiled,
    { kafka, clock, logger, commitIntervalMs: 1_000, lingerMs: 1, ...config },
    { connect: () => ({ kafka, registry: undefined }) },
  )
  t.after(async () => {
    kafka.releaseAcks()
    const closed = app.close().catch(() => undefined)
    await clock.advance(30_000)
    await closed
  })
  await app.start()
  return { app, kafka, clock, warnings }
}

function shouts(kafka: FakeClient): string[] {
  return kafka.records('shouts').map(({ value }) => String(value))
}

test('what waits to be sent when the partitions are lost is left to whoever has them', async t => {
  const { app, kafka, clock } = await shouting(t, { commitIntervalMs: 60_000, lingerMs: 10_000 })
  kafka.put('words', { key: 'k', value: 'a' })
  await until('it is processed', () => app.stats().counters.produced === 1)
  kafka.expireMember(GROUP, 0)
  await until('it is processed again', () => app.stats().counters.produced === 2)
  await clock.advance(10_000)
  assert.deepEqual(shouts(kafka), ['A'])
})

test('what is not acknowledged when the partitions are lost is waited for no longer, and not committed', async t => {
  const { app, kafka, clock, warnings } = await shouting(t, {})
  kafka.holdAcks()
  kafka.put('words', { key: 'k', value: 'a' })
  await until('it is processed', () => app.stats().counters.produced === 1)
  await clock.advance(1_000)
  assert.ok(!warnings.includes('commit put off'))
  kafka.expireMember(GROUP, 0)
  await until('the commit is put off', () => warnings.includes('commit put off'))
  await until('it is processed again', () => app.stats().counters.produced === 2)
  await clock.advance(1_000)
  assert.equal(kafka.committed(GROUP, 'words', 0), undefined)
  kafka.releaseAcks()
  await until('the second time is committed', () => kafka.committed(GROUP, 'words', 0) === 1)
  assert.equal(app.state, 'running')
  kafka.put('words', { key: 'k', value: 'b' })
  await until('it goes on', () => app.stats().counters.produced === 3)
  await clock.advance(1_000)
  assert.equal(kafka.committed(GROUP, 'words', 0), 2)
})
