import type { App, MetricFamily } from '@tributary/topology'
import { fastify, type FastifyInstance } from 'fastify'
import type { Logger as PinoLogger } from 'pino'
import { CONTENT_TYPES, expose, formatFor } from './metrics/exposition.ts'
import { processMetrics } from './metrics/process-metrics.ts'

export interface ServiceOptions {
  readonly name: string
  readonly app: App
  readonly logger: PinoLogger
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** Families beside the application's and the process's own, read at each scrape. */
  readonly metrics?: () => readonly MetricFamily[]
  /** What `/status` shows besides the application's own figures. */
  readonly status?: () => Readonly<Record<string, unknown>>
  /** Closes what the service opened besides the application. */
  readonly close?: () => Promise<void>
}

/**
 * The service's HTTP side. `/health/live`: 503 once the application has failed. `/health/ready`: 503 with the reasons until
 * it has joined the group and all its tables are live. `/status`: tasks, lag, tables, counters. `/metrics`: for Prometheus, in
 * its own text format or in OpenMetrics.
 */
export function createServer({
  name,
  app,
  status,
  metrics,
}: Pick<ServiceOptions, 'name' | 'app' | 'status' | 'metrics'>): FastifyInstance {
  const server = fastify({ logger: false })
  server.get('/health/live', async (_, reply) => {
    const isAlive = app.state !== 'failed'
    return reply.code(isAlive ? 200 : 503).send({ service: name, isAlive, state: app.state })
  })
  server.get('/health/ready', async (_, reply) => {
    const readiness = app.readiness()
    return reply.code(readiness.isReady ? 200 : 503).send({ service: name, ...readiness })
  })
  server.get('/status', () => ({ service: name, ...app.stats(), ...status?.() }))
  server.get('/metrics', (request, reply) => {
    const format = formatFor(request.headers.accept)
    const families = [...app.metrics(), ...(metrics?.() ?? []), ...processMetrics()]
    return reply.type(CONTENT_TYPES[format]).send(expose(families, format))
  })
  return server
}
