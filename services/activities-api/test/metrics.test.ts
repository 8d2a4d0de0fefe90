import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { PROCESS_METRICS } from '@tributary/service/metrics'
import type { FastifyInstance } from 'fastify'
import { until } from '../../../test-support/until.ts'
import type { ActivitiesApiOptions } from '../src/app.ts'
import { createActivitiesApi } from '../src/app.ts'
import { ACTIVITIES_METRICS } from '../src/metrics.ts'
import { FakeDatabase } from './fake-database.ts'

const ONE = '/customers/:customerId/upcoming-activities'

function api(
  t: TestContext,
  options: Partial<ActivitiesApiOptions> = {},
): { app: FastifyInstance; database: FakeDatabase } {
  const database = new FakeDatabase()
  const app = createActivitiesApi({ pool: database, ...options })
  t.after(() => app.close())
  return { app, database }
}

async function scrape(app: FastifyInstance): Promise<string> {
  const response = await app.inject('/metrics')
  assert.equal(response.statusCode, 200)
  return response.body
}

/** The samples of one name, as they are written, without the name. */
function samplesOf(text: string, name: string): string[] {
  return text
    .split('\n')
    .filter(line => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .map(line => line.slice(name.length))
}

test('/metrics is Prometheus text, or OpenMetrics for who asks for it, and has every metric', async t => {
  const { app } = api(t)
  const ask = (accept: string) => app.inject({ url: '/metrics', headers: { accept } })
  const text = await ask('text/plain')
  assert.equal(text.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8')
  assert.deepEqual(
    [...text.body.matchAll(/^# TYPE (\w+) /gm)].map(([, name]) => name),
    [...Object.keys(ACTIVITIES_METRICS), ...Object.keys(PROCESS_METRICS)],
  )
  const open = await ask('application/openmetrics-text;version=1.0.0')
  assert.equal(open.headers['content-type'], 'application/openmetrics-text; version=1.0.0; charset=utf-8')
  assert.ok(open.body.includes('# TYPE tributary_activities_requests counter\n'))
  assert.ok(open.body.includes('# UNIT tributary_activities_request_duration_seconds seconds\n'))
  assert.ok(open.body.endsWith('\n# EOF\n'))
})

test('requests are counted by the pattern of their route, method and status', async t => {
  const { app, database } = api(t)
  await app.inject('/customers/c1/upcoming-activities')
  await app.inject('/customers/c2/upcoming-activities')
  await app.inject('/customers/c3/upcoming-activities?limit=none')
  await app.inject({ method: 'POST', url: '/upcoming-activities/query', payload: { customerIds: ['c4'] } })
  await app.inject({ method: 'PATCH', url: '/customers/c5' })
  database.failure = new Error('Connection terminated unexpectedly')
  await app.inject('/customers/c6/upcoming-activities')
  await app.inject('/health/ready')
  await scrape(app)
  assert.deepEqual(samplesOf(await scrape(app), 'tributary_activities_requests_total'), [
    `{method="GET",route="${ONE}",status="200"} 2`,
    `{method="GET",route="${ONE}",status="400"} 1`,
    `{method="GET",route="${ONE}",status="503"} 1`,
    '{method="POST",route="/upcoming-activities/query",status="200"} 1',
    '{method="PATCH",route="unmatched",status="404"} 1',
    '{method="GET",route="/health/ready",status="503"} 1',
    '{method="GET",route="/metrics",status="200"} 1',
  ])
})

test('a request takes the time, in seconds, from its beginning to the end of its answer', async t => {
  const { app, database } = api(t)
  let answer = (): void => assert.fail('the database has not been asked')
  const asked = new Promise<void>(resolve => {
    database.query = () =>
      new Promise(answered => {
        answer = () => answered({ rows: [] })
        resolve()
      })
  })
  const before = performance.now()
  const response = app.inject('/customers/c1/upcoming-activities')
  await asked
  const askedAt = performance.now()
  await app.inject('/health/live')
  const heldSeconds = (performance.now() - askedAt) / 1_000
  answer()
  await response
  const longestSeconds = (performance.now() - before) / 1_000
  const text = await scrape(app)
  const name = 'tributary_activities_request_duration_seconds'
  const labels = `{method="GET",route="${ONE}"}`
  const of = (part: string): string[] =>
    samplesOf(text, `${name}_${part}`).filter(sample => sample.includes(ONE))
  assert.deepEqual(of('count'), [`${labels} 1`])
  const seconds = Number(of('sum')[0]!.slice(labels.length))
  assert.ok(
    seconds >= heldSeconds && seconds <= longestSeconds,
    `${seconds} s, from ${heldSeconds} to ${longestSeconds}`,
  )
  const buckets = of('bucket').map(line => /le="([^"]+)"\} (\d+)$/.exec(line)!.slice(1) as [string, string])
  assert.deepEqual(
    buckets.map(([, count]) => count),
    buckets.map(([bound]) => (seconds <= Number(bound.replace('+Inf', 'Infinity')) ? '1' : '0')),
  )
})

test('no id and no path that was asked for is in a label', async t => {
  const { app } = api(t)
  const id = 'jane.doe%40example.com'
  await app.inject(`/customers/${id}/upcoming-activities`)
  await app.inject(`/customers/${id}/upcoming-activities?after=${id}`)
  await app.inject(`/customers/${id}`)
  await app.inject(`/${id}?email=${id}`)
  await app.inject({ method: 'POST', url: '/upcoming-activities/query', payload: { customerIds: [id] } })
  const text = await scrape(app)
  assert.equal(samplesOf(text, 'tributary_activities_requests_total').length, 4)
  assert.doesNotMatch(text, /jane/)
})

test("the pool's connections are told in use and idle, and the queries that wait", async t => {
  const { app, database } = api(t)
  Object.assign(database, { totalCount: 10, idleCount: 3, waitingCount: 4 })
  const text = await scrape(app)
  assert.deepEqual(samplesOf(text, 'tributary_activities_pool_connections'), [
    '{state="in-use"} 7',
    '{state="idle"} 3',
  ])
  assert.deepEqual(samplesOf(text, 'tributary_activities_pool_waiting_queries'), [' 4'])
  assert.equal(database.asked.length, 0)
})

test('ordered failures are counted, and the scrape that tells of them does not fail', async t => {
  const { app } = api(t, { hasFaultSwitch: true, random: () => 0 })
  const order = { failureRate: 1, delayMs: 0 }
  await app.inject({ method: 'PUT', url: '/_control/faults', payload: order })
  await app.inject('/customers/c1/upcoming-activities')
  const samples = samplesOf(await scrape(app), 'tributary_activities_requests_total')
  assert.ok(samples.includes(`{method="GET",route="${ONE}",status="500"} 1`), samples.join('\n'))
})

test('a request whose client is gone before the answer is counted, with the status none', async t => {
  const { app, database } = api(t)
  const asked = Promise.withResolvers<void>()
  const answer = Promise.withResolvers<{ readonly rows: unknown[] }>()
  database.query = () => {
    asked.resolve()
    return answer.promise
  }
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  const socket = connect(Number(new URL(address).port), '127.0.0.1')
  socket.write('GET /customers/c1/upcoming-activities HTTP/1.1\r\nHost: x\r\n\r\n')
  await asked.promise
  socket.destroy()
  await once(socket, 'close')
  const wanted = `{method="GET",route="${ONE}",status="none"} 1`
  await until('the request is counted', async () =>
    samplesOf(await scrape(app), 'tributary_activities_requests_total').includes(wanted),
  )
  answer.resolve({ rows: [] })
})

test('a service that was ordered to be gone does not answer a scrape, and counts what it cut off', async t => {
  const { app } = api(t, { hasFaultSwitch: true })
  await app.inject({ method: 'PUT', url: '/_control/faults', payload: { isDown: true } })
  const address = await app.listen({ port: 0, host: '127.0.0.1' })
  await assert.rejects(fetch(`${address}/metrics`), TypeError)
  await app.inject({ method: 'DELETE', url: '/_control/faults' })
  const wanted = '{method="GET",route="/metrics",status="none"} 1'
  await until('the request is counted', async () =>
    samplesOf(await scrape(app), 'tributary_activities_requests_total').includes(wanted),
  )
})
