import { composeRequest, type Encoded } from './encoding.ts'
import { readAnswer, type Verdict } from './answer.ts'
import type { DeliveryCall } from '@tributary/topology'
import type { ResolvedOptions } from './options.ts'
import { pauseMsOf } from './rate-limit-headers.ts'
import { rateLimited, RateLimiter, type Grant } from './rate-limiter.ts'
import type { BrazeCounters, BrazeStats } from './stats.ts'
import { TrackClient, type TrackAnswer } from './track-client.ts'

/** One object on its way. */
export interface Sendable {
  readonly encoded: Encoded
}

/** What became of an object: undefined when Braze took it in, else why it refuses it. */
export type Settle<E> = (sendable: E, refusal: string | undefined) => void

type Taken<E> = Extract<Verdict<E>, { readonly kind: 'taken' }>

/**
 * Sends requests that are put together already: within the limits, with the answer read and the object at fault found. It
 * knows nothing of records, users or what was sent before.
 */
export class TrackSender {
  readonly #options: ResolvedOptions
  readonly #client: TrackClient
  readonly #limiter: RateLimiter
  readonly #counters: BrazeCounters

  constructor(options: ResolvedOptions, counters: BrazeCounters) {
    this.#options = options
    this.#client = new TrackClient(options)
    this.#limiter = new RateLimiter(options.limits, options)
    this.#counters = counters
  }

  get limiter(): BrazeStats['limiter'] {
    const { used, waiting, heldMs } = this.#limiter
    return { used, waiting, heldMs }
  }

  async whenReady({ signal }: DeliveryCall): Promise<void> {
    await this.#limiter.whenReady(signal)
  }

  /**
   * Usually one request. More when an answer does not say which object is at fault: then halves are sent one after the other
   * until it is found. Rejects when nothing is known of the objects that are not settled.
   */
  async send<E extends Sendable>(
    sendables: readonly E[],
    call: DeliveryCall,
    settle: Settle<E>,
  ): Promise<void> {
    const verdict = await this.#post(sendables, call.signal)
    switch (verdict.kind) {
      case 'taken':
        for (const sendable of sendables) settle(sendable, verdict.refused.get(sendable))
        return
      case 'refused': {
        const { refused } = verdict
        for (const [sendable, reason] of refused) settle(sendable, reason)
        const others = sendables.filter(sendable => !refused.has(sendable))
        if (others.length > 0) await this.send(others, call, settle)
        return
      }
      case 'unexplained': {
        const [only] = sendables
        if (sendables.length === 1 && only !== undefined) {
          settle(only, verdict.reason)
          return
        }
        // One half after the other: both may hold objects of one user.
        this.#counters.splits += 1
        const middle = Math.ceil(sendables.length / 2)
        await this.send(sendables.slice(0, middle), call, settle)
        await this.send(sendables.slice(middle), call, settle)
        return
      }
    }
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  /** @throws BrazeError for an answer that says nothing about the objects */
  async #post<E extends Sendable>(
    sendables: readonly E[],
    signal: AbortSignal,
  ): Promise<Extract<Verdict<E>, { readonly kind: 'taken' | 'refused' | 'unexplained' }>> {
    const { clock } = this.#options
    const request = composeRequest(sendables)
    const { answer, grant } = await this.#exchange(request.body, signal)
    this.#counters.answered(answer.status, sendables)
    const verdict = readAnswer(answer, {
      at: request.at,
      url: this.#client.url.href,
      nowMs: clock.now(),
      redact: text => this.#client.redact(text),
    })
    if (verdict.kind === 'rate-limited') {
      this.#limiter.pause(grant, pauseMsOf(answer.headers, clock.now()))
      throw rateLimited(this.#limiter.heldMs, { status: answer.status })
    }
    this.#limiter.resume(grant)
    if (verdict.kind === 'failed') throw verdict.error
    return verdict.kind === 'taken' ? this.#located(verdict, sendables) : verdict
  }

  async #exchange(
    body: string,
    signal: AbortSignal,
  ): Promise<{ readonly answer: TrackAnswer; readonly grant: Grant }> {
    const grant = await this.#limiter.acquire(signal)
    try {
      return { answer: await this.#client.post(body, signal), grant }
    } catch (error) {
      this.#counters.unanswered += 1
      throw error
    } finally {
      grant.end()
    }
  }

  /**
   * An error without a place in a request of one object means that object. Among several there is no telling: they count as
   * taken in, because most are, and sending them again would repeat those.
   */
  #located<E extends Sendable>(verdict: Taken<E>, sendables: readonly E[]): Taken<E> {
    const { unlocated } = verdict
    if (unlocated.length === 0) return verdict
    const [only] = sendables
    if (only !== undefined && sendables.length === 1) {
      return { ...verdict, refused: new Map([[only, unlocated.join('; ')]]) }
    }
    this.#counters.unlocatedErrors += unlocated.length
    this.#options.logger.warn(
      { errors: unlocated, objects: sendables.length },
      'Braze reports errors without saying which objects they mean; all others are delivered',
    )
    return verdict
  }
}
