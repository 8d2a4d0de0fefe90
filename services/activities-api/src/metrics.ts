import { CONTENT_TYPES, expose, formatFor, processMetrics } from '@tributary/service/metrics'
import { Histogram, MetricSet, type MetricFamily } from '@tributary/topology/metrics'
import type { FastifyInstance } from 'fastify'
import type { DatabasePool } from './database.ts'

/**
 * What `/metrics` tells besides the process's own. `docs/reference/metrics.md` lists them; a test compares the two. Labels have
 * the pattern of a route, never the path that was asked for: that has a customer's id in it.
 */
export const ACTIVITIES_METRICS = {
  tributary_activities_requests_total: {
    type: 'counter',
    unit: 'requests',
    labels: ['method', 'route', 'status'],
    help: 'Requests by the pattern of their route (unmatched without one) and status; none for those whose client got no answer',
  },
  tributary_activities_request_duration_seconds: {
    type: 'histogram',
    unit: 'seconds',
    labels: ['method', 'route'],
    help: 'From the head of a request to the end of its answer, or to the loss of its client',
  },
  tributary_activities_pool_connections: {
    type: 'gauge',
    unit: 'connections',
    labels: ['state'],
    help: 'Connections to the database: lent to a query or being opened (in-use), or free (idle)',
  },
  tributary_activities_pool_waiting_queries: {
    type: 'gauge',
    unit: 'queries',
    labels: [],
    help: 'Queries that wait for a connection',
  },
} as const

/** What a request without a route has for one; patterns begin with a slash. */
const UNMATCHED = 'unmatched'

/** An answer from the index takes a millisecond or two; the timeouts of the database together end at five seconds. */
const DURATION_BOUNDS_SECONDS: readonly number[] = [
  0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
]

interface EndedRequest {
  readonly method: string
  readonly route: string
  /** Undefined: no answer reached the client. */
  readonly status: number | undefined
  readonly durationMs: number
}

interface RouteFigures {
  readonly method: string
  readonly route: string
  readonly durations: Histogram
  /** Requests by status. */
  readonly counts: Map<string, number>
}

class RequestFigures {
  /** By method and route, of which there are a few. */
  readonly #routes = new Map<string, RouteFigures>()

  add({ method, route, status, durationMs }: EndedRequest): void {
    const key = `${method} ${route}`
    let figures = this.#routes.get(key)
    if (figures === undefined) {
      figures = { method, route, durations: new Histogram(DURATION_BOUNDS_SECONDS), counts: new Map() }
      this.#routes.set(key, figures)
    }
    const label = status === undefined ? 'none' : String(status)
    figures.counts.set(label, (figures.counts.get(label) ?? 0) + 1)
    figures.durations.observe(durationMs / 1_000)
  }

  families(pool: DatabasePool): readonly MetricFamily[] {
    const set = new MetricSet(ACTIVITIES_METRICS)
    for (const { method, route, durations, counts } of this.#routes.values()) {
      for (const [status, count] of counts)
        set.add('tributary_activities_requests_total', { method, route, status }, count)
      set.add('tributary_activities_request_duration_seconds', { method, route }, durations.snapshot())
    }
    const { totalCount, idleCount, waitingCount } = pool
    set.add('tributary_activities_pool_connections', { state: 'in-use' }, totalCount - idleCount)
    set.add('tributary_activities_pool_connections', { state: 'idle' }, idleCount)
    set.add('tributary_activities_pool_waiting_queries', {}, waitingCount)
    return set.families()
  }
}

/**
 * `GET /metrics`, in Prometheus' text format, or in OpenMetrics for who asks for it. To be called before other hooks are
 * added: it counts the requests that they answer, too.
 */
export function addMetrics(app: FastifyInstance, pool: DatabasePool): void {
  const figures = new RequestFigures()
  app.addHook('onRequest', (request, { raw }, done) => {
    const startMs = performance.now()
    const { method, routeOptions } = request
    const route = routeOptions.url ?? UNMATCHED
    // Fastify's onResponse does not come for a request whose connection ends before the answer; this does for each.
    let status: number | undefined
    raw.once('finish', () => {
      status = raw.statusCode
    })
    raw.once('close', () => {
      figures.add({ method, route, status, durationMs: performance.now() - startMs })
    })
    done()
  })
  app.get('/metrics', (request, reply) => {
    const format = formatFor(request.headers.accept)
    const families = [...figures.families(pool), ...processMetrics()]
    return reply.type(CONTENT_TYPES[format]).send(expose(families, format))
  })
}
