import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { topology } from '../../src/dsl/builder.ts'
import type { KafkaClient } from '../../src/client/ports.ts'
import type { AppConfig } from '../../src/config.ts'
import { TopologyError } from '../../src/errors.ts'
import { App } from '../../src/runtime/app.ts'
import { string } from '../../src/serde/primitives.ts'
import { TestClock } from '../../src/testing/test-clock.ts'
import { createFakeClient, type FakeClient } from '../../src/testing/fake-client.ts'
import { streamTopic, tableTopic } from '../../src/topic.ts'
import type { Topology } from '../../src/plan/topology.ts'
import { until } from '../../../../test-support/until.ts'

const text = { key: string(), value: string() }
const words = streamTopic('words', text)
const shouts = streamTopic('shouts', text)
const names = tableTopic('names', text)

const PARTITIONS = 3

function fakeKafka(): FakeClient {
  return createFakeClient({
    topics: [
      { name: 'words', partitions: PARTITIONS },
      { name: 'shouts', partitions: PARTITIONS },
      { name: 'names', partitions: PARTITIONS, cleanupPolicy: 'compact' },
    ],
  })
}

function shouting(): Topology {
  const builder = topology('shouting')
  builder
    .stream(words)
    .mapValues(word => {
      if (word === 'boom') throw new Error('I cannot shout that')
      return word.toUpperCase()
    })
    .to(shouts)
  return builder.build()
}

function greeting(): Topology {
  const builder = topology('greeting')
  builder
    .stream(words)
    .join(builder.table(names), { joiner: (word, name) => `${word} ${name}` })
    .to(shouts)
  return builder.build()
}

function appOn(
  t: TestContext,
  kafka: KafkaClient,
  built: Topology = shouting(),
  config: Partial<AppConfig> = {},
): App {
  const app = new App(
    built.compiled,
    { kafka, commitIntervalMs: 10, lingerMs: 1, shutdownTimeoutMs: 1_000, ...config },
    { connect: () => ({ kafka, registry: undefined }) },
  )
  t.after(() => app.close().catch(() => undefined))
  return app
}

function committed(kafka: FakeClient, group = 'shouting'): number {
  let sum = 0
  for (let partition = 0; partition < PARTITIONS; partition += 1)
    sum += kafka.committed(group, 'words', partition) ?? 0
  return sum
}

function values(kafka: FakeClient, topic = 'shouts'): string[] {
  return kafka.records(topic).map(record => String(record.value))
}

test('records are processed and their offsets committed once the outputs are acknowledged', async t => {
  const kafka = fakeKafka()
  const clock = new TestClock()
  const app = appOn(t, kafka, shouting(), { clock, commitIntervalMs: 1_000 })
  await app.start()
  kafka.holdAcks()
  for (const word of ['a', 'b', 'c']) kafka.put('words', { key: word, value: word })
  await until('they are processed', () => app.stats().counters.produced === 3)
  await clock.advance(10_000)
  assert.deepEqual(values(kafka).sort(), ['A', 'B', 'C'])
  assert.equal(committed(kafka), 0)
  kafka.releaseAcks()
  await until('the offsets are committed', () => committed(kafka) === 3)
})

test('closing finishes and commits what was read, and a second process goes on from there', async t => {
  const kafka = fakeKafka()
  const first = appOn(t, kafka, shouting(), { commitIntervalMs: 60_000 })
  await first.start()
  for (let i = 0; i < 50; i += 1) kafka.put('words', { key: `k${i}`, value: `w${i}` })
  await until('all is processed', () => first.stats().counters.produced === 50)
  await first.close()
  assert.equal(first.state, 'closed')
  assert.equal(committed(kafka), 50)

  kafka.put('words', { key: 'k', value: 'last' })
  const second = appOn(t, kafka.anotherClient())
  await second.start()
  await until('the new record is through', () => values(kafka).includes('LAST'))
  assert.equal(values(kafka).length, 51)
})

test('no record is joined before its table is loaded', async t => {
  const kafka = fakeKafka()
  for (let i = 0; i < 200; i += 1) {
    kafka.put('words', { key: `k${i}`, value: 'hello' })
    kafka.put('names', { key: `k${i}`, value: `name${i}` })
  }
  const app = appOn(t, kafka, greeting())
  await app.start()
  await until('all is processed', () => committed(kafka, 'greeting') === 200)
  assert.equal(values(kafka).length, 200)
  assert.deepEqual(app.stats().counters.drops, {})
  assert.equal(app.readiness().isReady, true)
})

