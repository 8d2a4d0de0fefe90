import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expose, formatFor } from '@tributary/service'
import { Histogram, type MetricFamily } from '@tributary/topology'

const latency = new Histogram([0.1, 1, 60])
for (const value of [0.05, 0.1, 0.5, 100]) latency.observe(value)

const families: readonly MetricFamily[] = [
  {
    name: 'records_total',
    type: 'counter',
    unit: 'records',
    labels: ['step'],
    help: 'Records\\steps',
    samples: [
      { labels: { step: 'a "quoted"\nstep\\' }, value: 3 },
      { labels: { step: 'b' }, value: 1e21 },
    ],
  },
  {
    name: 'latency_seconds',
    type: 'histogram',
    unit: 'seconds',
    labels: [],
    help: 'Latency',
    samples: [{ labels: {}, value: latency.snapshot() }],
  },
  { name: 'age_seconds', type: 'gauge', unit: 'seconds', labels: [], help: 'Age', samples: [] },
  {
    name: 'wait_seconds_total',
    type: 'counter',
    unit: 'seconds',
    labels: [],
    help: 'Waits',
    samples: [{ labels: {}, value: Number.POSITIVE_INFINITY }],
  },
]

const SAMPLES = {
  records: [String.raw`records_total{step="a \"quoted\"\nstep\\"} 3`, 'records_total{step="b"} 1e+21'],
  latency: [
    'latency_seconds_bucket{le="0.1"} 2',
    'latency_seconds_bucket{le="1.0"} 3',
    'latency_seconds_bucket{le="60.0"} 3',
    'latency_seconds_bucket{le="+Inf"} 4',
    'latency_seconds_sum 100.65',
    'latency_seconds_count 4',
  ],
}

test('the text format of Prometheus', () => {
  assert.deepEqual(expose(families, 'prometheus').split('\n'), [
    String.raw`# HELP records_total Records\\steps`,
    '# TYPE records_total counter',
    ...SAMPLES.records,
    '# HELP latency_seconds Latency',
    '# TYPE latency_seconds histogram',
    ...SAMPLES.latency,
    '# HELP age_seconds Age',
    '# TYPE age_seconds gauge',
    '# HELP wait_seconds_total Waits',
    '# TYPE wait_seconds_total counter',
    'wait_seconds_total +Inf',
    '',
  ])
})

test('OpenMetrics names the family of a counter without its suffix, tells units, and ends with EOF', () => {
  assert.deepEqual(expose(families, 'openmetrics').split('\n'), [
    String.raw`# HELP records Records\\steps`,
    '# TYPE records counter',
    ...SAMPLES.records,
    '# HELP latency_seconds Latency',
    '# TYPE latency_seconds histogram',
    '# UNIT latency_seconds seconds',
    ...SAMPLES.latency,
    '# HELP age_seconds Age',
    '# TYPE age_seconds gauge',
    '# UNIT age_seconds seconds',
    '# HELP wait_seconds Waits',
    '# TYPE wait_seconds counter',
    '# UNIT wait_seconds seconds',
    'wait_seconds_total +Inf',
    '# EOF',
    '',
  ])
})

test('the format is the one that is asked for', () => {
  // As Prometheus 2 and 3 ask.
  const prometheus =
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'
  for (const [accept, format] of [
    [undefined, 'prometheus'],
    ['*/*', 'prometheus'],
    ['text/html,*/*;q=0.8', 'prometheus'],
    ['application/openmetrics-text', 'openmetrics'],
    ['application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1', 'openmetrics'],
    [prometheus, 'openmetrics'],
    ['text/plain;version=0.0.4;q=0.9,application/openmetrics-text;q=0.5', 'prometheus'],
    ['application/openmetrics-text;q=0', 'prometheus'],
  ] as const)
    assert.equal(formatFor(accept), format, accept)
})
