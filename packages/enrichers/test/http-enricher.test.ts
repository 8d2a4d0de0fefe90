import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { httpEnricher } from '../src/http-enricher.ts'
import type { Handler, SeenRequest } from './api-server.ts'
import { ApiServer, json } from './api-server.ts'

async function serve(t: TestContext, handler: Handler): Promise<ApiServer> {
  const server = await new ApiServer(handler).start()
  t.after(() => server.stop())
  return server
}

test('the request is what the author wrote, with its path and query escaped', async t => {
  const server = await serve(t, (_, response) => json(response, { ok: true }))
  const enrich = httpEnricher({
    name: 'echo',
    baseUrl: `${server.url}/api/v1/`,
    key: (input: { id: string; after: number }) => [input.id, input.after],
    request: ([id, after]) => ({
      path: ['customers', id, 'a b/c'],
      query: { after, tag: ['x&y', 'z'], none: undefined, big: 2n ** 60n },
      headers: { 'X-Caller': 'test' },
    }),
    parse: answer => answer.json(),
  })
  t.after(() => enrich.close())
  assert.deepEqual(await enrich({ id: 'Zoë?', after: 5 }), { ok: true })
  const [request] = server.requests
  assert.equal(
    request!.url,
    '/api/v1/customers/Zo%C3%AB%3F/a%20b%2Fc?after=5&tag=x%26y&tag=z&big=1152921504606846976',
  )
  assert.equal(request!.method, 'GET')
  assert.equal(request!.headers['x-caller'], 'test')
  assert.equal(request!.headers.accept, 'application/json')
  assert.equal(enrich.name, 'echo')
})

test('a segment that a server would read as a step up is refused', async t => {
  const server = await serve(t, (_, response) => json(response, {}))
  const enrich = httpEnricher({
    name: 'steps',
    baseUrl: server.url,
    key: (id: string) => id,
    request: id => ({ path: ['customers', id] }),
    parse: answer => answer.status,
  })
  t.after(() => enrich.close())
  for (const id of ['..', '.', ''])
    await assert.rejects(enrich(id), { code: 'ENRICHER_INPUT_INVALID', retry: { kind: 'never' } })
  assert.equal(server.requests.length, 0)
})

test('a status that the author declared an answer reaches parse; others do not', async t => {
  const server = await serve(t, (request, response) => json(response, {}, Number(request.url.slice(1))))
  const enrich = httpEnricher({
    name: 'statuses',
    baseUrl: server.url,
    answerStatuses: [404],
    key: (status: number) => status,
    request: status => ({ path: [status] }),
    parse: answer => (answer.status === 404 ? undefined : answer.status),
    retry: { attempts: 1 },
    breaker: false,
  })
  t.after(() => enrich.close())
  assert.equal(await enrich(200), 200)
  assert.equal(await enrich(204), 204)
  assert.equal(await enrich(404), undefined)
  for (const [status, kind] of [
    [302, 'never'],
    [400, 'never'],
    [403, 'never'],
    [410, 'never'],
    [401, 'backoff'],
    [408, 'backoff'],
    [425, 'backoff'],
    [500, 'backoff'],
    [502, 'backoff'],
    [503, 'backoff'],
  ] as const)
    await assert.rejects(enrich(status), { code: 'ENRICHER_STATUS_REFUSED', status, retry: { kind } })
})

test('an answer that is not what was asked for fails its input for good', async t => {
  const server = await serve(t, (_, response) => response.end('<html>maintenance</html>'))
  const enrich = httpEnricher({
    name: 'garbage',
    baseUrl: server.url,
    key: (id: string) => id,
    request: id => ({ path: [id] }),
    parse(answer, id) {
      if (id === 'odd') throw new TypeError('no such field')
      return answer.json()
    },
  })
  t.after(() => enrich.close())
  await assert.rejects(enrich('a'), {
    code: 'ENRICHER_ANSWER_INVALID',
    retry: { kind: 'never' },
    message: /not JSON/,
  })
  await assert.rejects(enrich('odd'), { code: 'ENRICHER_ANSWER_INVALID', message: /no such field/ })
  assert.equal(server.requests.length, 2)
})

test('an answer above maxResponseBytes is not read to its end', async t => {
  const server = await serve(t, (_, response) => response.end('x'.repeat(100_000)))
  const enrich = httpEnricher({
    name: 'large',
    baseUrl: server.url,
    maxResponseBytes: 10_000,
    key: (id: string) => id,
    request: id => ({ path: [id] }),
    parse: answer => answer.text.length,
  })
  t.after(() => enrich.close())
  await assert.rejects(enrich('a'), { code: 'ENRICHER_ANSWER_INVALID', message: /maxResponseBytes/ })
})

