import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { KafkaClient } from '../../src/client/ports.ts'
import type { AppConfig } from '../../src/config.ts'
import { topology } from '../../src/dsl/builder.ts'
import type { ParkedInnerJoin } from '../../src/dsl/step-options.ts'
import { App } from '../../src/runtime/app.ts'
import { string } from '../../src/serde/primitives.ts'
import { createFakeClient, type FakeClient } from '../../src/testing/fake-client.ts'
import { TestClock } from '../../src/testing/test-clock.ts'
import { TopologyTestDriver } from '../../src/testing/topology-test-driver.ts'
import { streamTopic, tableTopic } from '../../src/topic.ts'
import { until } from '../../../../test-support/until.ts'

const text = { key: string(), value: string() }
const words = streamTopic('words', text)
const shouts = streamTopic('shouts', text)
const names = tableTopic('names', text)

function parking(missing: ParkedInnerJoin) {
  const builder = topology('parking')
  builder
    .stream(words)
    .join(builder.table(names), { name: 'named', joiner: (word, name) => `${word} ${name}`, missing })
    .to(shouts)
  return builder.build()
}

/** Words are looked up by themselves. */
function parkingGlobally(outer: 'join' | 'leftJoin', parkForMs = 100) {
  const builder = topology('parking')
  const key = (word: string): string => word
  const table = builder.globalTable(names)
  const stream = builder.stream(words)
  const joined =
    outer === 'join'
      ? stream.join(table, {
          name: 'named',
          key,
          joiner: (w, name) => `${w} ${name}`,
          missing: { parkForMs },
        })
      : stream.leftJoin(table, {
          name: 'named',
          key: word => (word === '-' ? null : word),
          joiner: (word, name) => `${word} ${name ?? 'nobody'}`,
          missing: { parkForMs },
        })
  joined.to(shouts)
  return builder.build()
}

async function drive(t: TestContext, built: ReturnType<typeof parking>) {
  const driver = await TopologyTestDriver.create(built)
  t.after(() => driver.close())
  const shouted = (): string[] =>
    driver
      .output(shouts)
      .take()
      .map(({ value }) => value)
  return { driver, input: driver.input(words), rows: driver.table(names), shouted }
}

test('a record without a row goes on when the row comes, under its own time, and later ones of its key behind it', async t => {
  const { driver, input, rows } = await drive(t, parking({ parkForMs: 100 }))
  input.put('ada', 'one', { timestampMs: 5 })
  input.put('bob', 'other')
  input.put('ada', 'two', { timestampMs: 6 })
  assert.equal(driver.inFlight, 3)
  await driver.advance(99)
  rows.put('ada', 'Lovelace')
  input.put('ada', 'three', { timestampMs: 7 })
  assert.deepEqual(
    driver
      .output(shouts)
      .take()
      .map(({ key, value, timestampMs }) => [key, value, timestampMs]),
    [
      ['ada', 'one Lovelace', 5],
      ['ada', 'two Lovelace', 6],
      ['ada', 'three Lovelace', 7],
    ],
  )
  assert.deepEqual(driver.counters.parked, { named: { waiting: 1, total: 2, resumed: 1, timedOut: 0 } })
  assert.deepEqual(driver.counters.drops, {})
})

test('a record whose row does not come in time is dropped, or is a dead letter that says how long it has waited', async t => {
  for (const otherwise of ['drop', 'dead-letter', undefined] as const) {
    const { driver, input, rows, shouted } = await drive(
      t,
      parking({ parkForMs: 100, ...(otherwise && { otherwise }) }),
    )
    input.put('ada', 'one')
    await driver.advance(99)
    assert.deepEqual([driver.inFlight, driver.takeDeadLetters()], [1, []])
    await driver.advance(1)
    rows.put('ada', 'Lovelace')
    assert.deepEqual([driver.inFlight, shouted()], [0, []])
    const letters = driver.takeDeadLetters()
    if (otherwise === 'dead-letter') {
      assert.match(
        letters[0]?.headerTexts['__streams.errors.message'] ?? '',
        /for which it has waited 100 ms/,
      )
      assert.equal(letters[0]?.value?.toString(), 'one')
    } else assert.deepEqual(driver.counters.drops, { named: { 'park-timeout': 1 } })
    assert.equal(letters.length, otherwise === 'dead-letter' ? 1 : 0)
    assert.deepEqual(driver.counters.parked, { named: { waiting: 0, total: 1, resumed: 0, timedOut: 1 } })
    assert.equal(driver.clock.timers, 0)
  }
})

