import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { KafkaClient } from '../../src/client/ports.ts'
import type { AppConfig } from '../../src/config.ts'
import { topology } from '../../src/dsl/builder.ts'
import { TopologyError } from '../../src/errors.ts'
import type { Topology } from '../../src/plan/topology.ts'
import { App } from '../../src/runtime/app.ts'
import { json, string } from '../../src/serde/primitives.ts'
import { createFakeClient, type FakeClient } from '../../src/testing/fake-client.ts'
import { TestClock } from '../../src/testing/test-clock.ts'
import { streamTopic, tableTopic } from '../../src/topic.ts'
import { until } from '../../../../test-support/until.ts'

const text = { key: string(), value: string() }
const words = streamTopic('words', text)
const shouts = streamTopic('shouts', text)

const PARTITIONS = 3
const GROUP = 'shouting'

function fakeKafka(): FakeClient {
  return createFakeClient({
    topics: [
      { name: 'words', partitions: PARTITIONS },
      { name: 'shouts', partitions: PARTITIONS },
    ],
  })
}

function shouting(): Topology {
  const builder = topology(GROUP)
  builder
    .stream(words)
    .mapValues(word => {
      if (word === 'boom') throw new Error('I cannot shout that')
      return word.toUpperCase()
    })
    .to(shouts)
  return builder.build()
}

/** Words that contain a dash are answered when the test says so. */
function asking(answers: ReadonlyMap<string, Promise<void>>): Topology {
  const builder = topology(GROUP)
  const { plain, asked } = builder
    .stream(words)
    .split({ plain: word => !word.includes('-') }, { default: 'asked' })
  plain.mapValues(word => word.toUpperCase()).to(shouts)
  asked
    .enrich({ using: word => answers.get(word) ?? Promise.resolve(), joiner: word => word.toUpperCase() })
    .to(shouts)
  return builder.build()
}

function appOn(
  t: TestContext,
  kafka: KafkaClient,
  config: Partial<AppConfig> = {},
  built: Topology = shouting(),
): App {
  const app = new App(
    built.compiled,
    {
      kafka,
      guarantee: 'exactly-once',
      commitIntervalMs: 10,
      lingerMs: 1,
      shutdownTimeoutMs: 1_000,
      ...config,
    },
    { connect: () => ({ kafka, registry: undefined }) },
  )
  t.after(() => app.close().catch(() => undefined))
  return app
}

function committed(kafka: FakeClient): number {
  let sum = 0
  for (let partition = 0; partition < PARTITIONS; partition += 1)
    sum += kafka.committed(GROUP, 'words', partition) ?? 0
  return sum
}

/** As a reader of committed records sees them. */
function values(kafka: FakeClient, topic = 'shouts'): string[] {
  return kafka.records(topic).map(record => String(record.value))
}

function written(kafka: FakeClient): number {
  let sum = 0
  for (let partition = 0; partition < PARTITIONS; partition += 1) sum += kafka.endOffset('shouts', partition)
  return sum
}

test('outputs and offsets become visible together, with the commit', async t => {
  const kafka = fakeKafka()
  const clock = new TestClock()
  const app = appOn(t, kafka, { clock, commitIntervalMs: 1_000 })
  await app.start()
  for (const word of ['a', 'b', 'c']) kafka.put('words', { key: word, value: word })
  await until('they are processed', () => app.stats().counters.produced === 3)
  await clock.advance(100)
  assert.equal(written(kafka), 3)
  assert.deepEqual(values(kafka), [])
  assert.equal(committed(kafka), 0)
  await clock.advance(1_000)
  assert.deepEqual(values(kafka).toSorted(), ['A', 'B', 'C'])
  assert.equal(committed(kafka), 3)
})

test('what is produced while a transaction ends waits for the next one', async t => {
  const kafka = fakeKafka()
  const clock = new TestClock()
  const app = appOn(t, kafka, { clock, commitIntervalMs: 1_000 })
  await app.start()
  kafka.holdAcks()
  kafka.put('words', { key: 'k', value: 'first' })
  await until('it is processed', () => app.stats().counters.produced === 1)
  await clock.advance(1_000)
  kafka.put('words', { key: 'k', value: 'second' })
  await until('the tasks go on', () => app.stats().counters.produced === 2)
  await clock.advance(500)
  assert.equal(written(kafka), 1)
  kafka.releaseAcks()
  await until('the transaction has ended', () => committed(kafka) === 1)
  assert.deepEqual(values(kafka), ['FIRST'])
  await clock.advance(1_000)
  assert.deepEqual(values(kafka), ['FIRST', 'SECOND'])
  assert.equal(committed(kafka), 2)
})