interface Customer {
  readonly id: string
  readonly city: string
}

function batchHandler(request: SeenRequest): Customer[] {
  const { ids } = JSON.parse(request.body) as { ids: string[] }
  // In another order than asked for, without those that it does not know, and with one that nobody asked for.
  const known = ids.filter(id => !id.startsWith('unknown')).map(id => ({ id, city: `city of ${id}` }))
  return [{ id: 'stranger', city: 'nowhere' }, ...known.toReversed()]
}

function batchEnricher(t: TestContext, server: ApiServer, maxIds: number) {
  const enrich = httpEnricher({
    name: 'customers',
    baseUrl: server.url,
    key: (booking: { customerId: string }) => booking.customerId,
    batch: {
      maxIds,
      lingerMs: 20,
      request: ids => ({ path: '/query', body: { ids } }),
      split: answer => (answer.json() as Customer[]).map(customer => [customer.id, customer.city] as const),
    },
    concurrency: 4,
    retry: { baseMs: 5, maxMs: 20 },
  })
  t.after(() => enrich.close())
  return enrich
}

test('ids are gathered into one call, and every input gets its own answer', async t => {
  const server = await serve(t, (request, response) => json(response, batchHandler(request)))
  const enrich = batchEnricher(t, server, 25)
  const customers = Array.from({ length: 100 }, (_, n) => `c${n % 50}`)
  const answers = await Promise.all(customers.map(customerId => enrich({ customerId })))
  assert.deepEqual(
    answers,
    customers.map(id => `city of ${id}`),
  )
  assert.equal(server.requests.length, 2)
  assert.equal(server.requests[0]!.method, 'POST')
  assert.equal(server.requests[0]!.headers['content-type'], 'application/json')
  assert.deepEqual([enrich.stats.calls, enrich.stats.callKeys], [2, 50])
})

test('an id that a gathered answer does not have fails alone', async t => {
  const server = await serve(t, (request, response) => json(response, batchHandler(request)))
  const enrich = batchEnricher(t, server, 10)
  const [known, unknown] = await Promise.allSettled([
    enrich({ customerId: 'c1' }),
    enrich({ customerId: 'unknown-2' }),
  ])
  assert.equal(known.status === 'fulfilled' && known.value, 'city of c1')
  assert.ok(unknown.status === 'rejected')
  assert.deepEqual([unknown.reason.code, unknown.reason.retry.kind], ['ENRICHER_ANSWER_INVALID', 'never'])
  assert.match(unknown.reason.message, /unknown-2/)
})

test('an id that makes the API refuse a gathered call does not take the others with it', async t => {
  const server = await serve(t, (request, response) => {
    if (request.body.includes('poison')) json(response, { error: 'bad id' }, 400)
    else json(response, batchHandler(request))
  })
  const enrich = batchEnricher(t, server, 16)
  const customers = Array.from({ length: 16 }, (_, n) => (n === 11 ? 'poison' : `c${n}`))
  const outcomes = await Promise.allSettled(customers.map(customerId => enrich({ customerId })))
  for (const [index, outcome] of outcomes.entries()) {
    if (index === 11) assert.equal(outcome.status === 'rejected' && outcome.reason.status, 400)
    else assert.equal(outcome.status === 'fulfilled' && outcome.value, `city of ${customers[index]}`)
  }
  assert.equal(server.requests.length, 9)
})

test('connections are kept and used again, and never more than the concurrency', async t => {
  let atOnce = 0
  let mostAtOnce = 0
  const server = await serve(t, (_, response) => {
    mostAtOnce = Math.max(mostAtOnce, ++atOnce)
    setTimeout(() => {
      atOnce--
      json(response, {})
    }, 5)
  })
  const enrich = httpEnricher({
    name: 'busy',
    baseUrl: server.url,
    key: (n: number) => n,
    request: n => ({ path: [n] }),
    parse: answer => answer.status,
    concurrency: 3,
  })
  t.after(() => enrich.close())
  await Promise.all(Array.from({ length: 60 }, (_, n) => enrich(n)))
  assert.equal(server.requests.length, 60)
  assert.equal(mostAtOnce, 3)
  assert.equal(server.connections, 3)
})
