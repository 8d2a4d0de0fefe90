import type { FastifyInstance } from 'fastify'
import type { Answer } from '../answering.ts'
import { addEndpoint, refuse } from '../endpoint.ts'
import type { Endpoint, EndpointParts, Progress } from '../endpoint.ts'
import type { FaultDecision, FaultSubject } from '../faults/faults.ts'
import type { Arrivals } from '../limits/arrivals.ts'
import type { Limiter } from '../limits/rate-limiter.ts'
import type { ResolvedOptions } from '../options.ts'
import { countsOf } from '../state/state.ts'
import { refusals } from './refusals.ts'
import { readTrackBody, subjectOf, validate } from './validate.ts'
import type { Refused, TrackBody, Verdict } from './validate.ts'
import { arrayNames } from './wire.ts'
import type { ArrayCounts, ArrayName, TrackError } from './wire.ts'

function hasTooManyObjects(sent: TrackBody['sent'], options: ResolvedOptions): boolean {
  return options.objectLimit === 'combined'
    ? arrayNames.reduce((sum, name) => sum + (sent[name] ?? 0), 0) > options.maxObjects
    : arrayNames.some(name => (sent[name] ?? 0) > options.maxObjects)
}

function errorOf({ entry, type, isLocated }: Refused): TrackError {
  return isLocated ? { type, input_array: entry.array, index: entry.index } : { type }
}

/** The answer to a request whose objects were judged. */
function answerOf(verdict: Verdict, sent: TrackBody['sent']): Answer {
  const errors = verdict.refused.length === 0 ? {} : { errors: verdict.refused.map(errorOf) }
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

/** `POST /users/track`. */
class TrackEndpoint implements Endpoint<TrackBody> {
  readonly name = 'track'
  readonly path = '/users/track'
  readonly limiter: Limiter
  readonly arrivals: Arrivals
  readonly #parts: EndpointParts

  constructor(parts: EndpointParts, limiter: Limiter, arrivals: Arrivals) {
    this.#parts = parts
    this.limiter = limiter
    this.arrivals = arrivals
  }

  readonly dialect = (): ResolvedOptions['rateLimitHeaders'] => this.#parts.options.current.rateLimitHeaders

  read(json: unknown): TrackBody {
    return readTrackBody(json)
  }

  users({ entries }: TrackBody): ReadonlySet<string> {
    const keys = new Set<string>()
    for (const { identity } of entries) if (identity !== undefined) keys.add(identity.key)
    return keys
  }

  counts({ sent }: TrackBody): ArrayCounts {
    return countsOf(sent)
  }

  subjects({ entries }: TrackBody): readonly FaultSubject[] {
    return entries.map(subjectOf)
  }

  process(body: TrackBody, progress: Progress, decision: FaultDecision): Answer {
    const { state, clock, late } = this.#parts
    const options = this.#parts.options.current
    if (hasTooManyObjects(body.sent, options)) return refuse(refusals.tooManyObjects)
    const verdict = validate(body.entries, {
      bodyBytes: progress.bytes,
      errorTypes: options.errorTypes,
      rejections: decision.rejections,
    })
    progress.errors = verdict.refused.length
    progress.applied = verdict.accepted.length > 0
    const { request } = progress
    late.apply(decision.reorderMs ?? options.reorderMs, () =>
      state.apply(verdict, { request, now: clock.now() }),
    )
    return answerOf(verdict, body.sent)
  }
}

export interface TrackParts {
  readonly limiter: Limiter
  readonly arrivals: Arrivals
}

/** Adds the endpoint to a scope of its own. */
export function trackRoutes(
  scope: FastifyInstance,
  parts: EndpointParts,
  { limiter, arrivals }: TrackParts,
): void {
  addEndpoint(scope, parts, new TrackEndpoint(parts, limiter, arrivals))
}