test('dead letters are part of the transaction', async t => {
  const kafka = fakeKafka()
  const clock = new TestClock()
  const app = appOn(t, kafka, { clock, commitIntervalMs: 1_000 })
  await app.start()
  kafka.put('words', { key: 'k', value: 'boom' })
  await until('it is processed', () => app.stats().counters.deadLetters === 1)
  await clock.advance(100)
  assert.deepEqual(values(kafka, 'shouting-dead-letters'), [])
  await clock.advance(1_000)
  assert.deepEqual(values(kafka, 'shouting-dead-letters'), ['boom'])
  assert.equal(committed(kafka), 1)
})

test('a call that hangs holds back the outputs behind it, and no commit of what is before it', async t => {
  const kafka = fakeKafka()
  const clock = new TestClock()
  const slow = Promise.withResolvers<void>()
  const answers = new Map([['s-low', slow.promise]])
  const app = appOn(t, kafka, { clock, commitIntervalMs: 1_000 }, asking(answers))
  await app.start()
  const at = { partition: 0 }
  for (const [key, value] of [
    ['k1', 'a'],
    ['k2', 's-low'],
    ['k3', 'q-uick'],
    ['k4', 'b'],
  ] as const)
    kafka.put('words', { key, value, ...at })
  await until('all but one are processed', () => app.stats().counters.consumed === 4)
  await clock.advance(2_000)
  assert.deepEqual(values(kafka), ['A'])
  assert.equal(committed(kafka), 1)
  slow.resolve()
  await clock.advance(2_000)
  assert.deepEqual(values(kafka).toSorted(), ['A', 'B', 'Q-UICK', 'S-LOW'])
  assert.equal(committed(kafka), 4)
})

test('an unfinished record pauses the task once enough outputs wait behind it', async t => {
  const kafka = fakeKafka()
  const slow = Promise.withResolvers<void>()
  const answers = new Map([['s-low', slow.promise]])
  const app = appOn(t, kafka, { maxInFlightRecords: 50 }, asking(answers))
  await app.start()
  kafka.put('words', { key: 'k', value: 's-low', partition: 0 })
  for (let i = 0; i < 200; i += 1) kafka.put('words', { key: `k${i}`, value: `w${i}`, partition: 0 })
  await until('the task stops', () => app.stats().counters.consumed >= 50)
  assert.ok(app.stats().counters.consumed <= 51, `${app.stats().counters.consumed} were consumed`)
  slow.resolve()
  await until('it goes on', () => committed(kafka) === 201)
  assert.equal(values(kafka).length, 201)
})

test('closing commits what was read, and nothing stays open', async t => {
  const kafka = fakeKafka()
  const app = appOn(t, kafka, { commitIntervalMs: 9_000 })
  await app.start()
  for (let i = 0; i < 50; i += 1) kafka.put('words', { key: `k${i}`, value: `w${i}` })
  await until('all is processed', () => app.stats().counters.produced === 50)
  await app.close()
  assert.equal(values(kafka).length, 50)
  assert.equal(committed(kafka), 50)
})

for (const guarantee of ['at-least-once', 'exactly-once'] as const)
  for (const kind of ['partitioned', 'global'] as const)
    test(`letters of a ${kind} table's rows that are under way when it closes are no failure (${guarantee})`, async t => {
      const kafka = createFakeClient({
        topics: ['words', 'shouts', 'names'].map(name => ({ name, partitions: PARTITIONS })),
      })
      const builder = topology(GROUP)
      const names = tableTopic('names', { key: string(), value: json<string>() })
      const joiner = (word: string, name: string): string => `${word} ${name}`
      if (kind === 'global') {
        const key = (word: string): string => word
        builder.stream(words).join(builder.globalTable(names), { key, joiner }).to(shouts)
      } else builder.stream(words).join(builder.table(names), { joiner }).to(shouts)
      const app = appOn(t, kafka, { guarantee }, builder.build())
      kafka.put('names', { key: 'k', value: '{' })
      kafka.holdAcks()
      const starting = app.start().catch(() => undefined)
      await until('a letter is under way', () => app.stats().counters.deadLetters === 1)
      await app.close()
      await starting
      assert.equal(app.state, 'closed')
    })

for (const [what, disturb] of [
  ['times out', (kafka: FakeClient) => kafka.timeOutTransactions()],
  ['belongs to a member that has lost its partitions', (kafka: FakeClient) => kafka.expireMember(GROUP, 0)],
  [
    'cannot take a batch',
    (kafka: FakeClient) =>
      kafka.failNextSend(new TopologyError('TOPOLOGY_TRANSACTION_ABORTED', 'out of order')),
  ],
  [
    'has its offsets refused',
    (kafka: FakeClient) => kafka.failNextCommit(new TopologyError('TOPOLOGY_MEMBER_FENCED', 'stale')),
  ],
] as const)
  test(`the work of a transaction that ${what} is repeated, and seen once`, async t => {
    const kafka = fakeKafka()
    const clock = new TestClock()
    const app = appOn(t, kafka, { clock, commitIntervalMs: 1_000 })
    await app.start()
    for (let i = 0; i < 30; i += 1) kafka.put('words', { key: `k${i}`, value: `a${i}` })
    await until('they are processed', () => app.stats().counters.produced === 30)
    await clock.advance(500)
    disturb(kafka)
    for (let i = 0; i < 30; i += 1) kafka.put('words', { key: `k${i}`, value: `b${i}` })
    await until('everything is committed', async () => {
      await clock.advance(500)
      return committed(kafka) === 60
    })
    assert.equal(new Set(values(kafka)).size, 60)
    assert.equal(values(kafka).length, 60)
    assert.ok(app.stats().counters.produced > 60, 'nothing was repeated')
    assert.equal(app.state, 'running')
  })

