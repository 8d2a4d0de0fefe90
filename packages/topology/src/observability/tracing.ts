import type * as Api from '@opentelemetry/api'
import type { RecordContext, RecordHeaders, TopicPartition } from '../record.ts'

/** What a span is about. */
export interface CallSpan {
  /** `enrich` or `deliver`. */
  readonly operation: string
  readonly step: string
  /** The records that the call is made for. */
  readonly records: readonly Pick<RecordContext, 'topic' | 'partition' | 'offset' | 'headers'>[]
}

/** A fetched response on its way through a task. */
export interface BatchSpan {
  /** @param headers of a record that has some */
  link(headers: RecordHeaders): void
  end(recordCount: number): void
}

/** Spans of OpenTelemetry. The application has one only where a tracer provider is registered. */
export interface Tracing {
  startBatch(at: TopicPartition, offset: number): BatchSpan
  /**
   * Runs one asynchronous call in a span. A call for a single record continues the record's trace; one for several has links
   * to theirs. What the call asks over instrumented clients belongs to the span.
   */
  call<T>(span: CallSpan, run: () => Promise<T>): Promise<T>
}

/** SDKs keep as many by default. https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ */
const MAX_LINKS = 128
const TRACEPARENT = /^[\da-f]{2}-(?<traceId>[\da-f]{32})-(?<spanId>[\da-f]{16})-(?<flags>[\da-f]{2})/

/** Looks once: undefined when `@opentelemetry/api` is not installed, or nobody has registered a tracer provider with it. */
export async function openTracing(group: string): Promise<Tracing | undefined> {
  let api: typeof Api
  try {
    api = await import('@opentelemetry/api')
  } catch {
    return undefined
  }
  const provider = api.trace.getTracerProvider()
  const isProxy = provider instanceof api.ProxyTracerProvider
  if (isProxy && provider.getDelegateTracer('tributary') === undefined) return undefined
  return new OpenTelemetry(api, group)
}

class OpenTelemetry implements Tracing {
  readonly #api: typeof Api
  readonly #group: string
  readonly #tracer: Api.Tracer

  constructor(api: typeof Api, group: string) {
    this.#api = api
    this.#group = group
    this.#tracer = api.trace.getTracer('tributary')
  }

  startBatch({ topic, partition }: TopicPartition, offset: number): BatchSpan {
    const api = this.#api
    const options = {
      kind: api.SpanKind.CONSUMER,
      attributes: { ...this.#attributes('process', topic, partition), 'messaging.kafka.offset': offset },
    }
    const span = this.#tracer.startSpan(`process ${topic}`, options, api.ROOT_CONTEXT)
    let links = 0
    return {
      link(headers) {
        if (links >= MAX_LINKS) return
        const context = spanContextOf(api, headers)
        if (context === undefined) return
        links += 1
        span.addLink({ context })
      },
      end(recordCount) {
        span.setAttribute('messaging.batch.message_count', recordCount)
        span.end()
      },
    }
  }

  async call<T>({ operation, step, records }: CallSpan, run: () => Promise<T>): Promise<T> {
    const api = this.#api
    const contexts = linkedContexts(api, records)
    const [only] = contexts
    const continued = records.length === 1 && only !== undefined
    const parent = continued ? api.trace.setSpanContext(api.ROOT_CONTEXT, only) : api.ROOT_CONTEXT
    const span = this.#tracer.startSpan(
      `${operation} ${step}`,
      {
        kind: api.SpanKind.CLIENT,
        attributes: this.#callAttributes(operation, step, records),
        links: contexts.map(context => ({ context })),
      },
      parent,
    )
    try {
      return await api.context.with(api.trace.setSpan(parent, span), run)
    } catch (error) {
      span.recordException(error instanceof Error ? error : String(error))
      span.setStatus({ code: api.SpanStatusCode.ERROR })
      throw error
    } finally {
      span.end()
    }
  }

  /** https://opentelemetry.io/docs/specs/semconv/messaging/kafka/ */
  #attributes(operation: string, topic: string, partition: number): Api.Attributes {
    return {
      'messaging.system': 'kafka',
      'messaging.operation.name': operation,
      'messaging.operation.type': 'process',
      'messaging.consumer.group.name': this.#group,
      'messaging.destination.name': topic,
      'messaging.destination.partition.id': String(partition),
    }
  }

  #callAttributes(operation: string, step: string, records: CallSpan['records']): Api.Attributes {
    const [record] = records
    const place =
      records.length === 1 && record !== undefined
        ? {
            ...this.#attributes(operation, record.topic, record.partition),
            'messaging.kafka.offset': record.offset,
          }
        : { 'messaging.system': 'kafka', 'messaging.consumer.group.name': this.#group }
    return { ...place, 'tributary.step': step, 'messaging.batch.message_count': records.length }
  }
}

function linkedContexts(api: typeof Api, records: CallSpan['records']): readonly Api.SpanContext[] {
  const contexts: Api.SpanContext[] = []
  for (const { headers } of records) {
    const context = spanContextOf(api, headers)
    if (context !== undefined) contexts.push(context)
    if (contexts.length === MAX_LINKS) break
  }
  return contexts
}

/** https://www.w3.org/TR/trace-context/, read here so that it does not take a propagator that somebody has to register. */
function spanContextOf(api: typeof Api, headers: RecordHeaders): Api.SpanContext | undefined {
  if (headers.length === 0) return undefined
  const parts = TRACEPARENT.exec(textOf(headers, 'traceparent') ?? '')?.groups
  if (parts === undefined) return undefined
  const state = textOf(headers, 'tracestate')
  const context: Api.SpanContext = {
    traceId: parts['traceId'] as string,
    spanId: parts['spanId'] as string,
    traceFlags: Number.parseInt(parts['flags'] as string, 16),
    isRemote: true,
    ...(state === undefined ? {} : { traceState: api.createTraceState(state) }),
  }
  return api.isSpanContextValid(context) ? context : undefined
}

/** The last of the name, as Kafka's own clients read a header. */
function textOf(headers: RecordHeaders, name: string): string | undefined {
  return headers.findLast(header => header[0] === name)?.[1]?.toString('latin1')
}
