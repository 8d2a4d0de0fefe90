import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { test, type TestContext } from 'node:test'
import { createApp, streamTopic, string, topology } from '@tributary/topology'
import { TestClock } from '@tributary/topology/testing'
import { createFakeClient } from '../../../topology/src/testing/fake-client.ts'
import { createServer } from '../../src/server.ts'
import { until } from '../../../../test-support/until.ts'

const text = { key: string(), value: string() }

interface Answer {
  readonly status: number
  readonly body: Record<string, unknown>
}

/** A consumer whose call does not answer until it is told to. */
async function consumer(t: TestContext) {
  const kafka = createFakeClient({ topics: ['words', 'shouts'].map(name => ({ name, partitions: 1 })) })
  const clock = new TestClock(1_700_000_000_000)
  const waiting: (() => void)[] = []
  let hangs = false
  const builder = topology('shouting')
  builder
    .stream(streamTopic('words', text))
    .enrich({
      using: () => new Promise<void>(resolve => (hangs ? waiting.push(resolve) : resolve())),
      joiner: word => word,
      timeoutMs: 600_000,
      maxInFlight: 1,
    })
    .to(streamTopic('shouts', text))
  const app = createApp(builder.build(), { kafka, clock, shutdownTimeoutMs: 100, clientId: 'shouter' })
  const server = createServer({ name: 'shouting', app, clock, cluster: 'main' })
  t.after(async () => {
    const closed = app.close()
    await clock.advance(100)
    await Promise.all([closed, server.close()])
  })
  await server.ready()
  await app.start()
  await until('it has its task', () => app.stats().tasks.length === 1)
  const get = async (url: string): Promise<Answer> => {
    const response = await server.inject({ method: 'GET', url })
    return { status: response.statusCode, body: response.json() }
  }
  return {
    app,
    clock,
    get,
    put: (word: string) => kafka.put('words', { key: 'k', value: word, timestampMs: clock.now() }),
    hang: () => {
      hangs = true
    },
    answer: () => {
      hangs = false
      for (const resolve of waiting.splice(0)) resolve()
    },
    async consumed(count: number): Promise<void> {
      await until('it is read', () => app.stats().counters.consumed === count)
    },
    async metric(series: string): Promise<number> {
      const { payload } = await server.inject({ method: 'GET', url: '/metrics' })
      const line = payload.split('\n').find(each => each.startsWith(`${series} `))
      assert.ok(line !== undefined, `no ${series}`)
      return Number(line.slice(series.length + 1))
    },
    /** A second is one commit and one judgement. */
    async seconds(count: number): Promise<void> {
      for (let i = 0; i < count; i += 1) await clock.advance(1_000)
    },
  }
}

const STATUS = 'tributary_consumer_status{group="shouting",topic="words",partition="0"}'
const GROUP = 'tributary_consumer_group_status{group="shouting"}'
const SECONDS = 'tributary_slo_seconds_total{group="shouting"}'
const GOOD_SECONDS = 'tributary_slo_good_seconds_total{group="shouting"}'

test('a consumer that hangs is stopped, its time is not good, and both end when it goes on', async t => {
  const { put, seconds, consumed, metric, hang, answer, get, app } = await consumer(t)
  // Longer than ends are remembered: a consumer that was caught up lately has not stopped.
  for (let i = 0; i < 3; i += 1) {
    put(`word ${i}`)
    await consumed(i + 1)
    await seconds(1)
  }
  assert.equal(await metric(STATUS), 1)
  hang()
  for (let i = 0; i < 5; i += 1) put('hangs')
  await until('the end is known', () => (app.stats().tasks[0]?.sources[0]?.lag ?? 0) === 5)
  await seconds(90)
  assert.equal(await metric(STATUS), 1, 'it was at the end within the last ten looks')
  const goodBefore = await metric(GOOD_SECONDS)
  assert.equal(goodBefore, await metric(SECONDS))
  await seconds(20)
  assert.equal(await metric(STATUS), 4)
  assert.equal(await metric(GROUP), 3)
  const { status, body } = await get('/v3/kafka/main/consumer/shouting/status')
  assert.equal(status, 200)
  const group = body['status'] as Record<string, unknown>
  assert.deepEqual([group['status'], group['totallag'], group['partition_count']], ['ERR', 5, 1])
  const bad = (await metric(SECONDS)) - (await metric(GOOD_SECONDS))
  assert.ok(bad >= 5 && bad <= 20, `${bad} s were bad`)

  answer()
  await consumed(8)
  await seconds(1)
  assert.equal(await metric(STATUS), 1)
  assert.equal(await metric('tributary_slo_objective_ratio{group="shouting"}'), 0.9995)
})

