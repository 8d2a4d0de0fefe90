import type { DeliveryItem, DeliveryOutcome, Destination, RetryAdvice } from '@tributary/topology'
import { adviceForUnknown, retryAdviceOf } from '@tributary/topology'
import { readAnswer, type Verdict } from './answer.ts'
import { composeRequest, encode, splitByLimits, type Encoded } from './encoding.ts'
import { BrazeError } from './errors.ts'
import type { BrazeObject } from './objects.ts'
import { resolveOptions, type BrazeDestinationOptions, type ResolvedOptions } from './options.ts'
import { pauseMsOf } from './rate-limit-headers.ts'
import { rateLimited, RateLimiter, type Grant } from './rate-limiter.ts'
import { BrazeCounters, type BrazeStats } from './stats.ts'
import { TrackClient, type TrackAnswer } from './track-client.ts'
import { invalidObject } from './validate.ts'

export interface BrazeDestination extends Destination<BrazeObject> {
  readonly stats: BrazeStats
  whenReady(options: { readonly signal: AbortSignal }): Promise<void>
  close(): Promise<void>
}

/** An object on its way, and where its outcome belongs. */
interface Sending {
  readonly index: number
  readonly encoded: Encoded
}

type Taken = Extract<Verdict<Sending>, { readonly kind: 'taken' }>
type Outcomes = (DeliveryOutcome | undefined)[]

/**
 * A destination of `deliver`: Braze's `/users/track`.
 *
 * @example
 * ```ts
 * const braze = brazeDestination({ url: 'https://rest.fra-01.braze.eu', apiKey: () => readKey() })
 * builder
 *   .stream(marketingEvents)
 *   .flatMapValues(event => [brazeEvent({ external_id: event.customerId, name: event.type, time: event.at })])
 *   .deliver({ destination: braze, laneKey: brazeLaneKey, sizeOf: brazeSizeOf, maxBatchItems: 75, maxBatchBytes: 3_500_000 })
 * ```
 * @throws BrazeError BRAZE_OPTION_INVALID
 */
export function brazeDestination(options: BrazeDestinationOptions): BrazeDestination {
  return new TrackDestination(resolveOptions(options))
}

class TrackDestination implements BrazeDestination {
  readonly name = 'Braze'
  readonly #options: ResolvedOptions
  readonly #client: TrackClient
  readonly #limiter: RateLimiter
  readonly #counters = new BrazeCounters()

  constructor(options: ResolvedOptions) {
    this.#options = options
    this.#client = new TrackClient(options)
    this.#limiter = new RateLimiter(options.limits, options)
  }

  get stats(): BrazeStats {
    const { used, waiting, heldMs } = this.#limiter
    return { ...this.#counters.snapshot(), limiter: { used, waiting, heldMs } }
  }

  async whenReady({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.#limiter.whenReady(signal)
  }

  /**
   * Usually one request. More when an answer does not say which object is at fault: then halves are sent one after the other
   * until it is found.
   */
  async deliver(
    items: readonly DeliveryItem<BrazeObject>[],
    { signal }: { readonly signal: AbortSignal },
  ): Promise<readonly DeliveryOutcome[]> {
    const outcomes: Outcomes = items.map(() => undefined)
    const sendings: Sending[] = []
    for (const [index, { value }] of items.entries()) {
      const invalid = invalidObject(value)
      if (invalid === undefined) sendings.push({ index, encoded: encode(value) })
      else outcomes[index] = this.#reject(invalid)
    }
    const limits = { maxObjects: this.#options.maxObjectsPerRequest, maxBytes: this.#options.maxRequestBytes }
    try {
      for (const request of splitByLimits(sendings, limits)) await this.#send(request, { outcomes, signal })
    } catch (error) {
      // What is known of some objects must not be forgotten because of the others: they would be sent twice.
      const isAnyKnown = outcomes.some(outcome => outcome !== undefined)
      if (signal.aborted || !isAnyKnown) throw error
      const again = retryOf(error)
      return outcomes.map(outcome => outcome ?? again)
    }
    return outcomes.map(outcome => outcome as DeliveryOutcome)
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  async #send(
    sendings: readonly Sending[],
    call: { readonly outcomes: Outcomes; readonly signal: AbortSignal },
  ): Promise<void> {
    const verdict = await this.#post(sendings, call.signal)
    switch (verdict.kind) {
      case 'taken':
        for (const sending of sendings) {
          const reason = verdict.refused.get(sending)
          call.outcomes[sending.index] = reason === undefined ? this.#accept() : this.#refuse(sending, reason)
        }
        return
      case 'refused': {
        const { refused } = verdict
        for (const [sending, reason] of refused) call.outcomes[sending.index] = this.#refuse(sending, reason)
        const others = sendings.filter(sending => !refused.has(sending))
        if (others.length > 0) await this.#send(others, call)
        return
      }
      case 'unexplained': {
        const [only] = sendings
        if (sendings.length === 1 && only !== undefined) {
          call.outcomes[only.index] = this.#refuse(only, verdict.reason)
          return
        }
        // One half after the other: both may hold objects of one user.
        this.#counters.splits += 1
        const middle = Math.ceil(sendings.length / 2)
        await this.#send(sendings.slice(0, middle), call)
        await this.#send(sendings.slice(middle), call)
        return
      }
    }
  }

  /** @throws BrazeError for an answer that says nothing about the objects */
  async #post(
    sendings: readonly Sending[],
    signal: AbortSignal,
  ): Promise<Extract<Verdict<Sending>, { readonly kind: 'taken' | 'refused' | 'unexplained' }>> {
    const { clock } = this.#options
    const request = composeRequest(sendings)
    const { answer, grant } = await this.#exchange(request.body, signal)
    this.#counters.answered(answer.status, sendings)
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
    return verdict.kind === 'taken' ? this.#located(verdict, sendings) : verdict
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
  #located(verdict: Taken, sendings: readonly Sending[]): Taken {
    const { unlocated } = verdict
    if (unlocated.length === 0) return verdict
    const [only] = sendings
    if (only !== undefined && sendings.length === 1) {
      return { ...verdict, refused: new Map([[only, unlocated.join('; ')]]) }
    }
    this.#counters.unlocatedErrors += unlocated.length
    this.#options.logger.warn(
      { errors: unlocated, objects: sendings.length },
      'Braze reports errors without saying which objects they mean; all others are delivered',
    )
    return verdict
  }

  #accept(): DeliveryOutcome {
    this.#counters.accepted += 1
    return { kind: 'accepted' }
  }

  #refuse({ encoded }: Sending, reason: string): DeliveryOutcome {
    this.#counters.refused += 1
    const cause = new BrazeError(
      'BRAZE_OBJECT_REFUSED',
      `Braze refuses the object (in ${encoded.array}): ${reason}`,
    )
    return { kind: 'rejected', reason: cause.message, cause }
  }

  #reject(cause: BrazeError): DeliveryOutcome {
    this.#counters.invalid += 1
    return { kind: 'rejected', reason: cause.message, cause }
  }
}

/** For the objects that a failed call leaves open. What stops the application is met again at once, by them alone. */
function retryOf(cause: unknown): DeliveryOutcome {
  const advice: RetryAdvice = retryAdviceOf(cause, adviceForUnknown(cause))
  switch (advice.kind) {
    case 'backoff':
      return { kind: 'retry', cause }
    case 'after':
      return { kind: 'retry', afterMs: advice.ms, cause }
    case 'never':
      return { kind: 'retry', afterMs: 0, cause }
  }
}
