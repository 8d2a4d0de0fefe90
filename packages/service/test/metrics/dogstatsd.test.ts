import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { test, type TestContext } from 'node:test'
import { createApp, Histogram, streamTopic, string, topology, type MetricFamily } from '@tributary/topology'
import { TestClock } from '@tributary/topology/testing'
import { createFakeClient } from '../../../topology/src/testing/fake-client.ts'
import { createServer } from '../../src/server.ts'
import { until } from '../../../../test-support/until.ts'

/** A DogStatsD server, as far as it hears. */
async function listener(t: TestContext) {
  const socket = createSocket('udp4')
  const lines: string[] = []
  socket.on('message', message =>
    lines.push(
      ...message
        .toString()
        .split('\n')
        .filter(line => line !== ''),
    ),
  )
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.after(() => socket.close())
  return { port: socket.address().port, lines }
}

function service(port: number, families: () => readonly MetricFamily[]) {
  const text = { key: string(), value: string() }
  const builder = topology('sending')
  builder.stream(streamTopic('words', text)).to(streamTopic('shouts', text))
  const kafka = createFakeClient({ topics: ['words', 'shouts'].map(name => ({ name, partitions: 1 })) })
  const clock = new TestClock()
  const app = createApp(builder.build(), { kafka, clock, shutdownTimeoutMs: 100 })
  const dogStatsD = { host: '127.0.0.1', port }
  return { clock, server: createServer({ name: 'sending', app, clock, dogStatsD, metrics: families }) }
}

const metric = (
  name: string,
  type: MetricFamily['type'],
  samples: MetricFamily['samples'],
): MetricFamily => ({
  name,
  type,
  unit: '1',
  labels: ['step'],
  help: 'A metric',
  samples,
})

test('DogStatsD hears what /metrics tells, totals by what was added', async t => {
  const { port, lines } = await listener(t)
  const latency = new Histogram([0.5, 1])
  let total = 3
  const { clock, server } = service(port, () => [
    metric('tributary_words_total', 'counter', [{ labels: { step: 'a' }, value: total }]),
    metric('tributary_age_seconds', 'gauge', [{ labels: { step: 'a' }, value: 1.5 }]),
    metric('tributary_latency_seconds', 'histogram', [{ labels: { step: 'a' }, value: latency.snapshot() }]),
  ])
  t.after(() => server.close())
  await server.ready()
  latency.observe(0.25)
  latency.observe(2)
  const own = (): readonly string[] =>
    lines.filter(line => /^tributary\.(words|age|latency)/.test(line)).toSorted()

  await clock.advance(10_000)
  const first = [
    'tributary.age_seconds:1.5|g|#service:sending,step:a',
    'tributary.latency_seconds.bucket:1|c|#service:sending,step:a,upper_bound:0.5',
    'tributary.latency_seconds.bucket:1|c|#service:sending,step:a,upper_bound:1',
    'tributary.latency_seconds.bucket:2|c|#service:sending,step:a,upper_bound:inf',
    'tributary.latency_seconds.count:2|c|#service:sending,step:a',
    'tributary.latency_seconds.sum:2.25|c|#service:sending,step:a',
    'tributary.words.count:3|c|#service:sending,step:a',
  ]
  await until('the first report is there', () => own().length >= first.length)
  assert.deepEqual(own(), first)
  assert.ok(lines.includes('tributary.ready:0|g|#service:sending'), lines.join('\n'))
  assert.ok(lines.some(line => line.startsWith('tributary.process_resident_memory_bytes:')))

  lines.length = 0
  total = 5
  await clock.advance(10_000)
  const second = [
    'tributary.age_seconds:1.5|g|#service:sending,step:a',
    'tributary.words.count:2|c|#service:sending,step:a',
  ]
  await until('the second report is there', () => own().length >= second.length)
  assert.deepEqual(own(), second)

  lines.length = 0
  total = 6
  await server.close()
  await until('the last report is there', () =>
    own().includes('tributary.words.count:1|c|#service:sending,step:a'),
  )
})
