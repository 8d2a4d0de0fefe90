import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createApp, streamTopic, string, tableTopic, topology, type KafkaClient } from '@tributary/topology'
import { TestClock } from '@tributary/topology/testing'
import { createFakeClient, type FakeClient } from '../../topology/src/testing/fake-client.ts'
import { createServer } from '../src/server.ts'
import { until } from '../../../test-support/until.ts'

const text = { key: string(), value: string() }

function greeting(kafka: KafkaClient, clock: TestClock) {
  const builder = topology('greeting')
  const names = builder.globalTable(tableTopic('names', text))
  builder
    .stream(streamTopic('words', text))
    .join(names, { key: word => word, joiner: (word, name) => `${word} ${name}` })
    .to(streamTopic('shouts', text))
  const app = createApp(builder.build(), {
    kafka,
    clock,
    shutdownTimeoutMs: 1_000,
    onProcessingFailure: 'fail',
  })
  const server = createServer({ name: 'greeting', app })
  const ask = async (path: string): Promise<{ readonly status: number; readonly body: unknown }> => {
    const response = await server.inject({ method: 'GET', url: path })
    return { status: response.statusCode, body: response.json() }
  }
  return { app, server, ask }
}

function fakeKafka(): FakeClient {
  return createFakeClient({
    topics: ['words', 'shouts', 'names'].map(name => ({
      name,
      partitions: 1,
      cleanupPolicy: 'compact,delete',
    })),
  })
}

/** A client whose fetchers get nothing before `open`, and whose members stay in their group until `letGo`. */
function gated(kafka: FakeClient): { readonly client: KafkaClient; open(): void; letGo(): void } {
  const gate = Promise.withResolvers<void>()
  const exit = Promise.withResolvers<void>()
  return {
    open: () => gate.resolve(),
    letGo: () => exit.resolve(),
    client: {
      ...kafka,
      createFetcher(options) {
        const fetcher = kafka.createFetcher(options)
        return {
          assign: (...args) => void gate.promise.then(() => fetcher.assign(...args)),
          unassign: partition => fetcher.unassign(partition),
          pause: partition => fetcher.pause(partition),
          resume: partition => fetcher.resume(partition),
          close: () => fetcher.close(),
        }
      },
      createGroupMember(options) {
        const member = kafka.createGroupMember(options)
        return {
          join: listener => member.join(listener),
          committed: partitions => member.committed(partitions),
          committedOffsets: partitions => member.committedOffsets(partitions),
          commit: offsets => member.commit(offsets),
          commitThrough: (offsets, send) => member.commitThrough(offsets, send),
          leave: () => exit.promise.then(() => member.leave()),
        }
      },
    },
  }
}

const live = (state: string, isAlive = true): object => ({
  status: isAlive ? 200 : 503,
  body: { service: 'greeting', isAlive, state },
})
const unready = (...reasons: string[]): object => ({
  status: 503,
  body: { service: 'greeting', isReady: false, reasons },
})

test('an application is alive and unready until its tables are loaded and it has joined, and while it closes', async t => {
  const kafka = fakeKafka()
  kafka.put('names', { key: 'k', value: 'name' })
  const { client, open, letGo } = gated(kafka)
  const clock = new TestClock()
  const { app, server, ask } = greeting(client, clock)
  t.after(() => server.close())
  assert.deepEqual(await ask('/health/live'), live('created'))
  assert.deepEqual(await ask('/health/ready'), unready('the application is created'))

  const started = app.start()
  await until('the table is being read', () => app.stats().tables.length > 0)
  assert.deepEqual(await ask('/health/live'), live('starting'))
  assert.deepEqual(
    await ask('/health/ready'),
    unready('the application is starting', 'table names is loading'),
  )

  open()
  await started
  assert.deepEqual(await ask('/health/live'), live('running'))
  assert.deepEqual(await ask('/health/ready'), {
    status: 200,
    body: { service: 'greeting', isReady: true, reasons: [] },
  })

  await clock.advance(31_000)
  assert.deepEqual(await ask('/health/live'), live('running'))
  assert.deepEqual(
    await ask('/health/ready'),
    unready('no broker has answered for words-0 for 31 s', 'table names is stale'),
  )
  kafka.answerIdlePolls()
  await until('the table is live again', () => app.readiness().isReady)

  const closing = app.close()
  assert.deepEqual(await ask('/health/live'), live('closing'))
  assert.deepEqual(await ask('/health/ready'), unready('the application is closing'))
  letGo()
  await closing
  assert.deepEqual(await ask('/health/live'), live('closed'))
  assert.deepEqual(await ask('/health/ready'), unready('the application is closed'))
})

test('an application that has failed is not alive', async t => {
  const kafka = createFakeClient({ topics: [{ name: 'names', partitions: 1 }] })
  const { app, server, ask } = greeting(kafka, new TestClock())
  t.after(() => server.close())
  await assert.rejects(app.start(), { code: 'TOPOLOGY_TOPIC_MISSING' })
  assert.deepEqual(await ask('/health/live'), live('failed', false))
  assert.deepEqual(await ask('/health/ready'), unready('the application is failed'))
})

test('/status shows tasks, tables and counters beside what the service adds', async t => {
  const kafka = fakeKafka()
  const { app } = greeting(kafka, new TestClock())
  const server = createServer({ name: 'greeting', app, status: () => ({ added: 7 }) })
  t.after(() => server.close())
  await app.start()
  await until('it has its task', () => app.stats().tasks.length === 1)
  const status = (await server.inject({ method: 'GET', url: '/status' })).json<Record<string, unknown>>()
  assert.equal(status['service'], 'greeting')
  assert.equal(status['state'], 'running')
  assert.equal(status['added'], 7)
  for (const name of ['tasks', 'tables']) assert.equal((status[name] as unknown[]).length, 1)
  await app.close()
})

test('/metrics answers in the format that is asked for, with what the service adds', async t => {
  const { app } = greeting(fakeKafka(), new TestClock())
  const added = { name: 'words_total', type: 'counter', unit: 'words', labels: [], help: 'Words' } as const
  const server = createServer({
    name: 'greeting',
    app,
    metrics: () => [{ ...added, samples: [{ labels: {}, value: 7 }] }],
  })
  t.after(() => server.close())
  const scrape = (accept: string) => server.inject({ method: 'GET', url: '/metrics', headers: { accept } })
  const text = await scrape('text/plain')
  assert.equal(text.statusCode, 200)
  assert.equal(text.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  for (const line of [
    'tributary_application_state{state="created"} 1',
    'tributary_application_info{application="greeting",guarantee="at-least-once",group_protocol="consumer"} 1',
    'tributary_ready 0',
    'tributary_slo_objective_ratio{group="greeting"} 0.9995',
    '# TYPE words_total counter',
    'words_total 7',
    '# TYPE process_cpu_seconds_total counter',
  ])
    assert.ok(text.payload.split('\n').includes(line), line)
  const openMetrics = await scrape('application/openmetrics-text;version=1.0.0')
  assert.equal(
    openMetrics.headers['content-type'],
    'application/openmetrics-text; version=1.0.0; charset=utf-8',
  )
  assert.ok(openMetrics.payload.includes('# TYPE words counter\nwords_total 7\n'))
  assert.ok(openMetrics.payload.endsWith('\n# EOF\n'))
})
