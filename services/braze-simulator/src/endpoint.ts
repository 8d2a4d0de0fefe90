import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { sendBroken, sendSlowly } from './answering.ts'
import type { Answer } from './answering.ts'
import type { Clock } from './clock.ts'
import type { EndpointName, OutcomeFault, StatusFault } from './faults/fault.ts'
import type { FaultDecision, Faults, FaultSubject } from './faults/faults.ts'
import type { Arrivals, ArrivalRecord } from './limits/arrivals.ts'
import { dialects } from './limits/headers.ts'
import type { Limiter, WindowReading } from './limits/rate-limiter.ts'
import type { LiveOptions } from './live-options.ts'
import type { RateLimitHeaders } from './options.ts'
import type { Flight } from './state/in-flight.ts'
import type { LateApplying } from './state/late-applying.ts'
import type { RequestRecord, RequestStatus, SimulatorState } from './state/state.ts'
import { readBody } from './track/read-body.ts'
import type { ReadBody } from './track/read-body.ts'
import { refusals } from './track/refusals.ts'
import type { Refusal } from './track/refusals.ts'
import type { ArrayCounts } from './track/wire.ts'

/** What the endpoints have in common. */
export interface EndpointParts {
  readonly options: LiveOptions
  readonly clock: Clock
  readonly state: SimulatorState
  readonly faults: Faults
  readonly late: LateApplying
  /** Ends all waiting, so that a shutdown need not wait for delays. */
  readonly closing: AbortSignal
}

/** What is known of a request while it is under way. */
export type Progress = {
  -readonly [Field in Exclude<keyof RequestRecord, 'status'>]: RequestRecord[Field]
}

/** What makes one endpoint differ from the other. */
export interface Endpoint<Body> {
  readonly name: EndpointName
  readonly path: string
  readonly limiter: Limiter
  readonly arrivals: Arrivals
  readonly dialect: () => RateLimitHeaders
  /** Takes any JSON. */
  read(json: unknown): Body
  users(body: Body): ReadonlySet<string>
  counts(body: Body): ArrayCounts | null
  subjects(body: Body): readonly FaultSubject[]
  /** Judges the request and takes in what is accepted. */
  process(body: Body, progress: Progress, decision: FaultDecision): Answer
}

interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** What is to be done for a request that was read. */
interface Work<Body> {
  readonly body: Body
  readonly flight: Flight
  readonly decision: FaultDecision
}

