import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StepView } from '../src/snapshot.ts'
import { CounterWindow } from '../src/watch/counter-window.ts'
import { instanceView } from '../src/watch/instance-view.ts'
import { parseScrape } from '../src/watch/prometheus-text.ts'
import { quantile, sinkViews } from '../src/watch/sink-view.ts'
import { layoutOf, NODE, shortName } from '../web/src/topology-layout.ts'

const BRAZE = (calls: number, limited: number): string => `
tributary_braze_problem 0
tributary_braze_limiter_window_used_requests{endpoint="track"} 30
tributary_braze_limiter_window_used_requests{endpoint="delete"} 7
tributary_braze_limiter_window_quota_requests{endpoint="track"} 750
tributary_braze_reported_remaining_requests{endpoint="track"} 2900
tributary_braze_requests_total{endpoint="track",status="201"} ${calls}
tributary_braze_requests_total{endpoint="track",status="429"} ${limited}
tributary_delivery_calls_total{step="d"} ${calls}
tributary_delivery_sent_records_total{step="d"} ${calls * 40}
tributary_delivery_settled_records_total{step="d",outcome="rejected"} 0
tributary_delivery_latency_seconds_bucket{step="d",le="0.1"} ${calls}
tributary_delivery_latency_seconds_bucket{step="d",le="1"} ${calls * 2}
tributary_delivery_latency_seconds_bucket{step="d",le="+Inf"} ${calls * 2}`

const LATEST = {
  endpoint: '/users/track',
  status: 429,
  code: 'BRAZE_RATE_LIMITED',
  says: 'Rate limit exceeded',
  firstAtMs: 1,
  atMs: 2,
  count: 3,
}

test('a sink says its share of the quota, how full its calls are, how late, and what went wrong', () => {
  const window = new CounterWindow(60_000)
  window.push(0, parseScrape(BRAZE(0, 0)))
  window.push(10_000, parseScrape(BRAZE(20, 3)))
  const seen = {
    name: 'sink-1',
    seenAtMs: 0,
    failure: undefined,
    window,
    answer: {
      status: {
        service: 'braze-sink',
        state: 'running',
        tasks: [],
        tables: [],
        braze: { latestErrors: [LATEST] },
      },
      readiness: { isReady: true, reasons: [] },
      scrape: parseScrape(BRAZE(20, 3)),
      outline: undefined,
    },
  }
  const [sink] = sinkViews([{ seen, view: instanceView(seen) }])
  assert.deepEqual([sink!.windowUsed, sink!.windowQuota, sink!.reportedRemaining], [30, 750, 2_900])
  assert.equal(sink!.hour, undefined)
  assert.equal(sink!.problem, undefined)
  assert.equal(sink!.fill, 40)
  assert.equal(sink!.callsPerSecond, 2)
  assert.deepEqual(sink!.errors, [{ what: 'track: status 429', count: 3 }])
  assert.deepEqual(sink!.latestErrors, [LATEST])
  assert.equal(sink!.latencyMs!.p50, 100)
  assert.equal(Math.round(sink!.latencyMs!.p99), 982)
})

test('a quantile of nothing is none, and above the last bound it is that bound', () => {
  assert.equal(quantile([{ le: 1, count: 0 }], 0.5), undefined)
  const buckets = [
    { le: 1, count: 1 },
    { le: Number.POSITIVE_INFINITY, count: 10 },
  ]
  assert.equal(quantile(buckets, 0.99), 1)
})

const step = (name: string, ...inputs: string[]): StepView => ({
  name,
  kind: 'x',
  inputs,
  reads: undefined,
  writes: [],
  table: undefined,
  in: 0,
  out: 0,
  inPerSecond: 0,
  outPerSecond: 0,
  dropped: {},
  deadLetters: {},
  droppedLastMinute: 0,
  deadLettersLastMinute: 0,
  lag: undefined,
  isLate: false,
})

test('no two steps of a graph lie over each other, and each stands right of its inputs', () => {
  const steps = [
    step('s'),
    step('s.split', 's'),
    ...['a', 'b', 'c'].flatMap(branch => [
      step(`s.split.${branch}`, 's.split'),
      step(`s.split.${branch}.map`, `s.split.${branch}`),
    ]),
    step('merge', 's.split.a.map', 's.split.b.map'),
    step('t'),
    step('end', 'merge', 't'),
  ]
  const { nodes, width, height } = layoutOf(steps)
  for (const [i, one] of nodes.entries()) {
    assert.ok(one.x + NODE.width <= width && one.y + NODE.height <= height)
    for (const other of nodes.slice(i + 1))
      assert.ok(
        one.x !== other.x || Math.abs(one.y - other.y) >= NODE.height,
        `${one.step.name} ${other.step.name}`,
      )
    for (const input of one.step.inputs)
      assert.ok(nodes.find(node => node.step.name === input)!.x < one.x, `${input} ${one.step.name}`)
  }
  assert.equal(shortName(steps[3]!), 'map')
})
