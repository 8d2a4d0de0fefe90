import { fastify, LogController, type FastifyError, type FastifyInstance } from 'fastify'
import type { Clock } from '@tributary/topology'
import type { Logger } from 'pino'
import { Access, addAccess } from './access.ts'
import type { ConsoleConfig } from './config.ts'
import { ConsoleError, STATUS } from './console-error.ts'
import { CliQueries, type CliQueriesOptions } from './cli-queries.ts'
import { addEvents } from './events.ts'
import { addKafkaRoutes } from './kafka-routes.ts'
import { addPages, type readPages } from './pages.ts'
import type { Fetch } from './watch/instance-probe.ts'
import { Watcher } from './watch/watcher.ts'

export interface ConsoleOptions {
  readonly config: Omit<ConsoleConfig, 'host' | 'port' | 'logLevel'>
  readonly pages: ReturnType<typeof readPages>
  /** Default: no log. */
  readonly logger?: Logger
  readonly clock?: Clock
  /** Default: the system's. */
  readonly fetch?: Fetch
  /** For tests: in place of the brokers and the registry of the configuration. */
  readonly kafka?: Pick<CliQueriesOptions, 'connect' | 'openRegistry'>
}

/** A page can do nothing but show what this server gave it: no inline script, no other origin, no frame around it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
} as const

const MAX_BODY_BYTES = 65_536

/** The console, not listening yet. Watching begins when it is ready and ends with its `close`. */
export function createConsole(options: ConsoleOptions): FastifyInstance {
  const { config, pages, logger, clock, fetch, kafka } = options
  const server = fastify({
    ...(logger === undefined ? { logger: false } : { loggerInstance: logger }),
    // A request's line would have its address; what is worth knowing is logged by hand.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: MAX_BODY_BYTES,
    // A page that stays open must not keep the process.
    forceCloseConnections: true,
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
  }) as unknown as FastifyInstance
  // Another origin's form can send text/plain without being asked whether it may.
  server.removeContentTypeParser('text/plain')
  server.addHook('onRequest', (_, reply, done) => {
    void reply.headers(HEADERS)
    done()
  })
  answerErrors(server)
  addAccess(server, new Access(config.token, clock))
  const watcher = new Watcher({
    instances: config.instances,
    lagWarningMs: config.lagWarningMs,
    deadLetterTopics: config.deadLetterTopics,
    isReplayAllowed: config.isReplayAllowed,
    ...(clock === undefined ? {} : { clock }),
    ...(fetch === undefined ? {} : { fetch }),
  })
  const { kafkaBrokers, schemaRegistryUrl, isReplayAllowed } = config
  const queries = new CliQueries({ kafkaBrokers, schemaRegistryUrl, ...kafka })
  server.addHook('onReady', done => {
    watcher.start()
    done()
  })
  server.addHook('preClose', done => {
    watcher.stop()
    queries.close()
    done()
  })
  server.get('/health/live', () => ({ isAlive: true }))
  server.get('/health/ready', () => ({ isReady: true }))
  server.get('/api/snapshot', () => watcher.snapshot())
  addEvents(server, watcher)
  addKafkaRoutes(server, { queries, watcher, isReplayAllowed })
  addPages(server, pages)
  return server
}

/** Nothing that was sent comes back, and nothing of it is logged. */
function answerErrors(server: FastifyInstance): void {
  server.setErrorHandler<FastifyError | ConsoleError>((error, request, reply) => {
    if (error instanceof ConsoleError) {
      if (STATUS[error.code] >= 500) request.log.warn({ code: error.code }, 'the request failed')
      return reply.code(STATUS[error.code]).send({ code: error.code, message: error.message })
    }
    const status = error.statusCode ?? 500
    if (status >= 500) {
      request.log.error({ error, route: request.routeOptions.url }, 'the request failed')
      return reply.code(500).send({ code: 'CONSOLE_INTERNAL', message: 'Something went wrong here' })
    }
    const message =
      error.validation === undefined
        ? 'The request is not one that is answered here'
        : `${error.validationContext ?? 'body'}${error.validation.map(({ instancePath, message: what }) => `${instancePath} ${what ?? 'is wrong'}`).join('; ')}`
    return reply.code(status).send({ code: 'CONSOLE_REQUEST_INVALID', message })
  })
  server.setNotFoundHandler((_, reply) =>
    reply.code(404).send({ code: 'CONSOLE_UNKNOWN', message: 'There is no such page' }),
  )
}
