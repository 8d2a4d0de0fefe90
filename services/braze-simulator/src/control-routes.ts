import { Readable } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from './clock.ts'
import { faultSchemas } from './faults.ts'
import type { ActiveFault, Fault, Faults } from './faults.ts'
import type { RateLimiter, WindowReading } from './limits/rate-limiter.ts'
import type { SimulatorState, StateSummary } from './state/state.ts'
import { isObject } from './track/wire.ts'

export interface ControlParts {
  readonly clock: Clock
  readonly state: SimulatorState
  readonly limiter: RateLimiter
  readonly faults: Faults
}

/** The answer of `GET /_simulator/state`. */
export interface StateAnswer extends StateSummary {
  readonly limits: readonly WindowReading[]
  readonly faults: readonly ActiveFault[]
}

const LINES_PER_CHUNK = 256
const faultKinds = Object.keys(faultSchemas)

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
  const kinds = faultKinds.filter(kind => given.includes(kind))
  if (kinds.length !== 1) {
    const seen = kinds.length === 0 ? 'none' : kinds.join(' and ')
    return `a fault has exactly one of ${faultKinds.join(', ')}; seen: ${seen}`
  }
  const isValid = request.compileValidationSchema(faultSchemas[kinds[0]!]!)
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

/** Adds what tests and the demo look at and steer by. No key, no limits, and not counted. */
export function controlRoutes(scope: FastifyInstance, { clock, state, limiter, faults }: ControlParts): void {
  scope.get('/health/live', () => ({ status: 'live' }))
  scope.get('/health/ready', () => ({ status: 'ready' }))

  scope.get('/_simulator/state', (): StateAnswer => {
    return { ...state.summary(), limits: limiter.readings(clock.now()), faults: faults.list() }
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
  scope.post('/_simulator/reset', (_request, reply) => {
    state.reset()
    limiter.reset()
    faults.clear()
    return reply.code(204).send()
  })
  scope.post('/_simulator/faults', (request, reply) => addFault(faults, request, reply))
  scope.delete('/_simulator/faults', (_request, reply) => {
    faults.clear()
    return reply.code(204).send()
  })
}
