import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as api from '../src/index.ts'

const http = {
  name: 'x',
  baseUrl: 'http://localhost:1',
  key: (id: string) => id,
  request: (id: string) => ({ path: [id] }),
  parse: () => 1,
}
const batch = { maxIds: 10, request: () => ({ path: '/' }), split: () => [] }
const { request: _request, parse: _parse, ...withoutCall } = http

const cases: readonly [what: string, options: Record<string, unknown>, message: RegExp][] = [
  ['an unknown option', { ...http, timeout: 5 }, /httpEnricher\.timeout is no option; there are .*timeoutMs/],
  ['an unknown option in a group', { ...http, cache: { ttlMs: 1, max: 5 } }, /cache\.max is no option/],
  ['no name', { ...http, name: undefined }, /httpEnricher\.name must be a string/],
  ['an empty name', { ...http, name: '' }, /name must be a string that is not empty, not ""/],
  ['no key function', { ...http, key: 'id' }, /key must be a function, not "id"/],
  ['no call', withoutCall, /must have request and parse, or batch/],
  ['a URL that is none', { ...http, baseUrl: 'localhost' }, /baseUrl must be a URL/],
  ['a URL of another kind', { ...http, baseUrl: 'ftp://x' }, /must be http or https/],
  [
    'credentials in the URL',
    { ...http, baseUrl: 'http://a:b@x' },
    /without a query, a fragment or credentials/,
  ],
  ['no concurrency', { ...http, concurrency: 0 }, /concurrency must be an integer from 1 to 10000, not 0/],
  ['half a call at once', { ...http, concurrency: 1.5 }, /concurrency must be an integer/],
  ['no rate', { ...http, ratePerSecond: 0 }, /ratePerSecond must be a number from 0.001/],
  [
    'a timeout beyond the timers',
    { ...http, timeoutMs: 2 ** 31 },
    /timeoutMs must be an integer from 1 to 2147483647/,
  ],
  ['NaN', { ...http, timeoutMs: NaN }, /timeoutMs must be an integer/],
  ['a cache without a time to live', { ...http, cache: {} }, /cache\.ttlMs must be an integer from 1/],
  ['no attempts', { ...http, retry: { attempts: 0 } }, /retry\.attempts must be an integer from 1/],
  ['another word for attempts', { ...http, retry: { attempts: 'many' } }, /retry\.attempts .* not "many"/],
  [
    'a breaker that cannot open',
    { ...http, breaker: { failures: 9, ofLast: 3 } },
    /must not be more than ofLast \(3\)/,
  ],
  [
    'a breaker bound below its start',
    { ...http, breaker: { openMs: 50, maxOpenMs: 5 } },
    /more than maxOpenMs \(5\)/,
  ],
  [
    'a batch of none',
    { ...withoutCall, batch: { ...batch, maxIds: 0 } },
    /batch\.maxIds must be an integer from 1/,
  ],
  [
    'a batch without split',
    { ...withoutCall, batch: { ...batch, split: undefined } },
    /batch\.split must be a function/,
  ],
  ['a status that is none', { ...http, answerStatuses: [42] }, /answerStatuses must be an array of statuses/],
  ['a clock that is none', { ...http, clock: 5 }, /clock must be an object/],
]

for (const [what, options, message] of cases)
  test(`refuses ${what}, and says which option it is and what is allowed`, () => {
    assert.throws(() => api.httpEnricher(options as unknown as Parameters<typeof api.httpEnricher>[0]), {
      code: 'ENRICHER_OPTION_INVALID',
      retry: { kind: 'never' },
      message,
    })
  })

test('the database enrichers check the same options under their own names', () => {
  const sql = {
    name: 'x',
    key: (id: string) => id,
    query: () => ({ text: '', values: [] }),
    rowKey: () => 'a',
    parse: () => 1,
  }
  assert.throws(
    () => api.postgresEnricher({ ...sql, connectionString: '' }),
    /postgresEnricher\.connectionString must be/,
  )
  assert.throws(
    () => api.sqlEnricher({ ...sql, database: undefined as never }),
    /sqlEnricher\.database must be an object/,
  )
})

test('the package has these names, and no others', () => {
  assert.deepEqual(Object.keys(api).toSorted(), [
    'EnricherError',
    'HttpAnswer',
    'SqlFailure',
    'httpEnricher',
    'postgresEnricher',
    'postgresPort',
    'sqlEnricher',
    'systemClock',
  ])
})
