import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CounterWindow } from '../src/watch/counter-window.ts'
import type { LatestError, StatusAnswer } from '../src/watch/instance-probe.ts'
import { instanceView } from '../src/watch/instance-view.ts'
import { problemsOf } from '../src/watch/problems.ts'
import { parseScrape } from '../src/watch/prometheus-text.ts'

type Source = StatusAnswer['tasks'][number]['sources'][number]
type Table = StatusAnswer['tables'][number]

const source = (partition: number, facts: Partial<Source> = {}): Source => ({
  topic: 'orders',
  partition,
  position: 10,
  committed: 10,
  lag: 0,
  lagMs: 0,
  highWatermark: 10,
  isPaused: false,
  ...facts,
})
const table = (facts: Partial<Table>): Table => ({
  table: 'customers',
  topic: 'customers-topic',
  scope: 'partitioned',
  state: 'live',
  rows: 3,
  bytes: 300,
  lag: 0,
  stalenessMs: 0,
  restarts: 0,
  malformed: 0,
  ...facts,
})

interface Facts {
  readonly sources?: readonly Source[]
  readonly tables?: readonly Table[]
  readonly reasons?: readonly string[]
  readonly metrics?: string
  /** As they were half a minute ago. */
  readonly before?: string
  readonly state?: string
  readonly latestErrors?: readonly LatestError[]
}

function problems({
  sources = [],
  tables = [],
  reasons = [],
  metrics = '',
  before = metrics,
  state = 'running',
  latestErrors = [],
}: Facts) {
  const scrape = parseScrape(`tributary_application_info{application="shop"} 1\n${metrics}`)
  const window = new CounterWindow(60_000)
  window.push(0, parseScrape(before))
  window.push(30_000, scrape)
  const seen = {
    name: 'shop-1',
    seenAtMs: 0,
    failure: undefined,
    window,
    answer: {
      status: {
        service: 'shop',
        state,
        tasks: [{ id: '0_0', inFlight: 0, sources }],
        tables,
        braze: { latestErrors },
      },
      readiness: { isReady: reasons.length === 0, reasons },
      scrape,
      outline: undefined,
    },
  }
  return problemsOf([{ seen, view: instanceView(seen) }], { nowMs: 0, lagWarningMs: 10_000 })
}

test('a lag that is short is no problem, an old one is, told by topic', () => {
  assert.deepEqual(problems({ sources: [source(0, { lag: 900, lagMs: 9_000 })] }), [])
  const [first, ...others] = problems({
    sources: [0, 3, 1].map(partition => source(partition, { lag: 100, lagMs: 42_000 + partition })),
  })
  assert.deepEqual(others, [])
  assert.equal(first!.severity, 'warning')
  assert.equal(
    first!.text,
    'shop is behind in orders, partitions 0, 1, 3: the oldest unfinished record is 42 s old.',
  )
  assert.equal(first!.advice, '300 records wait; it moves.')
})

test('a partition that does not move is critical, however young its lag', () => {
  const metrics = 'tributary_consumer_status{group="shop",topic="orders",partition="2"} 5'
  const [first] = problems({ sources: [source(2, { lag: 7, lagMs: 100 })], metrics })
  assert.equal(first!.severity, 'critical')
  assert.match(first!.advice, /^7 records wait, and partition 2 does not move \(STALL\)\.$/)
})

test('a table that is not live is named with what that means for the stream', () => {
  const stale = problems({
    tables: [table({ state: 'stale', stalenessMs: 61_000 })],
    reasons: ['table customers is stale'],
  })
  assert.deepEqual(
    stale.map(({ severity, text }) => [severity, text]),
    [['warning', 'Table customers of shop-1 is stale: no news of customers-topic for 61 s.']],
  )
  assert.equal(problems({ tables: [table({ state: 'failed' })] })[0]!.severity, 'critical')
  assert.match(problems({ tables: [table({ state: 'loading', lag: 5 })] })[0]!.advice, /^5 records to read/)
  assert.deepEqual(problems({ tables: [table({})] }), [])
})

test('Braze shut out is critical and said once, in the words of the sink', () => {
  const found = problems({
    reasons: ['deliver-braze: Braze refuses the API key (401)'],
    metrics: 'tributary_braze_problem 1',
  })
  assert.deepEqual(
    found.map(({ severity, text }) => [severity, text]),
    [['critical', 'shop-1 delivers nothing to Braze: Braze refuses the API key (401).']],
  )
})

