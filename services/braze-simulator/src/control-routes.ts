import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from './clock.ts'
import { SimulatorConfigError } from './errors.ts'
import { faultKinds } from './faults/fault.ts'
import type { EndpointName, Fault, FaultKindName } from './faults/fault.ts'
import type { ActiveFault, Faults } from './faults/faults.ts'
import type { Arrivals, ArrivalSummary } from './limits/arrivals.ts'
import type { Limiter, WindowReading } from './limits/rate-limiter.ts'
import type { LiveOptions } from './live-options.ts'
import type { LateApplying } from './state/late-applying.ts'
import type { SimulatorState, StateSummary } from './state/state.ts'
import { isObject } from './track/wire.ts'

export interface ControlParts {
  readonly options: LiveOptions
  readonly clock: Clock
  readonly state: SimulatorState
  readonly endpoints: Readonly<
    Record<EndpointName, { readonly limiter: Limiter; readonly arrivals: Arrivals }>
  >
  readonly faults: Faults
  readonly late: LateApplying
}

/** The answer of `GET /_simulator/state`. */
export interface StateAnswer extends StateSummary {
  readonly limits: readonly WindowReading[]
  readonly arrivals: Readonly<Record<EndpointName, ArrivalSummary>>
  /** Requests that are answered and not applied yet. */
  readonly applying: number
  readonly faults: readonly ActiveFault[]
}

const LINES_PER_CHUNK = 256
const kindNames = Object.keys(faultKinds) as FaultKindName[]

/** Joins lines into chunks: a stream that is handed single lines spends its time on the handing. */
function* chunksOf(lines: Iterable<string>): Generator<string, void, undefined> {
  let chunk: string[] = []
  for (const line of lines) {
    chunk.push(line)
    if (chunk.length < LINES_PER_CHUNK) continue
    yield `${chunk.join('\n')}\n`
    chunk = []
  }
  if (chunk.length > 0) yield `${chunk.join('\n')}\n`
}

/** @returns what is wrong with a fault, or `undefined` */
function faultProblem(request: FastifyRequest): string | undefined {
  const body: unknown = request.body
  const given = isObject(body) ? Object.keys(body) : []
  const kinds = kindNames.filter(kind => given.includes(kind))
  const [kind] = kinds
  if (kind === undefined || kinds.length > 1) {
    const seen = kinds.length === 0 ? 'none' : kinds.join(' and ')
    return `a fault has exactly one of ${kindNames.join(', ')}; seen: ${seen}`
  }
  const isValid = request.compileValidationSchema(faultKinds[kind].schema)
  if (isValid(body) === true) return undefined
  const errors = isValid.errors ?? []
  return errors.map(error => `${error.instancePath || 'the fault'} ${error.message ?? ''}`).join('; ')
}

function addFault(faults: Faults, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const problem = faultProblem(request)
  if (problem !== undefined)
    return reply.code(400).send({ code: 'SIMULATOR_FAULT_INVALID', message: problem })
  return reply.code(201).send(faults.add(request.body as Fault))
}

function changeOptions(options: LiveOptions, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  try {
    const { apiKey: _, ...shown } = options.change(isObject(request.body) ? request.body : {})
    return reply.send(shown)
  } catch (error) {
    if (!(error instanceof SimulatorConfigError)) throw error
    return reply.code(400).send({ code: error.code, message: error.message })
  }
}

/** Adds what tests and the demo look at and steer by. No key, no limits, and not counted. */
export function controlRoutes(scope: FastifyInstance, parts: ControlParts): void {
  const { options, clock, state, endpoints, faults, late } = parts
  scope.get('/health/live', () => ({ status: 'live' }))
  scope.get('/health/ready', () => ({ status: 'ready' }))

  scope.get('/_simulator/state', (): StateAnswer => {
    const now = clock.now()
    return {
      ...state.summary(),
      limits: [...endpoints.track.limiter.readings(now), ...endpoints.delete.limiter.readings(now)],
      arrivals: {
        track: endpoints.track.arrivals.summary(),
        delete: endpoints.delete.arrivals.summary(),
      },
      applying: late.waiting,
      faults: faults.list(),
    }
  })
  scope.get('/_simulator/events', (_request, reply) =>
    reply.type('application/x-ndjson').send(Readable.from(chunksOf(state.eventLines()))),
  )
  scope.get<{ Params: { externalId: string } }>('/_simulator/users/:externalId', (request, reply) => {
    const { externalId } = request.params
    const user = state.user(externalId)
    return user === undefined
      ? reply.code(404).send({ message: `no user with the external id ${externalId}` })
      : reply.send(user)
  })
  scope.get('/_simulator/requests', () => state.requests())
  scope.get<{ Params: { endpoint: string } }>('/_simulator/arrivals/:endpoint', (request, reply) => {
    const { endpoint } = request.params
    if (endpoint !== 'track' && endpoint !== 'delete') {
      return reply.code(404).send({ message: `no endpoint ${endpoint}; there are track and delete` })
    }
    return reply.send(endpoints[endpoint].arrivals.list())
  })
  scope.post('/_simulator/options', (request, reply) => changeOptions(options, request, reply))
  scope.post('/_simulator/reset', (_request, reply) => {
    state.reset()
    late.reset()
    for (const { limiter, arrivals } of Object.values(endpoints)) {
      limiter.reset()
      arrivals.reset()
    }
    faults.clear()
    return reply.code(204).send()
  })
  scope.post('/_simulator/faults', (request, reply) => addFault(faults, request, reply))
  scope.delete('/_simulator/faults', (_request, reply) => {
    faults.clear()
    return reply.code(204).send()
  })
}
