import type {
  DeliveryCall,
  DeliveryItem,
  DeliveryOutcome,
  Destination,
  RetryAdvice,
} from '@tributary/topology'
import { adviceForUnknown, retryAdviceOf } from '@tributary/topology'
import { encode, splitByLimits, type Encoded } from './encoding.ts'
import { BrazeError } from './errors.ts'
import type { BrazeObject } from './objects.ts'
import { resolveOptions, type BrazeDestinationOptions, type ResolvedOptions } from './options.ts'
import { BrazeCounters, type BrazeStats } from './stats.ts'
import { TrackSender } from './track-sender.ts'
import { invalidObject } from './validate.ts'

export interface BrazeDestination extends Destination<BrazeObject> {
  readonly stats: BrazeStats
  whenReady(call: DeliveryCall): Promise<void>
  close(): Promise<void>
}

/** An object on its way, and where its outcome belongs. */
interface Sending {
  readonly index: number
  readonly encoded: Encoded
}

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
  readonly #counters = new BrazeCounters()
  readonly #sender: TrackSender

  constructor(options: ResolvedOptions) {
    this.#options = options
    this.#sender = new TrackSender(options, this.#counters)
  }

  get stats(): BrazeStats {
    return { ...this.#counters.snapshot(), limiter: this.#sender.limiter }
  }

  async whenReady(call: DeliveryCall): Promise<void> {
    await this.#sender.whenReady(call)
  }

  async deliver(
    items: readonly DeliveryItem<BrazeObject>[],
    call: DeliveryCall,
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
      for (const request of splitByLimits(sendings, limits)) {
        await this.#sender.send(request, call, (sending, refusal) => {
          outcomes[sending.index] = refusal === undefined ? this.#accept() : this.#refuse(sending, refusal)
        })
      }
    } catch (error) {
      // What is known of some objects must not be forgotten because of the others: they would be sent twice.
      const isAnyKnown = outcomes.some(outcome => outcome !== undefined)
      if (call.signal.aborted || !isAnyKnown) throw error
      const again = retryOf(error)
      return outcomes.map(outcome => outcome ?? again)
    }
    return outcomes.map(outcome => outcome as DeliveryOutcome)
  }

  async close(): Promise<void> {
    await this.#sender.close()
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