const OTHER_FAULTS: Readonly<Record<number, string>> = {
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

export function refuse({ status, message }: Refusal): Answer {
  return { status, body: { message } }
}

function isApplied(outcome: OutcomeFault | undefined): boolean {
  if (outcome === undefined || 'queued' in outcome) return true
  return outcome.applied ?? ('broken' in outcome && outcome.broken !== 'html')
}

/** From the headers to the answer. */
class EndpointRun<Body> {
  readonly #parts: EndpointParts
  readonly #endpoint: Endpoint<Body>
  readonly #progress = new WeakMap<FastifyRequest, { progress: Progress; arrival: ArrivalRecord }>()

  constructor(parts: EndpointParts, endpoint: Endpoint<Body>) {
    this.#parts = parts
    this.#endpoint = endpoint
  }

  /** Looks at the headers alone: the key, the limits, the content type. */
  begin(request: FastifyRequest, reply: FastifyReply): void {
    const { clock, state, options } = this.#parts
    const { arrivals, limiter, name } = this.#endpoint
    const now = clock.now()
    const { authorization, 'content-type': contentType, 'content-length': length } = request.headers
    const hasKey = authorization === `Bearer ${options.current.apiKey}`
    const number = state.arrive()
    const progress: Progress = {
      endpoint: name,
      request: number,
      at: now,
      objects: null,
      bytes: Number(length ?? 0),
      errors: 0,
      users: 0,
      overlapping: 0,
      faults: [],
      applied: false,
    }
    this.#progress.set(request, { progress, arrival: arrivals.add(number, now, hasKey) })
    if (!hasKey) {
      this.#answer(request, reply, refuse(refusals.unauthorized))
      return
    }
    const full = limiter.admit(now)
    if (full !== undefined) {
      this.#answer(request, reply, this.#rateLimited(full))
      return
    }
    const mediaType = contentType?.split(';', 1)[0]?.trim().toLowerCase()
    if (mediaType !== 'application/json') this.#answer(request, reply, refuse(refusals.contentType))
  }

  /** Takes a body that was read to its end. @returns a promise only when the answer has to wait */
  handle(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> | undefined {
    const { state, options, faults } = this.#parts
    const { progress } = this.#progress.get(request)!
    // Without a content length of its own a request has no body, and Fastify does not read one.
    const read = (request.body ?? { bytes: 0, problem: 'syntax' }) as ReadBody
    progress.bytes = read.bytes
    if ('problem' in read) {
      const refusal = read.problem === 'syntax' ? refusals.badSyntax : refusals.bodyTooLarge
      this.#answer(request, reply, refuse(refusal))
      return undefined
    }
    const body = this.#endpoint.read(read.json)
    const flight = state.inFlight.begin(progress.request, this.#endpoint.users(body))
    const subjects = faults.isEmpty ? [] : this.#endpoint.subjects(body)
    const decision = faults.strike(this.#endpoint.name, subjects)
    progress.objects = this.#endpoint.counts(body)
    progress.users = flight.users
    progress.overlapping = flight.overlapping
    progress.faults = decision.faults
    const exchange = { request, reply }
    const work = { body, flight, decision }
    const waitMs = options.current.latencyMs + decision.delayMs
    if (waitMs > 0) return this.#finishLater(exchange, work, waitMs)
    this.#finish(exchange, work)
    return undefined
  }

  async #finishLater(exchange: Exchange, work: Work<Body>, waitMs: number): Promise<FastifyReply> {
    // A sender that has gone is not waiting: what it sends next does not overlap. The request goes on, as it would at
    // Braze, which has it.
    exchange.reply.raw.once('close', () => work.flight.end())
    await this.#parts.clock.sleep(waitMs, this.#parts.closing)
    this.#finish(exchange, work)
    // Of a promise of nothing Fastify makes an empty answer when the head is not out yet, as with a stream.
    return exchange.reply
  }

  /** A request that could not be taken: its sender has gone, or its content type is malformed, or we are at fault. */
  fail(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
    if (!request.raw.complete) {
      this.#record(request, 'aborted')
      reply.hijack()
      request.raw.socket.destroy()
    } else if (error.statusCode === refusals.contentType.status) {
      this.#answer(request, reply, refuse(refusals.contentType))
    } else {
      request.log.error(error, 'a request could not be simulated')
      this.#answer(request, reply, { status: 500, body: { message: error.message } })
    }
  }

  /** Nothing here waits, so a sender cannot have the answer while its users still count as under way. */
  #finish({ request, reply }: Exchange, work: Work<Body>): void {
    const { outcome, trickleMs } = work.decision
    const { progress } = this.#progress.get(request)!
    const processed = isApplied(outcome)
      ? this.#endpoint.process(work.body, progress, work.decision)
      : undefined
    if (outcome !== undefined && 'reset' in outcome) {
      work.flight.end()
      this.#cut(request, reply)
      return
    }
    if (outcome !== undefined && 'broken' in outcome) {
      work.flight.end()
      this.#record(request, outcome.broken === 'cut' ? 'reset' : outcome.broken === 'html' ? 200 : 201)
      sendBroken(reply, outcome.broken, processed)
      return
    }
    const answer = outcome === undefined ? processed! : this.#faulty(outcome)
    if (trickleMs === 0) {
      work.flight.end()
      this.#answer(request, reply, answer)
      return
    }
    reply.raw.once('close', () => work.flight.end())
    this.#answer(request, reply, answer, trickleMs)
  }

  #rateLimited(window: WindowReading): Answer {
    const headers = dialects[this.#endpoint.dialect()].refused(window, this.#parts.clock.now())
    return { ...refuse(refusals.rateLimited), headers }
  }

  #faulty(fault: Exclude<OutcomeFault, { reset: true } | { broken: unknown }>): Answer {
    return 'queued' in fault ? { status: 202, body: { message: 'queued' } } : this.#refusedBy(fault)
  }

  #refusedBy({ status, retryAfterSeconds = 1, withoutHeaders = false }: StatusFault): Answer {
    if (status === 429) {
      if (withoutHeaders) return { ...refuse(refusals.rateLimited), headers: {} }
      const now = this.#parts.clock.now()
      const window = this.#endpoint.limiter.reported(now)
      return this.#rateLimited({ ...window, resetAt: now + retryAfterSeconds * 1_000 })
    }
    const known = Object.values(refusals).find(refusal => refusal.status === status)
    return { status, body: { message: OTHER_FAULTS[status] ?? known?.message ?? 'Error' } }
  }

  #answer(request: FastifyRequest, reply: FastifyReply, answer: Answer, trickleMs = 0): void {
    const { clock, closing } = this.#parts
    const { limiter, dialect } = this.#endpoint
    // With a delay the sender can be gone by now; the objects were taken in all the same.
    this.#record(request, request.raw.socket.destroyed ? 'aborted' : answer.status)
    const now = clock.now()
    const headers = answer.headers ?? dialects[dialect()].admitted(limiter.reported(now), now)
    // Otherwise the sender keeps the connection, and with it this process, for its next request.
    if (closing.aborted) void reply.header('connection', 'close')
    void reply.code(answer.status).headers(headers)
    if (trickleMs === 0) void reply.send(answer.body)
    else sendSlowly(reply, answer.body, trickleMs, ms => clock.sleep(ms, closing))
  }

  #cut(request: FastifyRequest, reply: FastifyReply): void {
    this.#record(request, 'reset')
    reply.hijack()
    request.raw.socket.resetAndDestroy()
  }

  /** Before the answer goes out, so that whoever has it finds the request counted. */
  #record(request: FastifyRequest, status: RequestStatus): void {
    const known = this.#progress.get(request)
    if (known === undefined) return
    known.arrival.status = status
    this.#parts.state.record({ ...known.progress, status })
  }
}

/** Adds an endpoint. It has its own body parser, so it wants a scope of its own (`register`). */
export function addEndpoint<Body>(
  scope: FastifyInstance,
  parts: EndpointParts,
  endpoint: Endpoint<Body>,
): void {
  const run = new EndpointRun(parts, endpoint)
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('application/json', (_request, payload, done) => {
    readBody(payload, parts.options.current.maxBodyBytes, done)
  })
  scope.setErrorHandler((error: FastifyError, request, reply) => run.fail(error, request, reply))
  scope.post(endpoint.path, {
    onRequest: (request, reply, next) => {
      run.begin(request, reply)
      if (!reply.sent) next()
    },
    handler: (request, reply) => run.handle(request, reply),
  })
}
