import fastify, { LogController } from 'fastify'
import type { FastifyError, FastifyInstance } from 'fastify'
import { DatabaseError } from 'pg'
import type { Clock } from './clock.ts'
import { systemClock } from './clock.ts'
import type { DatabasePool } from './database.ts'
import type { ActivitiesErrorCode } from './errors.ts'
import { ActivitiesError } from './errors.ts'
import { addFaultSwitch } from './fault-switch.ts'
import { addMetrics } from './metrics.ts'
import { addRoutes } from './routes.ts'

export interface ActivitiesApiOptions {
  /** A `pg.Pool`, as `openDatabase` makes it. Stays the caller's to end. */
  readonly pool: DatabasePool
  /** Default: no log. */
  readonly logLevel?: string
  /** Whether `/_control/faults` exists. Default: it does not. */
  readonly hasFaultSwitch?: boolean
  readonly clock?: Clock
  /** From 0 to 1, for ordered failures. Default: Math.random. */
  readonly random?: () => number
}

/** An id has 200 characters at most, and in a path each can take twelve. */
const MAX_PARAMETER_LENGTH = 2_400

/**
 * The API, not listening yet: call its `listen({ port, host })`, or `inject` requests. Its `close()` waits for the
 * requests under way.
 */
export function createActivitiesApi(options: ActivitiesApiOptions): FastifyInstance {
  const { pool, logLevel, hasFaultSwitch = false, clock = systemClock, random = Math.random } = options
  const closing = new AbortController()
  const app = fastify({
    logger: logLevel === undefined ? false : { level: logLevel },
    logController: new LogController({ disableRequestLogging: true }),
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, allowUnionTypes: true } },
  })
  app.addHook('preClose', done => {
    closing.abort()
    done()
  })
  // A connection that is kept after its last answer would hold up the closing until the client lets go of it.
  app.addHook('onSend', (_request, reply, _payload, done) => {
    if (closing.signal.aborted) void reply.header('connection', 'close')
    done()
  })
  app.setErrorHandler<FastifyError | ActivitiesError>((error, request, reply) => {
    const { status, code } = meaningOf(error)
    if (status >= 500) request.log.error({ error, code }, 'the request failed')
    const message = code === 'ACTIVITIES_INTERNAL' ? 'Something went wrong here' : error.message
    return reply.code(status).send({ code, message })
  })
  app.setNotFoundHandler((request, reply) =>
    reply
      .code(404)
      .send({ code: 'ACTIVITIES_PATH_UNKNOWN', message: `There is no ${request.method} ${request.url}` }),
  )
  // Before the faults, so that failures that were ordered are counted like any other.
  addMetrics(app, pool)
  if (hasFaultSwitch) addFaultSwitch(app, { clock, random, closing: closing.signal })
  app.get('/health/live', () => ({ status: 'live' }))
  app.get('/health/ready', async () => {
    await pool.query('SELECT 1')
    return { status: 'ready' }
  })
  addRoutes(app, pool, clock)
  return app
}

/** SQLSTATE classes that say nothing against the statement; PostgreSQL documentation, appendix A. */
const UNAVAILABLE_CLASSES: ReadonlySet<string> = new Set(['08', '28', '3D', '40', '53', '55', '57', '58'])

function meaningOf(error: FastifyError | ActivitiesError): {
  readonly status: number
  readonly code: ActivitiesErrorCode
} {
  if (error instanceof ActivitiesError)
    return { status: error.code === 'ACTIVITIES_REQUEST_INVALID' ? 400 : 500, code: error.code }
  if (error instanceof DatabaseError) {
    const isUnavailable = UNAVAILABLE_CLASSES.has((error.code ?? '').slice(0, 2))
    return isUnavailable
      ? { status: 503, code: 'ACTIVITIES_DATABASE_UNAVAILABLE' }
      : { status: 500, code: 'ACTIVITIES_INTERNAL' }
  }
  if (error.statusCode !== undefined && error.statusCode < 500)
    return { status: error.statusCode, code: 'ACTIVITIES_REQUEST_INVALID' }
  // What `pg` throws without the server's word is about the connection; a TypeError is about the code.
  const isMistake = error instanceof TypeError || error instanceof RangeError
  return isMistake
    ? { status: 500, code: 'ACTIVITIES_INTERNAL' }
    : { status: 503, code: 'ACTIVITIES_DATABASE_UNAVAILABLE' }
}
