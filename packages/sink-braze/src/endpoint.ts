import type { DeliveryCall } from '@tributary/topology'
import { readAnswer, type Verdict } from './answer.ts'
import type { BrazeAnswer, BrazeClient } from './braze-client.ts'
import { BrazeError } from './errors.ts'
import { Gate, type Pass } from './gate.ts'
import type { Ending, Grant } from './grant.ts'
import type { ResolvedOptions } from './options.ts'
import { pauseMsOf, readingOf } from './rate-limit-headers.ts'
import { rateLimited, RateLimiter, type LimiterLimits } from './rate-limiter.ts'

/** What an answer says that says anything about the objects of its request. */
export type Said<E> = Extract<Verdict<E>, { readonly kind: 'taken' | 'refused' | 'unexplained' }>

export interface EndpointRequest<E> {
  readonly body: string
  /** Which object a position in an array of the body means. */
  at(array: string, index: number): E | undefined
  /** Undefined for a request without an answer. */
  onAnswer(status: number | undefined): void
}

export interface EndpointParts {
  readonly path: string
  readonly limits: LimiterLimits
  readonly client: BrazeClient
  readonly options: ResolvedOptions
}

/** One endpoint: its limit, whether Braze lets us in, and what its answers mean. */
export class Endpoint {
  readonly limiter: RateLimiter
  readonly gate: Gate
  readonly #parts: EndpointParts
  readonly #url: string

  constructor(parts: EndpointParts) {
    this.#parts = parts
    this.#url = parts.client.urlOf(parts.path).href
    this.limiter = new RateLimiter(parts.limits, parts.options)
    this.gate = new Gate(parts.options)
  }

  async whenReady(call: DeliveryCall): Promise<void> {
    await this.gate.whenOpen(call.signal)
    await this.limiter.whenReady(call)
  }

  /** @throws BrazeError for an answer that says nothing about the objects, with the time to come again */
  async post<E>(request: EndpointRequest<E>, call: DeliveryCall): Promise<Said<E>> {
    // Who is not let in takes no place in the window, and who waited for one may find the gate closed meanwhile.
    this.gate.check()
    const grant = await this.limiter.acquire(call)
    const { pass, answer } = await this.#exchange(request, grant, call.signal)
    const { client, options } = this.#parts
    const nowMs = options.clock.now()
    const verdict = readAnswer(answer, {
      at: request.at,
      url: this.#url,
      nowMs,
      redact: text => client.redact(text),
    })
    grant.end(endingOf(verdict, answer, nowMs))
    if (verdict.kind === 'failed') throw pass.end(verdict.error)
    pass.end('reached')
    if (verdict.kind === 'rate-limited') throw rateLimited(this.limiter.heldMs, { status: answer.status })
    return verdict
  }

  async #exchange<E>(
    { body, onAnswer }: EndpointRequest<E>,
    grant: Grant,
    signal: AbortSignal,
  ): Promise<{ readonly pass: Pass; readonly answer: BrazeAnswer }> {
    const { client, path } = this.#parts
    let pass: Pass
    try {
      pass = this.gate.enter()
    } catch (error) {
      grant.end({ kind: 'unused' })
      throw error
    }
    try {
      const answer = await client.post({ path, body, key: pass.key }, signal)
      onAnswer(answer.status)
      return { pass, answer }
    } catch (error) {
      onAnswer(undefined)
      grant.end({ kind: 'unanswered' })
      if (BrazeError.is(error)) throw pass.end(error)
      pass.end('unknown')
      throw error
    }
  }
}

function endingOf<E>(verdict: Verdict<E>, { headers }: BrazeAnswer, nowMs: number): Ending {
  return verdict.kind === 'rate-limited'
    ? { kind: 'refused', pauseMs: pauseMsOf(headers, nowMs) }
    : { kind: 'answered', reading: readingOf(headers, nowMs) }
}