test('the answers have the shape of Burrow’s', async t => {
  const { put, consumed, seconds, get, clock } = await consumer(t)
  const request = (url: string): object => ({ request: { url, host: hostname() } })
  put('one')
  await consumed(1)
  await seconds(1)
  const firstMs = clock.now()
  put('two')
  await consumed(2)
  await seconds(1)
  const commits = [
    { offset: 1, timestamp: firstMs, observedAt: firstMs, lag: 0 },
    { offset: 2, timestamp: firstMs + 1_000, observedAt: firstMs + 1_000, lag: 0 },
  ]
  const partition = {
    topic: 'words',
    partition: 0,
    owner: hostname(),
    client_id: 'shouter',
    status: 'OK',
    start: commits[0],
    end: commits[1],
    current_lag: 0,
    complete: 0.2,
  }
  const status = {
    cluster: 'main',
    group: 'shouting',
    status: 'OK',
    complete: 0,
    partitions: [],
    partition_count: 1,
    maxlag: partition,
    totallag: 0,
  }
  const ok = (url: string, message: string, facts: object): readonly [string, Answer] => [
    url,
    { status: 200, body: { error: false, message, ...facts, ...request(url) } },
  ]
  const missing = (url: string, message: string): readonly [string, Answer] => [
    url,
    { status: 404, body: { error: true, message, ...request(url) } },
  ]
  for (const [url, expected] of [
    ok('/v3/kafka', 'cluster list returned', { clusters: ['main'] }),
    ok('/v3/kafka/main', 'cluster module detail returned', {
      module: {
        'class-name': 'kafka',
        servers: [],
        'client-profile': { name: '', 'client-id': 'shouter', 'kafka-version': '', tls: null, sasl: null },
        'topic-refresh': 0,
        'offset-refresh': 10,
      },
    }),
    ok('/v3/kafka/main/consumer', 'consumer list returned', { consumers: ['shouting'] }),
    ok('/v3/kafka/main/consumer/shouting/status', 'consumer status returned', { status }),
    ok('/v3/kafka/main/consumer/shouting/lag', 'consumer status returned', {
      status: { ...status, partitions: [partition] },
    }),
    ok('/v3/kafka/main/consumer/shouting', 'consumer detail returned', {
      topics: {
        words: [
          {
            offsets: [...Array.from({ length: 8 }, () => null), ...commits],
            owner: hostname(),
            client_id: 'shouter',
            'current-lag': 0,
          },
        ],
      },
    }),
    ok('/v3/kafka/main/topic', 'topic list returned', { topics: ['words'] }),
    ok('/v3/kafka/main/topic/words', 'topic offsets returned', { offsets: [2] }),
    ok('/v3/kafka/main/topic/words/consumers', 'consumers of topic returned', { consumers: ['shouting'] }),
    ok('/v3/kafka/main/topic/other/consumers', 'consumers of topic returned', { consumers: [] }),
    missing('/v3/kafka/other', 'cluster module not found'),
    missing('/v3/kafka/other/consumer', 'cluster not found'),
    missing('/v3/kafka/other/topic', 'cluster not found'),
    missing('/v3/kafka/main/consumer/other', 'cluster or consumer not found'),
    missing('/v3/kafka/main/topic/other', 'cluster or topic not found'),
  ])
    assert.deepEqual(await get(url), expected, url)
  for (const url of ['/v3/kafka/main/consumer/other/lag', '/v3/kafka/other/consumer/shouting/status']) {
    const { status: code, body } = await get(url)
    assert.equal(code, 404)
    assert.equal((body['status'] as Record<string, unknown>)['status'], 'NOTFOUND')
  }
})
