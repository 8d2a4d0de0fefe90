import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Enricher } from '../src/enricher.ts'
import { httpEnricher } from '../src/http-enricher.ts'
import { retryAfterMs } from '../src/http-answer.ts'
import type { BreakerOptions, RetryOptions } from '../src/options.ts'
import type { Handler } from './api-server.ts'
import { ApiServer, json } from './api-server.ts'
import { until } from './until.ts'

const ok: Handler = (request, response) => json(response, { path: request.url })

interface Faulty {
  readonly server: ApiServer
  readonly enrich: Enricher<string, unknown>
}

async function faulty(
  t: TestContext,
  options: {
    retry?: RetryOptions
    breaker?: BreakerOptions | false
    timeoutMs?: number
    concurrency?: number
  } = {},
): Promise<Faulty> {
  const server = await new ApiServer(ok).start()
  const enrich = httpEnricher({
    name: 'faulty',
    baseUrl: server.url,
    key: (id: string) => id,
    request: id => ({ path: [id] }),
    parse: answer => answer.json(),
    retry: { attempts: 3, baseMs: 5, maxMs: 3_000 },
    breaker: false,
    ...options,
  })
  t.after(async () => {
    await enrich.close()
    await server.stop()
  })
  return { server, enrich }
}

/** The handlers one after the other, then the last one for ever. */
function inTurn(...handlers: Handler[]): Handler {
  let turn = 0
  return (...args) => handlers[Math.min(turn++, handlers.length - 1)]!(...args)
}

const reset: Handler = (_request, _response, socket) => socket.resetAndDestroy()
const hang: Handler = () => {}
const cutShort: Handler = (_request, response, socket) => {
  response.writeHead(200, { 'content-length': '1000' }).write('{"path":')
  setImmediate(() => socket.destroy())
}
const notHttp: Handler = (_request, _response, socket) => void socket.end('garbage, and no HTTP\r\n\r\n')
const status =
  (code: number, headers: Record<string, string> = {}): Handler =>
  (_request, response) =>
    void response.writeHead(code, headers).end('down')

for (const [name, fault] of [
  ['a reset connection', reset],
  ['an answer that ends too early', cutShort],
  ['bytes that are not HTTP', notHttp],
  ['status 500', status(500)],
  ['status 503', status(503)],
  ['status 429', status(429)],
] as const) {
  test(`${name} is tried again, and the answer is as if nothing had been`, async t => {
    const { server, enrich } = await faulty(t)
    server.handler = inTurn(fault, fault, ok)
    assert.deepEqual(await enrich('a'), { path: '/a' })
    assert.equal(server.requests.length, 3)
  })

  test(`${name} that stays is the caller's to wait out`, async t => {
    const { server, enrich } = await faulty(t)
    server.handler = fault
    await assert.rejects(enrich('a'), { name: 'EnricherError', retry: { kind: 'backoff' } })
    assert.equal(server.requests.length, 3)
    server.handler = ok
    assert.deepEqual(await enrich('a'), { path: '/a' })
  })
}

test('an API that hangs costs the timeout, and its connection', async t => {
  const { server, enrich } = await faulty(t, { timeoutMs: 100 })
  server.handler = inTurn(hang, ok)
  assert.deepEqual(await enrich('a'), { path: '/a' })
  assert.equal(enrich.stats.timeouts, 1)
  await until('the hanging connection is closed', () => server.sockets.size === 1)
})

test('an answer that begins and never ends costs the timeout too', async t => {
  const { server, enrich } = await faulty(t, { timeoutMs: 100, retry: { attempts: 1 } })
  server.handler = (_request, response) => void response.writeHead(200).write('{')
  await assert.rejects(enrich('a'), { code: 'ENRICHER_TIMED_OUT', retry: { kind: 'backoff' } })
  await until('the connection is closed', () => server.sockets.size === 0)
})

