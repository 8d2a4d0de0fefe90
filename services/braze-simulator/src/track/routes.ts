import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../clock.ts'
import type { FaultDecision, Faults, StatusFault } from '../faults.ts'
import { dialects } from '../limits/headers.ts'
import type { Headers } from '../limits/headers.ts'
import type { RateLimiter, WindowReading } from '../limits/rate-limiter.ts'
import type { ResolvedOptions } from '../options.ts'
import type { Flight } from '../state/in-flight.ts'
import { countsOf } from '../state/state.ts'
import type { RequestRecord, RequestStatus, SimulatorState } from '../state/state.ts'
import { readBody } from './read-body.ts'
import type { ReadBody } from './read-body.ts'
import { refusals } from './refusals.ts'
import type { Refusal } from './refusals.ts'
import { readTrackBody, validate } from './validate.ts'
import type { Entry, TrackBody, Verdict } from './validate.ts'
import { arrayNames } from './wire.ts'
import type { ArrayName, TrackAnswer } from './wire.ts'

export interface TrackParts {
  readonly options: ResolvedOptions
  readonly clock: Clock
  readonly state: SimulatorState
  readonly limiter: RateLimiter
  readonly faults: Faults
  /** Ends all waiting, so that a shutdown need not wait for delays. */
  readonly closing: AbortSignal
}

/** What is known of a request while it is under way. */
type Progress = {
  -readonly [Field in Exclude<keyof RequestRecord, 'status'>]: RequestRecord[Field]
}

interface Answer {
  readonly status: number
  readonly body: TrackAnswer
  readonly headers?: Headers
}

interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** What is to be done for a request that was read. */
interface Work {
  readonly body: TrackBody
  readonly flight: Flight
  readonly decision: FaultDecision
}