test('what Braze said stands for the long reason that it is behind', () => {
  const [only, ...others] = problems({
    reasons: [
      'deliver-braze: /users/track: shut out, one request at a time tries: it is wrong (401: Invalid API key)',
    ],
    metrics: 'tributary_braze_problem 1',
    latestErrors: [
      {
        endpoint: '/users/track',
        status: 401,
        code: 'X',
        says: 'Invalid API key',
        firstAtMs: 0,
        atMs: 0,
        count: 1,
      },
    ],
  })
  assert.deepEqual(others, [])
  assert.equal(only!.text, 'shop-1 delivers nothing to Braze: it says “Invalid API key” (401).')
  const [, behind] = problems({
    sources: [source(0, { lag: 5, lagMs: 60_000 })],
    reasons: ['deliver-braze: shut out'],
    metrics: 'tributary_braze_problem 1',
  })
  assert.equal(behind!.advice, '5 records wait; they go on once deliveries do.')
  assert.match(only!.advice, /In full: \/users\/track: shut out/)
})

test('what is critical stands before what is not', () => {
  const found = problems({
    sources: [source(0, { lag: 1, lagMs: 60_000 })],
    tables: [table({ state: 'loading' }), table({ table: 'prices', state: 'failed' })],
    reasons: ['the application is starting'],
  })
  assert.deepEqual(
    found.map(({ severity }) => severity),
    ['critical', 'warning', 'warning', 'warning'],
  )
  assert.match(found[0]!.text, /^Table prices/)
})

test('an application that has failed is not told again as unready', () => {
  const found = problems({ state: 'failed', reasons: ['the application is failed'] })
  assert.deepEqual(
    found.map(({ text }) => text),
    ['shop-1 has failed and processes nothing.'],
  )
})

const objective = (seconds: number, good: number): string =>
  [
    'tributary_slo_objective_ratio{group="shop"} 0.9995',
    `tributary_slo_seconds_total{group="shop"} ${seconds}`,
    `tributary_slo_good_seconds_total{group="shop"} ${good}`,
  ].join('\n')

test('an objective that was missed is told after it is over, and how long it takes to be met again', () => {
  assert.deepEqual(problems({ metrics: objective(10_000, 9_996) }), [])
  const [first, ...others] = problems({ metrics: objective(10_000, 9_960) })
  assert.deepEqual(others, [])
  assert.equal(first!.severity, 'notice')
  assert.equal(
    first!.text,
    'shop has missed its objective since the start: without lag for 99.6 % of the time, and 99.95 % is asked for.',
  )
  // 40 s are 0.05 % of 80,000 s, of which 10,000 are over.
  assert.match(
    first!.advice,
    /^It is well now, .*: 40 s were lost, which 19\.4 h without any lag make up for\./,
  )
})

test('an objective that is being missed is a warning, behind what is critical', () => {
  const before = objective(9_950, 9_945)
  const [first, second] = problems({
    metrics: objective(10_000, 9_960),
    before,
    tables: [table({ state: 'failed' })],
  })
  assert.equal(first!.severity, 'critical')
  assert.equal(second!.severity, 'warning')
  assert.match(second!.advice, /^It is being missed: 35 s of the last minute were lost\./)
})

test('a counter that began anew counts from nothing, and a rate is over the time that was seen', () => {
  const window = new CounterWindow(60_000)
  const at = (ms: number, value: number): void => window.push(ms, parseScrape(`x_total{a="b"} ${value}`))
  at(0, 100)
  at(10_000, 160)
  assert.equal(window.increase('x_total', 60_000), 60)
  assert.equal(window.perSecond('x_total', 10_000), 6)
  at(20_000, 5)
  assert.equal(window.increase('x_total', 10_000), 5)
  assert.equal(window.increase('x_total', 10_000, { a: 'c' }), 0)
})

test('the text of a scrape is read with its labels, however they are written', () => {
  const scrape = parseScrape(
    [
      '# HELP x y',
      'x{a="q\\"u,o}te",b="line\\nbreak\\\\"} 1.5e3 1700000000',
      'y +Inf',
      'not a line',
      '',
    ].join('\n'),
  )
  assert.deepEqual(
    [...scrape],
    [
      ['x', [{ labels: { a: 'q"u,o}te', b: 'line\nbreak\\' }, value: 1_500 }]],
      ['y', [{ labels: {}, value: Number.POSITIVE_INFINITY }]],
    ],
  )
})
