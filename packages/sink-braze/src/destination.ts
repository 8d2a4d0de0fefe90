import type {
  DeliveryAssignment,
  DeliveryCall,
  DeliveryOutcome,
  DeliveryRejection,
  DeliverySent,
  Destination,
  RecordContext,
  RetryAdvice,
} from '@tributary/topology'
import { adviceForUnknown, retryAdviceOf } from '@tributary/topology'
import { splitByLimits } from './encoding.ts'
import { BrazeError } from './errors.ts'
import type { BrazeMemory } from './memory.ts'
import type { BrazeObject } from './objects.ts'
import { resolveOptions, type BrazeDestinationOptions, type ResolvedOptions } from './options.ts'
import type { Placing } from './request-part.ts'
import type { Deletion, Placed, Round, Sending } from './rounds.ts'
import { withSentEvent } from './sent-events.ts'
import { Shaper, type BrazeItem } from './shaper.ts'
import { ShapingCounters, type NotIdempotent } from './shaping-stats.ts'
import { BrazeCounters, type BrazeStats } from './stats.ts'
import { TrackSender, type Refusal, type SenderStats } from './track-sender.ts'

export interface BrazeDestination extends Destination<BrazeObject, BrazeMemory> {
  readonly stats: BrazeStats
  joins(value: BrazeObject, before: readonly BrazeObject[], memory?: BrazeMemory): Placing
  onAssignment(assignment: DeliveryAssignment): void
  problem(): string | undefined
  whenReady(call: DeliveryCall): Promise<void>
  close(): Promise<void>
}

type Outcome = DeliveryOutcome<BrazeMemory>

/** A batch under way: its items, and what became of those that are dealt with. */
interface Batch {
  readonly items: readonly BrazeItem[]
  readonly call: DeliveryCall
  readonly outcomes: (Outcome | undefined)[]
  /** Requests that were begun, in order. */
  readonly requests: (readonly (Sending | Deletion)[])[]
  /** Some of it is with Braze already, so what follows of the same users keeps the gap. */
  hasSent: boolean
}

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
  return new TrackDestination(
    resolveOptions(options),
    (resolved, counters) => new TrackSender(resolved, counters),
  )
}

/** How what was put together gets to Braze. */
export interface Sender extends Pick<
  TrackSender,
  'problem' | 'onAssignment' | 'whenReady' | 'send' | 'deleteUsers' | 'close'
> {
  readonly stats: SenderStats
}

/** Decides what is sent, and leaves the sending to a sender. */
export class TrackDestination implements BrazeDestination {
  readonly name = 'Braze'
  readonly #options: ResolvedOptions
  readonly #counters = new BrazeCounters()
  readonly #shaping = new ShapingCounters()
  readonly #shaper: Shaper
  readonly #sender: Sender
  readonly #accepted: Extract<Outcome, { readonly kind: 'accepted' }>

  constructor(
    options: ResolvedOptions,
    createSender: (options: ResolvedOptions, counters: BrazeCounters) => Sender,
  ) {
    this.#options = options
    this.#shaper = new Shaper(options.shaping, this.#shaping, options.clock)
    this.#sender = createSender(options, this.#counters)
    this.#accepted =
      options.userGapMs === 0 ? { kind: 'accepted' } : { kind: 'accepted', restMs: options.userGapMs }
  }

