import { systemClock, type App, type CommitHistory, type MetricFamily } from '@tributary/topology'
import { fastify, type FastifyInstance } from 'fastify'
import type { Logger as PinoLogger } from 'pino'
import { ConsumerJudge, type JudgeClock } from './burrow/consumer-judge.ts'
import { addBurrowRoutes } from './burrow/routes.ts'
import { CONTENT_TYPES, expose, formatFor } from './metrics/exposition.ts'
import { DogStatsD, type DogStatsDAddress } from './metrics/dogstatsd.ts'
import { processMetrics } from './metrics/process-metrics.ts'

export interface ServiceOptions {
  readonly name: string
  readonly app: App
  readonly logger: PinoLogger
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** The part of the time in which the consumer is to be without lag, by Burrow's rules. Default 0.9995. */
  readonly objective?: number
  /** What the cluster is called in Burrow's paths. Default: kafka. */
  readonly cluster?: string
  /** Where the metrics are sent besides. Default: nowhere. */
  readonly dogStatsD?: DogStatsDAddress | undefined
  /** For tests. */
  readonly clock?: JudgeClock
  /** Families beside the application's and the process's own, read at each scrape. */
  readonly metrics?: () => readonly MetricFamily[]
  /** What `/status` shows besides the application's own figures. */
  readonly status?: () => Readonly<Record<string, unknown>>
  /** Closes what the service opened besides the application. */
  readonly close?: () => Promise<void>
}

/**
 * The service's HTTP side. `/health/live`: 503 once the application has failed. `/health/ready`: 503 with the reasons until
 * it has joined the group and all its tables are live. `/status`: tasks, lag, tables, counters.
 * `/topology`: the steps that the figures are of. `/metrics`: for Prometheus, in
 * its own text format or in OpenMetrics. `/v3/kafka/…`: the consumer's status, as Burrow serves it.
 */
export function createServer(
  options: Omit<ServiceOptions, 'logger' | 'host' | 'port' | 'close'> &
    Partial<Pick<ServiceOptions, 'logger'>>,
): FastifyInstance {
  const {
    name,
    app,
    status,
    metrics,
    dogStatsD,
    objective = 0.9995,
    cluster = 'kafka',
    clock = systemClock,
  } = options
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
  server.get('/topology', () => app.outline())
  const { applicationId: group, clientId, brokers, commitHistoryEndsMs } = app
  const histories = (): readonly CommitHistory[] => app.commitHistories()
  const judge = new ConsumerJudge({ group, objective, histories, clock })
  server.addHook('onReady', done => {
    judge.start()
    done()
  })
  server.addHook('onClose', (_, done) => {
    judge.stop()
    done()
  })
  const families = (): readonly MetricFamily[] => [
    ...app.metrics(),
    ...judge.metrics(),
    ...(metrics?.() ?? []),
    ...processMetrics(),
  ]
  if (dogStatsD !== undefined) addDogStatsD(server, { ...options, address: dogStatsD, families })
  addBurrowRoutes(server, { cluster, group, clientId, brokers, commitHistoryEndsMs, judge, histories })
  server.get('/metrics', (request, reply) => {
    const format = formatFor(request.headers.accept)
    return reply.type(CONTENT_TYPES[format]).send(expose(families(), format))
  })
  return server
}

function addDogStatsD(
  server: FastifyInstance,
  options: {
    readonly name: string
    readonly logger?: PinoLogger | undefined
    readonly clock?: JudgeClock | undefined
    readonly address: DogStatsDAddress
    readonly families: () => readonly MetricFamily[]
  },
): void {
  const { name: service, address, families, logger = SILENT, clock = systemClock } = options
  let sender: DogStatsD | undefined
  server.addHook('onReady', async () => {
    const schedule: JudgeClock['schedule'] = (ms, callback) => clock.schedule(ms, callback)
    sender = await DogStatsD.open({ address, service, families, logger, schedule })
  })
  server.addHook('onClose', async () => {
    await sender?.close()
  })
}

const SILENT = { info: () => undefined, warn: () => undefined }