test('a server that is gone and comes back', async t => {
  const { server, enrich } = await faulty(t, { retry: { attempts: 'unlimited', baseMs: 5, maxMs: 20 } })
  assert.deepEqual(await enrich('a'), { path: '/a' })
  await server.stop()
  const answer = enrich('b')
  await until('it was tried in vain', () => enrich.stats.failures >= 3)
  await server.start()
  assert.deepEqual(await answer, { path: '/b' })
})

for (const [form, header] of [
  ['seconds', () => '1'],
  ['a date', () => new Date(Date.now() + 2_000).toUTCString()],
] as const)
  test(`Retry-After as ${form} keeps everybody away for that long`, async t => {
    const { server, enrich } = await faulty(t)
    const at: number[] = []
    server.handler = (request, response, socket) => {
      at.push(performance.now())
      const handler = at.length === 1 ? status(429, { 'retry-after': header() }) : ok
      handler(request, response, socket)
    }
    const first = enrich('a')
    await until('the API asked for a pause', () => enrich.stats.throttled === 1)
    await Promise.all([first, enrich('b'), enrich('c')])
    assert.equal(at.length, 4)
    // A date has whole seconds, so it may be up to one nearer than it was meant.
    for (const later of at.slice(1)) assert.ok(later - at[0]! >= 980, `${later - at[0]!} ms`)
  })

test('Retry-After that is no number and no date is ignored, and an absurd one is cut', () => {
  const now = Date.parse('2026-01-01T00:00:00Z')
  assert.equal(retryAfterMs('soon', now), undefined)
  assert.equal(retryAfterMs(undefined, now), undefined)
  assert.equal(retryAfterMs('-5', now), undefined)
  assert.equal(retryAfterMs('1.5', now), undefined)
  assert.equal(retryAfterMs('0', now), 0)
  assert.equal(retryAfterMs(' 7 ', now), 7_000)
  assert.equal(retryAfterMs('Thu, 01 Jan 2026 00:00:30 GMT', now), 30_000)
  assert.equal(retryAfterMs('Thu, 01 Jan 1970 00:00:00 GMT', now), 0)
  assert.equal(retryAfterMs('999999999', now), 600_000)
})

test('the breaker spares an API that is down, and lets everything through when it is back', async t => {
  const { server, enrich } = await faulty(t, {
    retry: { attempts: 1 },
    breaker: { failures: 4, ofLast: 8, openMs: 150, maxOpenMs: 150 },
    concurrency: 4,
  })
  server.handler = status(500)
  const outcomes = await Promise.allSettled(Array.from({ length: 40 }, (_, n) => enrich(`${n}`)))
  const codes = outcomes.map(outcome => outcome.status === 'rejected' && outcome.reason.code)
  assert.ok(server.requests.length < 12, `${server.requests.length} calls reached the API`)
  assert.ok(codes.filter(code => code === 'ENRICHER_CIRCUIT_OPEN').length >= 28)
  assert.equal(enrich.stats.breaker, 'open')
  server.handler = ok
  const asCallerWould = async (id: string): Promise<unknown> => {
    for (;;) {
      try {
        return await enrich(id)
      } catch (error) {
        const { retry } = error as { retry: { kind: string; ms?: number } }
        assert.equal(retry.kind, 'after')
        await new Promise(resolve => setTimeout(resolve, retry.ms))
      }
    }
  }
  const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => asCallerWould(`${n}`)))
  assert.deepEqual(answers[39], { path: '/39' })
  assert.equal(enrich.stats.breaker, 'closed')
})

test('a slow API slows its callers down and loses nothing', async t => {
  const { server, enrich } = await faulty(t, { concurrency: 5 })
  server.handler = (request, response, socket) => setTimeout(() => ok(request, response, socket), 30)
  const answers = await Promise.all(Array.from({ length: 50 }, (_, n) => enrich(`${n}`)))
  assert.deepEqual(
    answers,
    Array.from({ length: 50 }, (_, n) => ({ path: `/${n}` })),
  )
})