test('an output that can never be produced ends the application, and its transaction is never seen', async t => {
  const kafka = fakeKafka()
  const clock = new TestClock()
  const app = appOn(t, kafka, { clock, commitIntervalMs: 1_000 })
  await app.start()
  kafka.put('words', { key: 'a', value: 'first', partition: 0 })
  await until('it is written', async () => {
    await clock.advance(10)
    return written(kafka) === 1
  })
  kafka.failNextSend(new TopologyError('TOPOLOGY_AUTHORIZATION_FAILED', 'not allowed to write to shouts'))
  kafka.put('words', { key: 'b', value: 'second', partition: 1 })
  await until('it ends', async () => {
    await clock.advance(10)
    return app.state === 'failed'
  })
  await assert.rejects(app.ended, { code: 'TOPOLOGY_AUTHORIZATION_FAILED' })
  assert.deepEqual(values(kafka), [])
  assert.equal(committed(kafka), 0)
})

test("with the policy 'fail' nothing of the failed transaction is seen", async t => {
  const kafka = fakeKafka()
  const app = appOn(t, kafka, { onProcessingFailure: 'fail', commitIntervalMs: 9_000 })
  await app.start()
  kafka.put('words', { key: 'k', value: 'fine' })
  kafka.put('words', { key: 'k', value: 'boom' })
  await assert.rejects(app.ended, { code: 'TOPOLOGY_PROCESSING_FAILED' })
  assert.deepEqual(values(kafka), [])
  assert.equal(committed(kafka), 0)
})

/** A process that stops for good, or for a while, just before it ends its transaction. */
function stoppingClient(kafka: KafkaClient) {
  const wakeUp = Promise.withResolvers<void>()
  let isStopped = false
  const client: KafkaClient = {
    ...kafka,
    async createTransactionalProducer(options) {
      const producer = await kafka.createTransactionalProducer(options)
      return {
        send: batch => producer.send(batch),
        commitOffsets: (offsets, member) => producer.commitOffsets(offsets, member),
        async commitTransaction() {
          if (written(kafka as FakeClient) > 0) {
            isStopped = true
            await wakeUp.promise
          }
          await producer.commitTransaction()
        },
        abortTransaction: () => producer.abortTransaction(),
        close: () => producer.close(),
      }
    },
  }
  return { client, wakeUp: () => wakeUp.resolve(), isStopped: () => isStopped }
}

test('a process that dies between its last output and the commit is succeeded by one with the same id', async t => {
  const kafka = fakeKafka()
  const dying = stoppingClient(kafka)
  const first = appOn(t, dying.client, { instanceId: 'one' })
  await first.start()
  for (let i = 0; i < 20; i += 1) kafka.put('words', { key: `k${i}`, value: `w${i}` })
  await until('it is about to commit', dying.isStopped)
  assert.equal(written(kafka), 20)
  assert.deepEqual(values(kafka), [])

  kafka.expireMember(GROUP, 0)
  const second = appOn(t, kafka.anotherClient(), { instanceId: 'one' })
  await second.start()
  await until('the successor has done the work', () => committed(kafka) === 20)
  assert.equal(values(kafka).length, 20)

  // The zombie wakes: nothing of its transaction is seen, and it ends.
  dying.wakeUp()
  await assert.rejects(first.ended, { code: 'TOPOLOGY_PRODUCER_FENCED' })
  assert.equal(values(kafka).length, 20)
  kafka.put('words', { key: 'k', value: 'last' })
  await until('the successor goes on', () => committed(kafka) === 21)
  assert.equal(values(kafka).length, 21)
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
  await first.close()
  for (let i = 200; i < 250; i += 1) kafka.put('words', { key: `k${i}`, value: `w${i}` })
  await until('the other has taken over', () => committed(kafka) === 250)
  assert.equal(values(kafka).length, 250)
  assert.equal(new Set(values(kafka)).size, 250)
})

test('a transaction that could not outlast the commit interval is refused', t => {
  assert.throws(() => appOn(t, fakeKafka(), { commitIntervalMs: 5_000, transactionTimeoutMs: 5_000 }), {
    code: 'TOPOLOGY_CONFIG_INVALID',
    message: /commitIntervalMs is 5000 and transactionTimeoutMs 5000/,
  })
})