test('each of many records of a key without a row waits for its own time only, and not for that of those before it', async t => {
  const { driver, input } = await drive(t, parking({ parkForMs: 100 }))
  for (let i = 0; i < 10; i += 1) {
    input.put('ada', `word ${i}`)
    await driver.advance(10)
  }
  assert.equal(driver.inFlight, 9)
  await driver.advance(80)
  assert.equal(driver.inFlight, 1)
  await driver.advance(10)
  assert.equal(driver.inFlight, 0)
  assert.deepEqual(driver.counters.drops, { named: { 'park-timeout': 10 } })
})

test('a tombstone wakes nobody, and a row that is gone again when a later record comes is not joined with it', async t => {
  const { driver, input, rows, shouted } = await drive(t, parking({ parkForMs: 100 }))
  input.put('ada', 'one')
  rows.tombstone('ada')
  assert.equal(driver.inFlight, 1)
  rows.put('ada', 'Lovelace')
  rows.tombstone('ada')
  input.put('ada', 'two')
  assert.deepEqual(shouted(), ['one Lovelace'])
  rows.put('ada', 'King')
  assert.deepEqual(shouted(), ['two King'])
  assert.equal(driver.inFlight, 0)
})

test('with a global table the mapped key is waited for, and the order is that of the stream’s key', async t => {
  const { driver, input, rows, shouted } = await drive(t, parkingGlobally('join'))
  rows.put('known', 'row')
  input.put('ada', 'unknown')
  input.put('ada', 'known')
  input.put('bob', 'known')
  assert.deepEqual(shouted(), ['known row'])
  rows.put('other', 'row')
  assert.deepEqual(shouted(), [])
  rows.put('unknown', 'late')
  assert.deepEqual(shouted(), ['unknown late', 'known row'])
  assert.equal(driver.inFlight, 0)
})

test('what a left join waits for in vain is joined with undefined, and what has nothing to wait for keeps its turn', async t => {
  const { driver, input, shouted } = await drive(t, parkingGlobally('leftJoin'))
  input.put('ada', '-')
  input.put('ada', 'unknown')
  input.put('ada', '-')
  assert.deepEqual(shouted(), ['- nobody'])
  await driver.advance(100)
  assert.deepEqual(shouted(), ['unknown nobody', '- nobody'])
  assert.deepEqual(driver.counters.drops, {})
  assert.equal(driver.counters.parked['named']?.timedOut, 1)
})

test('several outputs of one record wait in their order, and its offset for the last of them', async t => {
  const builder = topology('parking')
  builder
    .stream(words)
    .flatMapValues(word => word.split(' '))
    .join(builder.globalTable(names), {
      name: 'named',
      key: word => word,
      joiner: (word, name) => `${word} ${name}`,
      missing: { parkForMs: 100 },
    })
    .to(shouts)
  const { driver, input, rows, shouted } = await drive(t, builder.build())
  rows.put('b', '2')
  input.put('ada', 'a b c b')
  assert.deepEqual(shouted(), [])
  rows.put('c', '3')
  assert.deepEqual([shouted(), driver.inFlight], [[], 1])
  rows.put('a', '1')
  assert.deepEqual([shouted(), driver.inFlight], [['a 1', 'b 2', 'c 3', 'b 2'], 0])
})

test('a joiner that throws for a parked record makes it a dead letter, and those behind it go on', async t => {
  const builder = topology('parking')
  builder
    .stream(words)
    .join(builder.table(names), {
      name: 'named',
      joiner: (word, name) => {
        if (word === 'boom') throw new Error('I cannot join that')
        return `${word} ${name}`
      },
      missing: { parkForMs: 100 },
    })
    .to(shouts)
  const { driver, input, rows, shouted } = await drive(t, builder.build())
  input.put('ada', 'boom')
  input.put('ada', 'two')
  rows.put('ada', 'Lovelace')
  assert.deepEqual(shouted(), ['two Lovelace'])
  assert.match(
    driver.takeDeadLetters()[0]?.headerTexts['__streams.errors.message'] ?? '',
    /The step named failed/,
  )
  assert.equal(driver.inFlight, 0)
})

/* In an application: commits, bounds, rebalances. */

function fakeKafka(): FakeClient {
  return createFakeClient({
    topics: [
      { name: 'words', partitions: 1 },
      { name: 'shouts', partitions: 1 },
      { name: 'names', partitions: 1, cleanupPolicy: 'compact' },
    ],
  })
}

async function appOn(
  t: TestContext,
  kafka: KafkaClient,
  built: ReturnType<typeof parking>,
  config: Partial<AppConfig> = {},
): Promise<App> {
  const app = new App(
    built.compiled,
    { kafka, commitIntervalMs: 10, lingerMs: 1, shutdownTimeoutMs: 60_000, ...config },
    { connect: () => ({ kafka, registry: undefined }) },
  )
  t.after(() => app.close().catch(() => undefined))
  await app.start()
  return app
}