  get stats(): BrazeStats {
    return { ...this.#counters.snapshot(), ...this.#sender.stats, shaping: this.#shaping.snapshot() }
  }

  joins(value: BrazeObject, before: readonly BrazeObject[], memory?: BrazeMemory): Placing {
    return this.#shaper.joins(value, before, memory)
  }

  onAssignment(assignment: DeliveryAssignment): void {
    this.#sender.onAssignment(assignment)
  }

  problem(): string | undefined {
    return this.#sender.problem
  }

  async whenReady(call: DeliveryCall): Promise<void> {
    await this.#sender.whenReady(call)
  }

  async deliver(items: readonly BrazeItem[], call: DeliveryCall): Promise<readonly Outcome[]> {
    const batch: Batch = { items, call, outcomes: items.map(() => undefined), requests: [], hasSent: false }
    const placed: Placed[] = []
    for (const [index, { value }] of items.entries()) {
      const { braze, error } = this.#shaper.check(value)
      if (error === undefined) placed.push({ index, braze })
      else batch.outcomes[index] = this.#reject(error)
    }
    const rounds = this.#shaper.rounds(items, placed)
    try {
      for (let round = rounds.next(); round !== undefined; round = rounds.next()) {
        await this.#deliverRound(round, batch)
      }
    } catch (error) {
      // What is known of some objects must not be forgotten because of the others: they would be sent twice.
      const isAnyKnown = batch.outcomes.some(outcome => outcome !== undefined)
      if (call.signal.aborted) throw error
      if (!isAnyKnown) throw withSent(error, batch)
      const again = retryOf(error)
      return batch.outcomes.map((outcome, index) => outcome ?? { ...again, ...sentOf(index, batch) })
    }
    return batch.outcomes.map(outcome => outcome as Outcome)
  }

  async close(): Promise<void> {
    await this.#sender.close()
  }

  async #deliverRound({ sendings, deletions, skipped, rejected }: Round, batch: Batch): Promise<void> {
    const { outcomes, call } = batch
    for (const { index, reason } of skipped) outcomes[index] = { kind: 'skipped', reason }
    for (const { index, problem } of rejected) {
      const message = `The tombstone is not sent: ${problem}`
      outcomes[index] = this.#reject(new BrazeError('BRAZE_OBJECT_INVALID', message))
    }
    const { maxObjectsPerRequest: maxObjects, maxRequestBytes: maxBytes, shaping } = this.#options
    const limits = { maxObjects, maxBytes, objectLimit: shaping.objectLimit }
    for (const request of splitByLimits(sendings, limits)) {
      await this.#keepGap(batch)
      batch.requests.push(request)
      await this.#sender.send(request, call, (sending, refusal) => {
        if (refusal === undefined) this.#accept(sending, batch)
        else this.#refuse(sending, refusal, batch)
      })
    }
    if (deletions.length > 0) await this.#delete(deletions, batch)
  }

  /** Between the requests of one batch. After its last one it is the step that lets each user's lane rest. */
  async #keepGap(batch: Batch): Promise<void> {
    const { userGapMs, clock } = this.#options
    if (batch.hasSent && userGapMs > 0) await clock.sleep(userGapMs, { signal: batch.call.signal })
    batch.hasSent = true
  }

  async #delete(deletions: readonly Deletion[], { outcomes, call, requests }: Batch): Promise<void> {
    requests.push(deletions)
    const refused = await this.#sender.deleteUsers(
      deletions.map(({ externalId }) => externalId),
      call,
    )
    for (const { index, externalId, lane } of deletions) {
      const refusal = refused.get(externalId)
      if (refusal === undefined) {
        this.#counters.accepted += 1
        this.#shaping.tombstones.deleted += 1
        lane.memory = undefined
        outcomes[index] = { ...this.#accepted, memory: null }
      } else {
        const { reason, status } = refusal
        const letter = { status, ...sentOfDeletion(externalId) }
        outcomes[index] = this.#refused(`Braze refuses to delete the user: ${reason}`, letter)
      }
    }
  }

  #accept(sending: Sending, { outcomes }: Batch): void {
    const { indexes, notIdempotent, suppressedFields = 0 } = sending
    this.#counters.accepted += indexes.length
    // Not when they are put together: what is sent again would count again.
    this.#shaping.folded += indexes.length - 1
    this.#shaping.suppressedFields += suppressedFields
    for (const index of indexes) outcomes[index] = this.#accepted
    if (notIdempotent !== undefined) this.#countNotIdempotent(notIdempotent)
    const memory = this.#memoryAfter(sending)
    // With the last of them the record is finished whose value it is.
    if (memory !== undefined) outcomes[indexes.at(-1) as number] = { ...this.#accepted, memory }
  }

  /** What is remembered of the user from now on; undefined: what was remembered before. */
  #memoryAfter({ lane, memory, sentEvent }: Sending): BrazeMemory | null | undefined {
    if (lane === undefined) return undefined
    if (memory === null) {
      this.#shaping.tombstones.nulled += 1
      lane.memory = undefined
      return null
    }
    const events = lane.memory?.events
    if (memory !== undefined) lane.memory = events === undefined ? memory : { ...memory, events }
    if (sentEvent !== undefined)
      lane.memory = withSentEvent(lane.memory, sentEvent, this.#options.shaping.rememberedEvents)
    return memory === undefined && sentEvent === undefined ? undefined : lane.memory
  }

  #countNotIdempotent(kind: NotIdempotent): void {
    if (!this.#shaping.notIdempotent(kind)) return
    this.#options.logger.warn(
      { kind },
      'Objects are sent that change something anew each time they arrive. Delivery is at least once, so a lost answer makes Braze apply one twice; values that are set, or a cart that is replaced, would not mind. This is said once.',
    )
  }

  #refuse(sending: Sending, { reason, status }: Refusal, { items, outcomes }: Batch): void {
    const { indexes, encoded } = sending
    const folded = indexes.length === 1 ? '' : `, folded from ${recordsOf(indexes, items)}`
    const message = `Braze refuses the object (in ${encoded.array}${folded}): ${reason}`
    const letter = { status, ...sentOfObject(sending) }
    for (const index of indexes) outcomes[index] = this.#refused(message, letter)
  }

  #refused(message: string, letter: DeliverySent & Pick<DeliveryRejection, 'status'>): Outcome {
    this.#counters.refused += 1
    const cause = new BrazeError('BRAZE_OBJECT_REFUSED', message)
    return { kind: 'rejected', reason: message, cause, ...letter }
  }

  #reject(cause: BrazeError): Outcome {
    this.#counters.invalid += 1
    return { kind: 'rejected', reason: cause.message, cause, isAttempt: false }
  }
}

