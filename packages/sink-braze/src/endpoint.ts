import type { DeliveryCall } from '@tributary/topology'
import { readAnswer, wordsIn, type Verdict } from './answer.ts'
import type { BrazeAnswer, BrazeClient } from './braze-client.ts'
import { BrazeError, type BrazeErrorCode } from './errors.ts'
import { Gate, type Pass } from './gate.ts'
import type { Ending, Grant } from './grant.ts'
import type { LatestErrors } from './latest-errors.ts'
import type { ResolvedOptions } from './options.ts'
import { pauseMsOf, readingOf } from './rate-limit-headers.ts'
import { rateLimited, RateLimiter, type LimiterLimits } from './rate-limiter.ts'
import { saidForLog } from './said-by-braze.ts'

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
  readonly errors: LatestErrors
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
    this.#remember(verdict, answer, nowMs)
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
      if (BrazeError.is(error)) {
        this.#parts.errors.add(unanswered(path, error), this.#parts.options.clock.now())
        throw pass.end(error)
      }
      pass.end('unknown')
      throw error
    }
  }

  /** For an operator: what Braze said, without anything that may be a customer's. */
  #remember<E>(verdict: Verdict<E>, answer: BrazeAnswer, nowMs: number): void {
    const code = codeOf(verdict)
    if (code === undefined) return
    const { path, client, errors } = this.#parts
    const words = wordsIn(answer, text => client.redact(text)).slice(0, MAX_WORDS)
    const says = words.length === 0 ? 'no words' : words.map(saidForLog).join('; ')
    errors.add({ endpoint: path, status: answer.status, code, says }, nowMs)
  }
}

/** Kinds of complaint of one answer that are remembered. */
const MAX_WORDS = 5

function codeOf<E>(verdict: Verdict<E>): BrazeErrorCode | undefined {
  switch (verdict.kind) {
    case 'taken':
      return verdict.refused.size + verdict.unlocated.length === 0 ? undefined : 'BRAZE_OBJECT_REFUSED'
    case 'refused':
    case 'unexplained':
      return 'BRAZE_OBJECT_REFUSED'
    case 'rate-limited':
      return 'BRAZE_RATE_LIMITED'
    case 'failed':
      return verdict.error.code
  }
}

/** The client's own words: they name the URL and a time, or what became of the connection. */
function unanswered(endpoint: string, { code, message, cause }: BrazeError) {
  const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined
  return {
    endpoint,
    status: undefined,
    code,
    says: reason === undefined ? message : `${message} (${reason})`,
  }
}

function endingOf<E>(verdict: Verdict<E>, { headers }: BrazeAnswer, nowMs: number): Ending {
  return verdict.kind === 'rate-limited'
    ? { kind: 'refused', pauseMs: pauseMsOf(headers, nowMs) }
    : { kind: 'answered', reading: readingOf(headers, nowMs) }
}
