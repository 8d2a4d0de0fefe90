import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { APP_METRICS } from '../../src/observability/app-metric-catalog.ts'
import type { MetricFamily } from '../../src/observability/metric.ts'
import { topology } from '../../src/dsl/builder.ts'
import type { Topology } from '../../src/plan/topology.ts'
import { App } from '../../src/runtime/app.ts'
import { string } from '../../src/serde/primitives.ts'
import { createFakeClient, type FakeClient } from '../../src/testing/fake-client.ts'
import { TestClock } from '../../src/testing/test-clock.ts'
import { streamTopic, tableTopic } from '../../src/topic.ts'
import { until } from '../../../../test-support/until.ts'

const text = { key: string(), value: string() }
const words = streamTopic('words', text)

/** Everything that has figures of its own. */
function everything(answers: { ask: () => Promise<string>; sent: string[] }): Topology {
  const builder = topology('everything')
  const names = builder.table(tableTopic('names', text), { name: 'names' })
  const extras = builder.globalTable(tableTopic('extras', text), { name: 'extras' })
  const { wanted, rest } = builder
    .stream(words, { name: 'words' })
    .filter(word => word !== 'unwanted', { name: 'only-wanted' })
    .flatMapValues(word => word.split(' '), { name: 'split-words' })
    .split({ wanted: word => word !== 'rest' }, { default: 'rest', name: 'by-kind' })
  wanted
    .join(names, { joiner: (word, name) => `${word}-${name}`, name: 'with-name' })
    .leftJoin(extras, {
      key: word => word,
      joiner: (word, extra) => `${word}-${extra ?? 'none'}`,
      name: 'with-extra',
    })
    .enrich({
      using: () => answers.ask(),
      joiner: (word, answer) => `${word}-${answer}`,
      name: 'ask',
      timeoutMs: 600_000,
    })
    .mapValues(
      word => {
        if (word.startsWith('broken')) throw new Error('broken')
        return word
      },
      { name: 'check' },
    )
    .to(streamTopic('shouts', text), { name: 'shout' })
  rest.deliver({
    name: 'send',
    destination: {
      name: 'outside',
      deliver: items => {
        answers.sent.push(...items.map(({ value }) => String(value)))
        return Promise.resolve(items.map(() => ({ kind: 'accepted' as const })))
      },
    },
    maxBatchItems: 10,
    lingerMs: 0,
  })
  return builder.build()
}

interface World {
  readonly app: App
  readonly kafka: FakeClient
  readonly clock: TestClock
  readonly sent: string[]
  put(key: string, value: string): void
  value(
    name: string,
    labels?: Readonly<Record<string, string>>,
  ): MetricFamily['samples'][number]['value'] | undefined
}

async function started(
  t: TestContext,
  ask: () => Promise<string> = () => Promise.resolve('yes'),
): Promise<World> {
  const kafka = createFakeClient({
    topics: ['words', 'names', 'extras', 'shouts'].map(name => ({
      name,
      partitions: 1,
      cleanupPolicy: 'compact,delete',
    })),
  })
  for (const key of ['a', 'b']) kafka.put('names', { key, value: key.toUpperCase() })
  const clock = new TestClock()
  const sent: string[] = []
  const app = new App(
    everything({ ask, sent }).compiled,
    { kafka, clock, shutdownTimeoutMs: 100, commitIntervalMs: 1_000 },
    { connect: () => ({ kafka, registry: undefined }) },
  )
  t.after(async () => {
    const closed = app.close()
    // What hangs is given up at its time, and time stands still otherwise.
    await clock.advance(100)
    await closed
  })
  await app.start()
  await until('it has its task', () => app.stats().tasks.length === 1)
  return {
    app,
    kafka,
    clock,
    sent,
    put: (key, value) => kafka.put('words', { key, value, timestampMs: clock.now() }),
    value(name, labels = {}) {
      const family = app.metrics().find(each => each.name === name)
      assert.ok(family !== undefined, `there is no ${name}`)
      return family.samples.find(sample =>
        Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
      )?.value
    },
  }
}

function flow({ value }: World, step: string): readonly unknown[] {
  return [
    value('tributary_step_records_in_total', { step }),
    value('tributary_step_records_out_total', { step }),
  ]
}

test('each step tells what came in, what went on and what became of the rest', async t => {
  const world = await started(t)
  const { app, put, value, sent } = world
  put('a', 'one two')
  put('a', 'unwanted')
  put('b', 'rest three')
  put('c', 'four')
  put('a', 'broken')
  await until(
    'all is through',
    () => app.stats().counters.consumed === 5 && app.stats().tasks[0]?.inFlight === 0,
  )
  assert.deepEqual(sent, ['rest'])
  assert.deepEqual(flow(world, 'words'), [5, 5])
  assert.deepEqual(flow(world, 'only-wanted'), [5, 4])
  assert.deepEqual(flow(world, 'split-words'), [4, 6])
  assert.deepEqual(flow(world, 'by-kind'), [6, 6])
  assert.deepEqual(flow(world, 'with-name'), [5, 4])
  assert.deepEqual(flow(world, 'with-extra'), [4, 4])
  assert.deepEqual(flow(world, 'ask'), [4, 4])
  assert.deepEqual(flow(world, 'check'), [4, 3])
  assert.deepEqual(flow(world, 'shout'), [3, 3])
  assert.deepEqual(flow(world, 'send'), [1, 1])
  assert.equal(value('tributary_dropped_records_total', { step: 'only-wanted', reason: 'filtered' }), 1)
  assert.equal(value('tributary_dropped_records_total', { step: 'with-name', reason: 'join-miss' }), 1)
  assert.equal(
    value('tributary_dead_letters_total', { step: 'check', code: 'TOPOLOGY_PROCESSING_FAILED' }),
    1,
  )
  const lookups = (step: string, result: string): unknown =>
    value('tributary_join_lookups_total', { step, result })
  assert.deepEqual([lookups('with-name', 'hit'), lookups('with-name', 'miss')], [4, 1])
  assert.deepEqual([lookups('with-extra', 'hit'), lookups('with-extra', 'miss')], [0, 4])
  assert.equal(value('tributary_delivery_settled_records_total', { step: 'send', outcome: 'accepted' }), 1)
  assert.equal(value('tributary_table_rows', { table: 'names' }), 2)
  assert.equal(value('tributary_table_state', { table: 'names', state: 'live' }), 1)
  assert.equal(value('tributary_table_load_ratio', { table: 'names' }), 1)
  assert.equal(value('tributary_ready'), 1)
  assert.equal(value('tributary_rebalances_total', { event: 'assigned' }), 1)
})