test('instances share the partitions, and a rebalance neither loses nor repeats a record', async t => {
  const kafka = fakeKafka()
  const first = appOn(t, kafka)
  await first.start()
  for (let i = 0; i < 100; i += 1) kafka.put('words', { key: `k${i}`, value: `w${i}` })
  const second = appOn(t, kafka.anotherClient())
  await second.start()
  for (let i = 100; i < 200; i += 1) kafka.put('words', { key: `k${i}`, value: `w${i}` })
  await until('all is committed', () => committed(kafka) === 200)
  assert.equal(values(kafka).length, 200)
  const shares = [first, second].map(app => app.stats().tasks.length)
  assert.deepEqual(
    shares.toSorted((a, b) => a - b),
    [1, 2],
  )

  await first.close()
  for (let i = 200; i < 250; i += 1) kafka.put('words', { key: `k${i}`, value: `w${i}` })
  await until('the other has taken over', () => committed(kafka) === 250)
  assert.equal(values(kafka).length, 250)
})

test('a member that has lost its partitions commits nothing for them, and reads them anew', async t => {
  const kafka = fakeKafka()
  const app = appOn(t, kafka, shouting(), { commitIntervalMs: 60_000 })
  await app.start()
  for (const word of ['a', 'b', 'c']) kafka.put('words', { key: word, value: word })
  await until('they are processed', () => values(kafka).length === 3)
  kafka.expireMember('shouting', 0)
  await until('they are processed again', () => values(kafka).length === 6)
  assert.equal(committed(kafka), 0)
  await app.close()
  assert.equal(committed(kafka), 3)
})

test('closing gives up what never ends in time, without a failure and without its offset', async t => {
  const kafka = fakeKafka()
  const clock = new TestClock()
  const builder = topology('hanging')
  builder
    .stream(words)
    .enrich({
      using: async word => {
        if (word === 'hangs') await new Promise(() => undefined)
      },
      joiner: word => word,
    })
    .to(shouts)
  const app = appOn(t, kafka, builder.build(), { clock, shutdownTimeoutMs: 1_000 })
  await app.start()
  kafka.put('words', { key: 'k', value: 'answers', partition: 0 })
  kafka.put('words', { key: 'k', value: 'hangs', partition: 0 })
  kafka.put('words', { key: 'k', value: 'waits', partition: 0 })
  await until('one is through', () => app.stats().counters.produced === 1)
  const closed = app.close()
  await clock.advance(1_000)
  assert.equal(app.state, 'closed')
  await closed
  assert.equal(kafka.committed('hanging', 'words', 0), 1)
  assert.equal(clock.timers, 0)
})

for (const guarantee of ['at-least-once', 'exactly-once'] as const)
  test(`${guarantee}: closing ends in time though no output is acknowledged any more`, async t => {
    const kafka = fakeKafka()
    const clock = new TestClock()
    const app = appOn(t, kafka, shouting(), { clock, guarantee, shutdownTimeoutMs: 1_000 })
    await app.start()
    kafka.holdAcks()
    kafka.put('words', { key: 'k', value: 'a' })
    await until('it is processed', () => app.stats().counters.produced === 1)
    const closed = app.close()
    await clock.advance(1_000)
    assert.equal(app.state, 'closed')
    await closed
    assert.equal(committed(kafka), 0)
    assert.equal(clock.timers, 0)
  })

test('a failing function sends its record to the dead letters and the stream goes on', async t => {
  const kafka = fakeKafka()
  const app = appOn(t, kafka)
  await app.start()
  kafka.put('words', { key: 'k', value: 'boom' })
  kafka.put('words', { key: 'k', value: 'fine' })
  await until('both are finished', () => committed(kafka) === 2)
  assert.deepEqual(values(kafka), ['FINE'])
  const [letter] = kafka.records('shouting-dead-letters')
  const headers = Object.fromEntries(letter?.headers.map(([name, value]) => [name, String(value)]) ?? [])
  assert.equal(String(letter?.value), 'boom')
  assert.equal(headers['__streams.errors.topic'], 'words')
  assert.match(
    headers['__streams.errors.message'] ?? '',
    /words.map\S* failed for words-\d@0: I cannot shout that/i,
  )
  assert.deepEqual(app.stats().counters.deadLettersByCode, { TOPOLOGY_PROCESSING_FAILED: 1 })
})

test("with the policy 'fail' the application ends with the reason, and the record stays uncommitted", async t => {
  const kafka = fakeKafka()
  const app = appOn(t, kafka, shouting(), { onProcessingFailure: 'fail' })
  await app.start()
  kafka.put('words', { key: 'k', value: 'fine' })
  kafka.put('words', { key: 'k', value: 'boom' })
  kafka.put('words', { key: 'k', value: 'after' })
  await assert.rejects(app.ended, { code: 'TOPOLOGY_PROCESSING_FAILED' })
  assert.equal(app.state, 'failed')
  assert.ok(committed(kafka) <= 1)
  assert.ok(!values(kafka).includes('AFTER'))
})