const values = (kafka: FakeClient): string[] => kafka.records('shouts').map(({ value }) => String(value))
const committed = (kafka: FakeClient): number | undefined => kafka.committed('parking', 'words', 0)

for (const guarantee of ['at-least-once', 'exactly-once'] as const) {
  test(`${guarantee}: closing does not wait for parked records: they stay uncommitted, and the next process has them`, async t => {
    const kafka = fakeKafka()
    kafka.put('names', { key: 'bob', value: 'Babbage' })
    const built = parking({ parkForMs: 3_600_000 })
    const first = await appOn(t, kafka, built, { guarantee })
    kafka.put('words', { key: 'bob', value: 'zero' })
    kafka.put('words', { key: 'ada', value: 'one' })
    kafka.put('words', { key: 'ada', value: 'two' })
    await until('two of them wait', () => first.stats().tasks[0]?.inFlight === 2)
    assert.deepEqual(
      [first.stats().tasks[0]?.parked, first.stats().counters.parked['named']?.waiting],
      [1, 1],
    )
    const startedMs = performance.now()
    await first.close()
    assert.ok(performance.now() - startedMs < 30_000)
    assert.equal(committed(kafka), 1)
    assert.equal(first.stats().counters.parked['named']?.waiting, 0)

    const second = await appOn(t, kafka.anotherClient(), built, { guarantee })
    await until('both wait again', () => second.stats().tasks[0]?.inFlight === 2)
    kafka.put('names', { key: 'ada', value: 'Lovelace' })
    await until('they are committed', () => committed(kafka) === 3)
    assert.deepEqual(values(kafka), ['zero Babbage', 'one Lovelace', 'two Lovelace'])
  })
}

test('with exactly-once the partition goes on behind a parked record and commits all at once when it is through', async t => {
  const kafka = fakeKafka()
  kafka.put('names', { key: 'bob', value: 'Babbage' })
  const app = await appOn(t, kafka, parking({ parkForMs: 3_600_000 }), { guarantee: 'exactly-once' })
  kafka.put('words', { key: 'ada', value: 'one' })
  for (let i = 0; i < 20; i += 1) kafka.put('words', { key: 'bob', value: `w${i}` })
  await until('all is processed', () => app.stats().counters.produced === 20)
  const seen = new Set<number>()
  kafka.put('names', { key: 'ada', value: 'Lovelace' })
  await until('all is committed', () => {
    seen.add(committed(kafka) ?? 0)
    return seen.has(21)
  })
  assert.deepEqual([...seen], [0, 21])
  assert.deepEqual(values(kafka).slice(0, 2), ['one Lovelace', 'w0 Babbage'])
  assert.equal(values(kafka).length, 21)
})

test('parked records fill the bound, at which the task stops reading until a row or the time makes room', async t => {
  const kafka = fakeKafka()
  const clock = new TestClock()
  const app = await appOn(t, kafka, parking({ parkForMs: 1_000 }), { clock, maxInFlightRecords: 5 })
  for (let i = 0; i < 20; i += 1) kafka.put('words', { key: `k${i}`, value: 'w' })
  await until('the bound is reached', () => app.stats().tasks[0]?.parked === 5)
  assert.equal(app.stats().counters.consumed, 5)
  kafka.put('names', { key: 'k0', value: 'row' })
  await until('one more is read', () => app.stats().counters.consumed === 6)
  assert.equal(app.stats().tasks[0]?.parked, 5)
  await until('all have had their time', async () => {
    await clock.advance(1_000)
    return app.stats().counters.parked['named']?.timedOut === 19
  })
  await until('the row has been joined', () => values(kafka).length === 1)
})

test('the bytes of parked records are bounded as well, by the record that reaches the bound', async t => {
  const kafka = fakeKafka()
  const clock = new TestClock()
  const config = { clock, maxInFlightBytes: 10_000 }
  const app = await appOn(t, kafka, parking({ parkForMs: 1_000 }), config)
  for (let i = 0; i < 100; i += 1) kafka.put('words', { key: `k${i}`, value: 'w'.repeat(1_000) })
  await until('the bound is reached', () => (app.stats().tasks[0]?.inFlightBytes ?? 0) >= 10_000)
  // Each has 1,002 bytes, key and value.
  assert.deepEqual([app.stats().tasks[0]?.parked, app.stats().counters.consumed], [10, 10])
  await until('all have had their time', async () => {
    await clock.advance(1_000)
    return app.stats().counters.parked['named']?.timedOut === 100
  })
  assert.equal(app.stats().tasks[0]?.inFlightBytes, 0)
})
