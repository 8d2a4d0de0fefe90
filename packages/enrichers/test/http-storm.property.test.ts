import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { httpEnricher } from '../src/http-enricher.ts'
import type { Handler } from './api-server.ts'
import { ApiServer, json } from './api-server.ts'
import { oracleSeed as seed } from '../../../test-support/oracle.ts'

type Weather = 'fine' | 'slow' | 'down' | 'busy' | 'reset' | 'hang' | 'cut' | 'garbage'

const answer: Handler = (request, response) => {
  const { ids } = JSON.parse(request.body) as { ids: number[] }
  json(
    response,
    ids.toReversed().map(id => [id, id * 7]),
  )
}

const handlers: Readonly<Record<Weather, Handler>> = {
  fine: answer,
  slow: (request, response, socket) => setTimeout(() => answer(request, response, socket), 10),
  down: (_request, response) => json(response, {}, 503),
  busy: (_request, response) => void response.writeHead(429, { 'retry-after': '0' }).end(),
  reset: (_request, _response, socket) => socket.resetAndDestroy(),
  hang: () => {},
  cut(_request, response, socket) {
    response.writeHead(200, { 'content-length': '500' }).write('[[1,')
    setImmediate(() => socket.destroy())
  },
  garbage: (_request, _response, socket) => void socket.end('no HTTP at all\r\n\r\n'),
}

const weather = fc.constantFrom<Weather>(
  'fine',
  'fine',
  'slow',
  'down',
  'busy',
  'reset',
  'hang',
  'cut',
  'garbage',
)

test(`whatever the API does, everyone gets the right answer in the end (ORACLE_SEED=${seed})`, async t => {
  const server = await new ApiServer(answer).start()
  t.after(() => server.stop())
  await fc.assert(
    fc.asyncProperty(
      fc.array(weather, { minLength: 1, maxLength: 40, size: 'max' }),
      fc.array(fc.record({ id: fc.nat(60), isImpatient: fc.boolean() }), {
        minLength: 1,
        maxLength: 120,
        size: 'max',
      }),
      fc.integer({ min: 1, max: 20 }),
      async (forecast, callers, maxIds) => {
        const enrich = httpEnricher({
          name: 'storm',
          baseUrl: server.url,
          key: (id: number) => id,
          batch: {
            maxIds,
            lingerMs: 1,
            request: ids => ({ path: '/query', body: { ids } }),
            split: found => found.json() as [number, number][],
          },
          concurrency: 4,
          timeoutMs: 40,
          retry: { attempts: 'unlimited', baseMs: 1, maxMs: 4 },
          breaker: { failures: 3, ofLast: 6, openMs: 2, maxOpenMs: 8 },
        })
        let turn = 0
        server.handler = (...args) => handlers[forecast[turn++] ?? 'fine'](...args)
        const asked = callers.map(({ id, isImpatient }) => {
          const patience = isImpatient ? { signal: AbortSignal.timeout(5) } : {}
          return enrich(id, patience)
        })
        for (const [index, outcome] of (await Promise.allSettled(asked)).entries()) {
          const { id, isImpatient } = callers[index]!
          if (outcome.status === 'fulfilled') assert.equal(outcome.value, id * 7)
          else assert.ok(isImpatient && outcome.reason.name === 'TimeoutError', String(outcome.reason))
        }
        const { waiting, inFlight } = enrich.stats
        assert.equal(waiting, 0)
        assert.ok(inFlight <= 4)
        await enrich.close()
      },
    ),
    { seed, numRuns: 15 },
  )
})
