import fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { systemClock } from './clock.ts'
import type { Clock } from './clock.ts'
import { controlRoutes } from './control-routes.ts'
import { Faults } from './faults.ts'
import { RateLimiter } from './limits/rate-limiter.ts'
import { resolveOptions } from './options.ts'
import type { SimulatorOptions } from './options.ts'
import { SimulatorState } from './state/state.ts'
import { refusals } from './track/refusals.ts'
import { trackRoutes } from './track/routes.ts'

/** What the simulator stands on; each has a default. */
export interface SimulatorParts {
  readonly clock?: Clock
  /** The level that Fastify's own logger writes at, or a logger in its place. Left out, nothing is logged. */
  readonly logger?: { readonly level: string } | FastifyBaseLogger
}

export interface Simulator {
  /** Not listening yet: call its `listen({ port, host })`, or `inject` requests. */
  readonly app: FastifyInstance
  readonly state: SimulatorState
  /** Answers what is under way without further delay, and stops listening. */
  close(): Promise<void>
}

/** An external id has at most 987 bytes, and in a path each can take three characters. */
const MAX_PARAMETER_LENGTH = 3_000

function makeApp(logger: SimulatorParts['logger']): FastifyInstance {
  const logging =
    logger === undefined
      ? { logger: false }
      : 'info' in logger
        ? { loggerInstance: logger }
        : { logger: { level: logger.level } }
  return fastify({
    ...logging,
    logController: new LogController({ disableRequestLogging: true }),
    routerOptions: { maxParamLength: MAX_PARAMETER_LENGTH },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, allErrors: true } },
  })
}

/**
 * A stand-in for Braze's `/users/track`, with `/_simulator/…` to look at what arrived and to order faults.
 *
 * ```ts
 * const simulator = createSimulator({ apiKey: 'key' })
 * const url = await simulator.app.listen({ port: 0, host: '127.0.0.1' })
 * // … POST `${url}/users/track` …
 * simulator.state.events()
 * await simulator.close()
 * ```
 * @throws SimulatorConfigError for an option that is unknown or out of bounds
 */
export function createSimulator(options: SimulatorOptions, parts: SimulatorParts = {}): Simulator {
  const resolved = resolveOptions(options)
  const clock = parts.clock ?? systemClock
  const state = new SimulatorState(resolved)
  const limiter = new RateLimiter(resolved)
  const faults = new Faults()
  const closing = new AbortController()
  const app = makeApp(parts.logger)

  app.setNotFoundHandler((_request, reply) =>
    reply.code(refusals.notFound.status).send({ message: refusals.notFound.message }),
  )
  app.post('/users/track/', (_request, reply) =>
    reply.code(refusals.trailingSlash.status).send({ message: refusals.trailingSlash.message }),
  )
  void app.register((scope, _options, done) => {
    controlRoutes(scope, { clock, state, limiter, faults })
    done()
  })
  void app.register((scope, _options, done) => {
    trackRoutes(scope, { options: resolved, clock, state, limiter, faults, closing: closing.signal })
    done()
  })
  return {
    app,
    state,
    async close() {
      closing.abort()
      await app.close()
    },
  }
}