test('lag is the age of the oldest unfinished record, and commit age that of the last commit', async t => {
  const answer = Promise.withResolvers<string>()
  const { app, put, value, clock, kafka } = await started(t, () => answer.promise)
  const at = { topic: 'words', partition: '0' }
  kafka.answerIdlePolls()
  await until('the end is known', () => value('tributary_source_lag_records', at) === 0)
  assert.equal(value('tributary_source_lag_seconds', at), 0)
  await clock.advance(60_000)
  put('a', 'waits')
  await until('its call is made', () => value('tributary_enrich_in_flight_calls', { step: 'ask' }) === 1)
  await clock.advance(7_000)
  put('b', 'waits, too')
  await until('both are read', () => value('tributary_source_lag_records', at) === 2)
  await clock.advance(3_000)
  assert.equal(value('tributary_source_lag_seconds', at), 10)
  // A second after the start the group has been told where reading began.
  assert.equal(value('tributary_source_commit_age_seconds', at), 69)
  answer.resolve('now')
  await until('all is through', () => app.stats().tasks[0]?.inFlight === 0)
  assert.equal(value('tributary_source_lag_seconds', at), 0)
  await clock.advance(1_000)
  await until('it is committed', () => value('tributary_source_committed_offset', at) === 2)
  assert.equal(value('tributary_source_commit_age_seconds', at), 0)
  assert.equal(value('tributary_commits_total', { result: 'committed' }), 2)
})

test('latency runs from the record to the acknowledgement of its output', async t => {
  const { put, value, clock, kafka } = await started(t)
  put('a', 'one')
  kafka.put('words', { key: 'b', value: 'old', timestampMs: clock.now() - 45_000 })
  await until('both are written', () => {
    void clock.advance(5)
    return value('tributary_output_records_total', { topic: 'shouts' }) === 2
  })
  const latency = value('tributary_output_latency_seconds', { topic: 'shouts' })
  assert.ok(typeof latency === 'object')
  const { bounds, counts, sum } = latency
  assert.equal(counts[bounds.indexOf(60)], 1)
  assert.ok(sum > 45 && sum < 47, `${sum} s`)
})

test('every metric has a value while an application works, and its labels are those that the catalog lists', async t => {
  const { app, put, value } = await started(t)
  put('a', 'one rest')
  put('a', 'unwanted')
  put('a', 'broken')
  await until(
    'all is through',
    () => app.stats().counters.consumed === 3 && app.stats().tasks[0]?.inFlight === 0,
  )
  await until('the end is reached', () => value('tributary_source_lag_records') === 0)
  const withoutValue: string[] = []
  for (const { name, labels, samples } of app.metrics()) {
    if (samples.length === 0) withoutValue.push(name)
    for (const sample of samples) assert.deepEqual(Object.keys(sample.labels), labels, name)
  }
  // Nothing waits for a row here, and nothing has been committed yet.
  assert.deepEqual(withoutValue, [
    'tributary_source_committed_offset',
    'tributary_join_waiting_records',
    'tributary_join_waited_records_total',
  ])
  assert.deepEqual(
    app.metrics().map(({ name }) => name),
    Object.keys(APP_METRICS),
  )
})

test('each process tells how many partitions a source topic has, and how many of them are its own', async t => {
  const kafka = createFakeClient({
    topics: ['words', 'shouts'].map(name => ({ name, partitions: 3 })),
  })
  const builder = topology('shared')
  builder.stream(words).to(streamTopic('shouts', text))
  const { compiled } = builder.build()
  const process = async (): Promise<App> => {
    const config = { kafka, clock: new TestClock() }
    const app = new App(compiled, config, { connect: () => ({ kafka, registry: undefined }) })
    t.after(() => app.close())
    await app.start()
    return app
  }
  const told = (app: App, name: string): readonly unknown[] =>
    app
      .metrics()
      .find(family => family.name === name)!
      .samples.map(({ labels, value }) => [labels['topic'], value])
  const owned = (app: App): readonly unknown[] => told(app, 'tributary_source_owned_partitions')
  const first = await process()
  await until('the first has all', () => first.stats().tasks.length === 3)
  assert.deepEqual(owned(first), [['words', 3]])
  const second = await process()
  await until('the second has its part', () => second.stats().tasks.length > 0)
  assert.deepEqual([owned(first), owned(second)], [[['words', 2]], [['words', 1]]])
  for (const app of [first, second])
    assert.deepEqual(told(app, 'tributary_source_topic_partitions'), [['words', 3]])
  await second.close()
  await until('the first has all again', () => first.stats().tasks.length === 3)
  assert.deepEqual([owned(first), owned(second)], [[['words', 3]], [['words', 0]]])
})