test('an output that can never be produced ends the application without committing its input', async t => {
  const kafka = fakeKafka()
  const app = appOn(t, kafka)
  await app.start()
  kafka.failNextSend(new TopologyError('TOPOLOGY_AUTHORIZATION_FAILED', 'not allowed to write to shouts'))
  kafka.put('words', { key: 'k', value: 'a' })
  await assert.rejects(app.ended, { code: 'TOPOLOGY_AUTHORIZATION_FAILED' })
  assert.equal(committed(kafka), 0)
})

test("with the policy 'fail' nothing is waited for when the record had to wait for its turn", async t => {
  const kafka = fakeKafka()
  const builder = topology('failing')
  const first = Promise.withResolvers<void>()
  builder
    .stream(words)
    .mapValues(word => {
      if (word === 'boom') throw new Error('I cannot shout that')
      return word
    })
    .enrich({ using: () => first.promise, joiner: word => word })
    .to(shouts)
  // Time stands still: nothing is given up at a deadline.
  const app = appOn(t, kafka, builder.build(), { clock: new TestClock(), onProcessingFailure: 'fail' })
  await app.start()
  kafka.put('words', { key: 'k', value: 'first' })
  kafka.put('words', { key: 'k', value: 'boom' })
  await until('both are under way', () => app.stats().tasks.some(({ inFlight }) => inFlight === 2))
  first.resolve()
  await until('it has failed', () => app.state === 'failed', { timeoutMs: 2_000 })
})

test('no output follows one that can never be produced: it would overtake it', async t => {
  const kafka = fakeKafka()
  const clock = new TestClock()
  const builder = topology('late')
  const late = Promise.withResolvers<void>()
  builder
    .stream(words)
    .enrich({ using: word => (word === 'late' ? late.promise : Promise.resolve()), joiner: word => word })
    .to(shouts)
  const app = appOn(t, kafka, builder.build(), { clock, lingerMs: 10 })
  await app.start()
  kafka.failNextSend(new TopologyError('TOPOLOGY_RECORD_TOO_LARGE', 'larger than the broker takes'))
  kafka.put('words', { key: 'k', value: 'early' })
  kafka.put('words', { key: 'k', value: 'late' })
  await until('the first has its output', () => app.stats().counters.produced === 1)
  await clock.advance(10)
  late.resolve()
  await clock.advance(1_000)
  await assert.rejects(app.ended, { code: 'TOPOLOGY_RECORD_TOO_LARGE' })
  assert.deepEqual(values(kafka), [])
})

test('a commit that the broker refuses for now is made up for by the next one', async t => {
  const kafka = fakeKafka()
  const app = appOn(t, kafka)
  await app.start()
  kafka.failNextCommit(
    new TopologyError('TOPOLOGY_BROKER_UNAVAILABLE', 'the coordinator is loading', {
      retry: { kind: 'backoff' },
    }),
  )
  kafka.put('words', { key: 'k', value: 'a' })
  await until('it is committed', () => committed(kafka) === 1)
  assert.equal(app.state, 'running')
})

test('a start without its topics is refused and names them', async t => {
  const kafka = createFakeClient({ topics: [{ name: 'words', partitions: 3 }] })
  const app = appOn(t, kafka)
  await assert.rejects(app.start(), { code: 'TOPOLOGY_TOPIC_MISSING', message: /does not exist: shouts/ })
  assert.equal(app.state, 'failed')
})

test('unknown and impossible options are refused, all in one message', () => {
  const kafka = fakeKafka()
  assert.throws(
    () =>
      new App(shouting().compiled, { kafka, commitIntervalMs: 0, lingerMS: 3 } as unknown as AppConfig, {
        connect: () => ({ kafka, registry: undefined }),
      }),
    {
      code: 'TOPOLOGY_CONFIG_INVALID',
      message: /lingerMS is not an option.*commitIntervalMs is 0; allowed: integer 10 to/,
    },
  )
})

test('an application that is closed while it starts opens nothing and ends closed', async t => {
  const kafka = fakeKafka()
  const app = appOn(t, kafka)
  const starting = app.start()
  await app.close()
  await assert.rejects(starting, { code: 'TOPOLOGY_CLOSED' })
  assert.equal(app.state, 'closed')
  assert.deepEqual(kafka.assignments('shouting').flat(), [])
})