/** Enough to find the others by; every one of them is a dead letter of its own. */
const MAX_RECORDS_NAMED = 20

function recordsOf(indexes: readonly number[], items: readonly BrazeItem[]): string {
  const named = indexes.slice(0, MAX_RECORDS_NAMED).map(index => {
    const { topic, partition, offset } = (items[index] as BrazeItem).context as RecordContext
    return `${topic}-${partition}@${offset}`
  })
  const more = indexes.length > MAX_RECORDS_NAMED ? ', …' : ''
  return `${indexes.length} records: ${named.join(', ')}${more}`
}

/** For the objects that a failed call leaves open. What stops the application is met again at once, by them alone. */
function retryOf(cause: unknown): Extract<Outcome, { readonly kind: 'retry' }> {
  const advice: RetryAdvice = retryAdviceOf(cause, adviceForUnknown(cause))
  if (advice.kind === 'never') return { kind: 'retry', afterMs: 0, cause }
  const count = advice.isAttempt === undefined ? {} : { isAttempt: advice.isAttempt }
  const status = BrazeError.is(cause) && cause.status !== undefined ? { status: cause.status } : {}
  const wait = advice.kind === 'backoff' ? {} : { afterMs: advice.ms }
  return { kind: 'retry', cause, ...wait, ...count, ...status }
}

/** The error with what it left open, for the letters of what is given up with it. */
function withSent(error: unknown, batch: Batch): unknown {
  if (!BrazeError.is(error)) return error
  const { code, message, retry, status, cause } = error
  return new BrazeError(code, message, {
    retry,
    cause,
    ...(status === undefined ? {} : { status }),
    sentOf: index => sentOf(index, batch),
  })
}

/** What an item became in the latest request that it was in; undefined where it was in none. */
function sentOf(index: number, { requests }: Batch): DeliverySent | undefined {
  for (const request of requests.toReversed()) {
    for (const each of request) {
      if ('index' in each ? each.index !== index : !each.indexes.includes(index)) continue
      return 'index' in each ? sentOfDeletion(each.externalId) : sentOfObject(each)
    }
  }
  return undefined
}

function sentOfObject({ encoded, indexes }: Sending): DeliverySent {
  return { sent: encoded.json, ...(indexes.length === 1 ? {} : { together: indexes }) }
}

function sentOfDeletion(externalId: string): DeliverySent {
  return { sent: JSON.stringify({ external_id: externalId }) }
}