const OTHER_FAULTS: Readonly<Record<number, string>> = {
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

function totalOf(sent: TrackBody['sent']): number {
  return arrayNames.reduce((sum, name) => sum + (sent[name] ?? 0), 0)
}

function hasTooManyObjects(sent: TrackBody['sent'], options: ResolvedOptions): boolean {
  return options.objectLimit === 'combined'
    ? totalOf(sent) > options.maxObjects
    : arrayNames.some(name => (sent[name] ?? 0) > options.maxObjects)
}

function refuse({ status, message }: Refusal): Answer {
  return { status, body: { message } }
}

/** The answer to a request whose objects were judged. */
function answerOf(verdict: Verdict, sent: TrackBody['sent']): Answer {
  const errors = verdict.errors.length === 0 ? {} : { errors: verdict.errors }
  if (verdict.accepted.length === 0) {
    const { status, message } = refusals.nothingValid
    return { status, body: { message, ...errors } }
  }
  const accepted: Record<ArrayName, number> = { attributes: 0, events: 0, purchases: 0 }
  for (const entry of verdict.accepted) accepted[entry.array] += 1
  const processed = Object.fromEntries(
    arrayNames.filter(name => sent[name] !== undefined).map(name => [`${name}_processed`, accepted[name]]),
  )
  return { status: 201, body: { message: 'success', ...processed, ...errors } }
}

function usersOf(entries: readonly Entry[]): { keys: Set<string>; externalIds: Set<string> } {
  const keys = new Set<string>()
  const externalIds = new Set<string>()
  for (const { identity } of entries) {
    if (identity === undefined) continue
    keys.add(identity.key)
    if (identity.externalId !== undefined) externalIds.add(identity.externalId)
  }
  return { keys, externalIds }
}

/** `POST /users/track`, from the headers to the answer. */
class TrackEndpoint {
  readonly #parts: TrackParts
  readonly #progress = new WeakMap<FastifyRequest, Progress>()

  constructor(parts: TrackParts) {
    this.#parts = parts
  }

  /** Looks at the headers alone: the key, the limits, the content type. */
  begin(request: FastifyRequest, reply: FastifyReply): void {
    const { clock, state, options, limiter } = this.#parts
    const now = clock.now()
    const { authorization, 'content-type': contentType, 'content-length': length } = request.headers
    this.#progress.set(request, {
      request: state.arrive(),
      at: now,
      objects: null,
      bytes: Number(length ?? 0),
      errors: 0,
      users: 0,
      overlapping: 0,
      faults: [],
      applied: false,
    })
    if (authorization !== `Bearer ${options.apiKey}`) {
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
  handle(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined {
    const { state, options, faults } = this.#parts
    const progress = this.#progress.get(request)!
    // Without a content length of its own a request has no body, and Fastify does not read one.
    const read = (request.body ?? { bytes: 0, problem: 'syntax' }) as ReadBody
    progress.bytes = read.bytes
    if ('problem' in read) {
      this.#answer(
        request,
        reply,
        refuse(read.problem === 'syntax' ? refusals.badSyntax : refusals.bodyTooLarge),
      )
      return undefined
    }
    const body = readTrackBody(read.json)
    const { keys, externalIds } = usersOf(body.entries)
    const flight = state.inFlight.begin(progress.request, keys)
    const decision = faults.strike(externalIds)
    progress.objects = countsOf(body.sent)
    progress.users = flight.users
    progress.overlapping = flight.overlapping
    progress.faults = decision.faults
    const exchange = { request, reply }
    const work = { body, flight, decision }
    const waitMs = options.latencyMs + decision.delayMs
    if (waitMs > 0) return this.#finishLater(exchange, work, waitMs)
    this.#finish(exchange, work)
    return undefined
  }

  async #finishLater(exchange: Exchange, work: Work, waitMs: number): Promise<void> {
    // A sender that has gone is not waiting: what it sends next does not overlap. The request goes on, as it would at
    // Braze, which has it.
    exchange.reply.raw.once('close', () => work.flight.end())
    await this.#parts.clock.sleep(waitMs, this.#parts.closing)
    this.#finish(exchange, work)
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
  #finish({ request, reply }: Exchange, work: Work): void {
    const { outcome } = work.decision
    const processed =
      outcome === undefined || outcome.applied === true ? this.#process(request, work) : undefined
    work.flight.end()
    if (processed !== undefined && outcome === undefined) this.#answer(request, reply, processed)
    else if (outcome !== undefined && 'reset' in outcome) this.#cut(request, reply)
    else if (outcome !== undefined) this.#answer(request, reply, this.#faulty(outcome))
  }

  /** Judges the objects and takes in what is accepted. */
  #process(request: FastifyRequest, { body, decision }: Work): Answer {
    const { options, state, clock } = this.#parts
    const progress = this.#progress.get(request)!
    if (hasTooManyObjects(body.sent, options)) return refuse(refusals.tooManyObjects)
    const verdict = validate(body.entries, {
      bodyBytes: progress.bytes,
      errorTypes: options.errorTypes,
      blocked: decision.blocked,
    })
    state.apply(verdict, { request: progress.request, now: clock.now() })
    progress.errors = verdict.errors.length
    progress.applied = verdict.accepted.length > 0
    return answerOf(verdict, body.sent)
  }

  #rateLimited(window: WindowReading): Answer {
    const { options, clock } = this.#parts
    const headers = dialects[options.rateLimitHeaders].refused(window, clock.now())
    return { ...refuse(refusals.rateLimited), headers }
  }

  #faulty({ status, retryAfterSeconds = 1 }: StatusFault): Answer {
    const { limiter, clock } = this.#parts
    if (status === 429) {
      const now = clock.now()
      return this.#rateLimited({ ...limiter.reported(now), resetAt: now + retryAfterSeconds * 1_000 })
    }
    const known = Object.values(refusals).find(refusal => refusal.status === status)
    return { status, body: { message: OTHER_FAULTS[status] ?? known?.message ?? 'Error' } }
  }

  #answer(request: FastifyRequest, reply: FastifyReply, answer: Answer): void {
    const { options, clock, limiter, closing } = this.#parts
    // With a delay the sender can be gone by now; the objects were taken in all the same.
    this.#record(request, request.raw.socket.destroyed ? 'aborted' : answer.status)
    const now = clock.now()
    const headers = answer.headers ?? dialects[options.rateLimitHeaders].admitted(limiter.reported(now), now)
    // Otherwise the sender keeps the connection, and with it this process, for its next request.
    if (closing.aborted) void reply.header('connection', 'close')
    void reply.code(answer.status).headers(headers).send(answer.body)
  }

  #cut(request: FastifyRequest, reply: FastifyReply): void {
    this.#record(request, 'reset')
    reply.hijack()
    request.raw.socket.resetAndDestroy()
  }

  /** Before the answer goes out, so that whoever has it finds the request counted. */
  #record(request: FastifyRequest, status: RequestStatus): void {
    const progress = this.#progress.get(request)
    if (progress !== undefined) this.#parts.state.record({ ...progress, status })
  }
}

/** Adds the endpoint. It has its own body parser, so it wants a scope of its own (`register`). */
export function trackRoutes(scope: FastifyInstance, parts: TrackParts): void {
  const endpoint = new TrackEndpoint(parts)
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('application/json', (_request, payload, done) => {
    readBody(payload, parts.options.maxBodyBytes, done)
  })
  scope.setErrorHandler((error: FastifyError, request, reply) => endpoint.fail(error, request, reply))
  scope.post('/users/track', {
    onRequest: (request, reply, next) => {
      endpoint.begin(request, reply)
      if (!reply.sent) next()
    },
    handler: (request, reply) => endpoint.handle(request, reply),
  })
}
