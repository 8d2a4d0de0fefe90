import fastify, { LogController } from 'fastify'
import type { FastifyBaseLogger, FastifyInstance } from 'fastify'
import { systemClock } from './clock.ts'
import type { Clock } from './clock.ts'
import { controlRoutes } from './control-routes.ts'
import type { ControlParts } from './control-routes.ts'
import { deleteRoutes } from './delete/routes.ts'
import { Faults } from './faults/faults.ts'
import { Arrivals } from './limits/arrivals.ts'
import type { Limits } from './limits/arrivals.ts'
import { MinuteLimiter, RateLimiter } from './limits/rate-limiter.ts'
import { LiveOptions } from './live-options.ts'
import { resolveOptions } from './options.ts'
import type { SimulatorOptions } from './options.ts'
import { LateApplying } from './state/late-applying.ts'
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
  /** Requests that are answered and not applied yet (`reorderMs`). */
  readonly applying: number
  /** Answers what is under way without further delay, and stops listening. */
  close(): Promise<void>
}

/** An external id has at most 987 bytes, and in a path each can take three characters. */
const MAX_PARAMETER_LENGTH = 3_000
const MINUTE_MS = 60_000

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

/** The limits and the arrivals of each endpoint, which follow the options. */
function limitedEndpoints(live: LiveOptions): ControlParts['endpoints'] {
  const { current } = live
  const trackLimiter = new RateLimiter(current)
  const deleteLimiter = new MinuteLimiter(current.deleteRequestsPerMinute)
  live.onChange(changed => {
    trackLimiter.change(changed)
    deleteLimiter.change(changed.deleteRequestsPerMinute)
  })
  const deleteLimits = (): Limits => ({
    burstRequests: live.current.deleteRequestsPerMinute,
    burstWindowMs: MINUTE_MS,
    hourlyRequests: undefined,
  })
  return {
    track: { limiter: trackLimiter, arrivals: new Arrivals(() => live.current, current.keepArrivals) },
    delete: { limiter: deleteLimiter, arrivals: new Arrivals(deleteLimits, current.keepArrivals) },
  }
}

/**
 * A stand-in for Braze's `/users/track` and `/users/delete`, with `/_simulator/…` to look at what arrived and to order faults.
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
  const live = new LiveOptions(resolveOptions(options))
  const resolved = live.current
  const clock = parts.clock ?? systemClock
  const closing = new AbortController()
  const state = new SimulatorState(resolved)
  const faults = new Faults()
  const late = new LateApplying(clock, resolved.seed, closing.signal)
  const endpoints = limitedEndpoints(live)
  const app = makeApp(parts.logger)

  app.setNotFoundHandler((_request, reply) =>
    reply.code(refusals.notFound.status).send({ message: refusals.notFound.message }),
  )
  for (const path of ['/users/track/', '/users/delete/']) {
    app.post(path, (_request, reply) =>
      reply.code(refusals.trailingSlash.status).send({ message: refusals.trailingSlash.message }),
    )
  }
  const endpointParts = { options: live, clock, state, faults, late, closing: closing.signal }
  void app.register((scope, _options, done) => {
    controlRoutes(scope, { options: live, clock, state, endpoints, faults, late })
    done()
  })
  void app.register((scope, _options, done) => {
    trackRoutes(scope, endpointParts, endpoints.track)
    done()
  })
  void app.register((scope, _options, done) => {
    deleteRoutes(scope, endpointParts, endpoints.delete)
    done()
  })
  return {
    app,
    state,
    get applying() {
      return late.waiting
    },
    async close() {
      closing.abort()
      await app.close()
    },
  }
}
