import assert from 'node:assert/strict'
import { after, before, beforeEach, test, type TestContext } from 'node:test'
import { context, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base'
import { topology } from '../../src/dsl/builder.ts'
import { openTracing } from '../../src/observability/tracing.ts'
import type { RecordHeaders } from '../../src/record.ts'
import { App } from '../../src/runtime/app.ts'
import { string } from '../../src/serde/primitives.ts'
import { createFakeClient, type FakeClient } from '../../src/testing/fake-client.ts'
import { TestClock } from '../../src/testing/test-clock.ts'
import { streamTopic } from '../../src/topic.ts'
import { until } from '../../../../test-support/until.ts'

const text = { key: string(), value: string() }
const exporter = new InMemorySpanExporter()
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const SPAN_ID = 'b7ad6b7169203331'

function traced(traceId = TRACE_ID): RecordHeaders {
  return [
    ['traceparent', Buffer.from(`00-${traceId}-${SPAN_ID}-01`)],
    ['tracestate', Buffer.from('vendor=opaque')],
  ]
}

before(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  trace.setGlobalTracerProvider(provider)
})
beforeEach(() => exporter.reset())
after(async () => {
  trace.disable()
  context.disable()
  await provider.shutdown()
})

interface Seen {
  /** The trace in which the calls of `enrich` and `deliver` ran. */
  readonly enrich: (string | undefined)[]
  readonly deliver: (string | undefined)[]
}

async function running(
  t: TestContext,
  ask: () => Promise<string> = () => Promise.resolve('yes'),
): Promise<{
  readonly app: App
  readonly kafka: FakeClient
  readonly clock: TestClock
  readonly seen: Seen
}> {
  const kafka = createFakeClient({ topics: ['words', 'shouts'].map(name => ({ name, partitions: 1 })) })
  const clock = new TestClock()
  const seen: Seen = { enrich: [], deliver: [] }
  const here = (): string | undefined => trace.getSpanContext(context.active())?.traceId
  const builder = topology('traced')
  const answered = builder.stream(streamTopic('words', text)).enrich({
    name: 'ask',
    using: () => {
      seen.enrich.push(here())
      return ask()
    },
    joiner: word => word,
    retry: { baseMs: 100, maxMs: 100 },
  })
  answered.to(streamTopic('shouts', text))
  answered.deliver({
    name: 'send',
    destination: {
      name: 'outside',
      deliver: items => {
        seen.deliver.push(here())
        return Promise.resolve(items.map(() => ({ kind: 'accepted' as const })))
      },
    },
    maxBatchItems: 2,
    lingerMs: 1_000,
  })
  const app = new App(
    builder.build().compiled,
    { kafka, clock, shutdownTimeoutMs: 100 },
    { connect: () => ({ kafka, registry: undefined }) },
  )
  t.after(async () => {
    const closed = app.close()
    await clock.advance(100)
    await closed
  })
  await app.start()
  await until('it has its task', () => app.stats().tasks.some(task => task.sources.length === 1))
  return { app, kafka, clock, seen }
}

function spans(name: string): readonly ReadableSpan[] {
  return exporter.getFinishedSpans().filter(span => span.name === name)
}

test('a batch and each call have a span, linked to the traces of their records, which outputs carry on', async t => {
  const { app, kafka, clock, seen } = await running(t)
  const other = 'f'.repeat(32)
  kafka.put('words', { key: 'a', value: 'one', headers: traced() })
  kafka.put('words', { key: 'b', value: 'two', headers: traced(other) })
  await until(
    'all is through',
    () => app.stats().counters.produced === 2 && app.stats().tasks[0]?.inFlight === 0,
  )

  const batches = spans('process words')
  const counted = batches.map(({ attributes }) => attributes['messaging.batch.message_count'] as number)
  assert.equal(
    counted.reduce((sum, count) => sum + count),
    2,
  )
  assert.deepEqual(
    batches.flatMap(({ links }) => links.map(({ context: linked }) => linked.traceId)),
    [TRACE_ID, other],
  )
  for (const { kind, attributes, parentSpanContext } of batches) {
    assert.equal(kind, SpanKind.CONSUMER)
    assert.equal(attributes['messaging.destination.name'], 'words')
    assert.equal(attributes['messaging.destination.partition.id'], '0')
    assert.equal(attributes['messaging.consumer.group.name'], 'traced')
    assert.equal(parentSpanContext, undefined)
  }

  const asked = spans('enrich ask')
  assert.deepEqual(
    asked.map(span => [span.spanContext().traceId, span.parentSpanContext?.spanId, span.kind]),
    [
      [TRACE_ID, SPAN_ID, SpanKind.CLIENT],
      [other, SPAN_ID, SpanKind.CLIENT],
    ],
  )
  assert.equal(asked[0]?.parentSpanContext?.traceState?.serialize(), 'vendor=opaque')
  assert.deepEqual(seen.enrich, [TRACE_ID, other], 'what a call asks belongs to its span')

  const [sent] = spans('deliver send')
  assert.deepEqual(
    sent?.links.map(({ context: linked }) => linked.traceId),
    [TRACE_ID, other],
  )
  assert.equal(sent?.attributes['messaging.batch.message_count'], 2)
  assert.deepEqual(seen.deliver, [sent?.spanContext().traceId])

  await clock.advance(5)
  await until('they are written', () => kafka.records('shouts').length === 2)
  for (const { headers } of kafka.records('shouts'))
    assert.deepEqual(
      headers.map(([name]) => name),
      ['traceparent', 'tracestate'],
    )
})

test('a call that fails has a span of its own for each attempt, and the failed ones say why', async t => {
  let attempts = 0
  const { app, kafka, clock } = await running(t, () => {
    attempts += 1
    return attempts === 1 ? Promise.reject(new Error('connection refused')) : Promise.resolve('yes')
  })
  kafka.put('words', { key: 'a', value: 'one', headers: traced() })
  await until('it has failed once', () => spans('enrich ask').length === 1)
  await until('it has its answer', () => {
    void clock.advance(100)
    return app.stats().counters.produced === 1
  })
  const [failed, answered] = spans('enrich ask')
  assert.equal(failed?.status.code, SpanStatusCode.ERROR)
  assert.equal(failed?.events[0]?.attributes?.['exception.message'], 'connection refused')
  assert.equal(answered?.status.code, SpanStatusCode.UNSET)
})

test('records without a trace, or with one that is none, begin their own', async t => {
  const { app, kafka } = await running(t)
  const headers = (value: string): RecordHeaders => [['traceparent', Buffer.from(value)]]
  kafka.put('words', { key: 'a', value: 'one' })
  kafka.put('words', { key: 'b', value: 'two', headers: headers('00-nonsense') })
  kafka.put('words', { key: 'c', value: 'three', headers: headers(`00-${'0'.repeat(32)}-${SPAN_ID}-01`) })
  kafka.put('words', { key: 'd', value: 'four', headers: [['traceparent', null]] })
  await until(
    'all is through',
    () => app.stats().counters.produced === 4 && app.stats().tasks[0]?.inFlight === 0,
  )
  for (const span of exporter.getFinishedSpans()) {
    assert.deepEqual(span.links, [], span.name)
    assert.equal(span.parentSpanContext, undefined, span.name)
  }
  assert.equal(spans('enrich ask').length, 4)
})

test('without a tracer provider there is no tracing', async () => {
  trace.disable()
  try {
    assert.equal(await openTracing('group'), undefined)
  } finally {
    trace.setGlobalTracerProvider(provider)
  }
  assert.notEqual(await openTracing('group'), undefined)
})
