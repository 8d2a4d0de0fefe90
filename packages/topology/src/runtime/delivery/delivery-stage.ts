import { backoffMs } from '../../backoff.ts'
import type { Clock } from '../../clock.ts'
import { TopologyError } from '../../errors.ts'
import type { DeliveryOutcome } from '../../operators/destination.ts'
import type { DeliverNode } from '../../plan/node.ts'
import type { RecordContext } from '../../record.ts'
import { CALL_BOUNDS_SECONDS, Histogram, LATENCY_BOUNDS_SECONDS } from '../../observability/histogram.ts'
import { isWanted, runBatch, togetherWith, type BatchHost } from './batch-run.ts'
import type { Tracing } from '../../observability/tracing.ts'
import { Drains } from './drains.ts'
import { Lane, type DeliverySettlement, type Entry, type OwnerState, type PendingDelivery } from './lane.ts'
import { LaneWaits, type LaneWait } from './lane-waits.ts'
import { ReadinessWaits } from './readiness-waits.ts'
import { SendableLanes, type Batch } from './sendable-lanes.ts'

export interface DeliveryStageOptions {
  readonly clock: Clock
  readonly tracing?: Tracing | undefined
  readonly random: () => number
  /** Called once, with what no retry can mend. Nothing is sent or settled any more. */
  readonly onFailure: (error: unknown) => void
  /** The stage was full and is not any more. */
  readonly onSpace?: () => void
  /** A call failed as a whole and is made again after `waitMs`. */
  readonly onRetry?: (event: DeliveryRetry) => void
}

export interface DeliveryRetry {
  readonly step: string
  readonly error: unknown
  readonly failures: number
  readonly waitMs: number
  readonly items: number
}

export interface DeliveryStats {
  /** Items handed over and not settled. */
  readonly pending: number
  /** Items that a batch could take now; the rest of `pending` is under way or waits behind its own lane. */
  readonly sendable: number
  readonly batchesInFlight: number
  /** Calls of the destination and the items in them, repeated ones included: their quotient is the mean fill. */
  readonly calls: number
  readonly itemsSent: number
  readonly accepted: number
  /** Not sent by the destination's choice. */
  readonly skipped: number
  readonly rejected: number
  /** Items that were to be sent again by their own outcome. */
  readonly itemRetries: number
  /** Calls that failed as a whole. */
  readonly callFailures: number
}

interface Settled {
  readonly entry: Entry
  readonly outcome: DeliverySettlement
  readonly together: readonly RecordContext[]
}

/**
 * The batches of one `deliver` step, shared by all partitions of the instance so that they fill.
 *
 * - A batch goes when it is full, or `lingerMs` after its first item became sendable, or at once for a draining owner.
 * - The items of a lane are in at most one batch at a time, in order. What comes later waits, as does a lane whose item is
 *   to be sent again: the item returns to the lane's front and only this lane backs off. So does a lane that is to rest after
 *   what was accepted of it.
 * - A call that fails as a whole keeps its place among the `maxInFlight` ones and is repeated with the same items, so an
 *   outage is not met with ever more calls (law 7).
 * - Lanes with an urgent item are sent ahead of others (`SendableLanes`), and the destination is asked for room anew when an
 *   urgent item arrives while it was asked for others.
 */
export class DeliveryStage {
  readonly #node: DeliverNode
  readonly #options: DeliveryStageOptions
  readonly #lanes = new Map<string | symbol, Lane>()
  readonly #sendable: SendableLanes
  readonly #owners = new Map<object, OwnerState>()
  readonly #batches = new Set<Batch>()
  readonly #drains = new Drains()
  readonly #stop = new AbortController()
  readonly #host: BatchHost
  readonly #readiness: ReadinessWaits
  #pending = 0
  #wasFull = false
  #cancelLinger: (() => void) | undefined
  #gate: 'closed' | 'waiting' | 'open'
  /** From a record's timestamp to the destination's acceptance. */
  readonly latency: Histogram = new Histogram(LATENCY_BOUNDS_SECONDS)
  readonly callDuration: Histogram = new Histogram(CALL_BOUNDS_SECONDS)
  #counts = { calls: 0, itemsSent: 0, accepted: 0, skipped: 0, rejected: 0, itemRetries: 0, callFailures: 0 }

  constructor(node: DeliverNode, options: DeliveryStageOptions) {
    this.#node = node
    this.#options = options
    const { destination, maxBatchItems, maxBatchBytes } = node
    const joins = destination.joins === undefined ? undefined : this.#joins.bind(this)
    this.#sendable = new SendableLanes({ maxBatchItems, maxBatchBytes, joins })
    this.#readiness = new ReadinessWaits(destination)
    this.#gate = destination.whenReady === undefined ? 'open' : 'closed'
    this.#host = this.#createHost()
  }

  /** While this holds, nothing more should be handed over; what is handed over all the same is taken. */
  get isFull(): boolean {
    return this.#pending >= this.#node.maxPending
  }

  /** Why nothing can be delivered at present; undefined when all is well. */
  get problem(): string | undefined {
    return this.#node.destination.problem?.()
  }

  get stats(): DeliveryStats {
    return {
      pending: this.#pending,
      sendable: this.#sendable.length,
      batchesInFlight: this.#batches.size,
      ...this.#counts,
    }
  }

  add(item: PendingDelivery): void {
    this.#refuseIfStopped()
    const owner = this.#ownerState(item.owner)
    owner.pending += 1
    this.#pending += 1
    this.#wasFull ||= this.isFull
    const key = item.laneKey ?? Symbol('unordered')
    const known = this.#lanes.get(key)
    const lane = known ?? new Lane(key)
    const entry: Entry = { item, owner, lane, calls: 0, attempts: 0, merges: false, next: undefined }
    lane.push(entry)
    if (known === undefined) {
      this.#lanes.set(key, lane)
      this.#sendable.add(lane, this.#options.clock.monotonicMs())
    } else if (lane.state === 'sendable') {
      this.#sendable.grew(entry)
    }
    this.#send()
  }

  /**
   * Sends without lingering until nothing of the owner (or of anyone) is left. Rejects with the signal's reason, and with the
   * failure when the stage fails or closes first.
   */
  async drain({ owner, signal }: { owner?: object; signal?: AbortSignal } = {}): Promise<void> {
    signal?.throwIfAborted()
    this.#refuseIfStopped()
    const state = owner === undefined ? undefined : this.#owners.get(owner)
    if (owner === undefined ? this.#pending === 0 : state === undefined) return
    await this.#drains.wait(state, signal, () => this.#send())
  }

  /** For a lost partition: none of the owner's items is settled any more, what is not yet sent is not sent. */
  forget(owner: object): void {
    const state = this.#owners.get(owner)
    if (state === undefined || this.#stop.signal.aborted) return
    this.#owners.delete(owner)
    state.isForgotten = true
    for (const lane of this.#lanes.values()) {
      this.#pending -= lane.state === 'sendable' ? this.#sendable.removeOf(state, lane) : lane.removeOf(state)
      if (lane.length === 0 && lane.state !== 'in-flight' && !lane.isResting) this.#removeLane(lane)
    }
    for (const batch of this.#batches) if (batch.isWaiting && !isWanted(batch)) batch.stopping.abort()
    this.#drains.forget(state)
    this.#afterProgress()
  }

  /** Aborts what is under way; nothing is settled any more. */
  async close(): Promise<void> {
    this.#end(new TopologyError('TOPOLOGY_CLOSED', `The step ${this.#node.name} was closed`))
    await this.#node.destination.close?.()
  }

  #ownerState(owner: object): OwnerState {
    let state = this.#owners.get(owner)
    if (state === undefined) {
      state = { pending: 0, isForgotten: false }
      this.#owners.set(owner, state)
    }
    return state
  }

  #removeLane(lane: Lane): void {
    lane.cancelBackoff?.()
    this.#lanes.delete(lane.key)
  }

  #send(): void {
    if (this.#stop.signal.aborted) return
    const { maxInFlight, destination } = this.#node
    if (this.#sendable.hasUrgent) this.#readiness.review()
    while (this.#batches.size < maxInFlight && this.#isBatchDue()) {
      if (this.#gate !== 'open') {
        if (this.#gate === 'closed') void this.#openGate()
        return
      }
      if (destination.whenReady !== undefined) this.#gate = 'closed'
      const batch = this.#sendable.cut()
      this.#batches.add(batch)
      void this.#deliver(batch)
    }
    this.#linger()
  }

  #isBatchDue(): boolean {
    const since = this.#sendable.oldestSinceMs
    if (since === undefined) return false
    if (this.#sendable.isBatchFull) return true
    if (this.#options.clock.monotonicMs() - since >= this.#node.lingerMs) return true
    return this.#drains.hurries(this.#sendable)
  }

  /** Deadlines only grow, so a timer that is set already never fires too late: it looks again and sets the next one. */
  #linger(): void {
    const since = this.#sendable.oldestSinceMs
    if (since === undefined || this.#cancelLinger !== undefined) return
    if (this.#batches.size >= this.#node.maxInFlight) return
    const { clock } = this.#options
    const waitMs = Math.max(0, since + this.#node.lingerMs - clock.monotonicMs())
    this.#cancelLinger = clock.schedule(waitMs, () => {
      this.#cancelLinger = undefined
      this.#send()
    })
  }

  async #openGate(): Promise<void> {
    this.#gate = 'waiting'
    try {
      await this.#readiness.whenReady(this.#stop.signal, () => this.#isUrgent(this.#sendable.hasUrgent))
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#gate = 'open'
    this.#send()
  }

  async #deliver(batch: Batch): Promise<void> {
    const outcomes = await runBatch(batch, this.#host)
    if (outcomes !== undefined) this.#finish(batch, outcomes)
  }

  #createHost(): BatchHost {
    const { clock, random, tracing, onRetry } = this.#options
    const stop = this.#stop.signal
    return {
      node: this.#node,
      clock,
      tracing,
      random,
      get hasEnded() {
        return stop.aborted
      },
      onCall: items => {
        this.#counts.calls += 1
        this.#counts.itemsSent += items
      },
      onAnswer: ms => this.callDuration.observe(ms / 1_000),
      onRetry: retry => {
        this.#counts.callFailures += 1
        onRetry?.({ step: this.#node.name, ...retry })
      },
      whenReady: batch =>
        this.#readiness.whenReady(batch.stopping.signal, () => {
          // It holds a place that urgent items wait for: then it is what delays them.
          batch.isUrgent ||= this.#batches.size >= this.#node.maxInFlight && this.#sendable.hasUrgent
          return this.#isUrgent(batch.isUrgent)
        }),
      onUnwanted: items => {
        this.#pending -= items
      },
      fail: error => this.#fail(error),
    }
  }

  /** Where nobody says what is urgent, everything is. */
  #isUrgent(isUrgent: boolean): boolean {
    return isUrgent || this.#node.isUrgent === undefined
  }

  #joins(value: unknown, before: readonly unknown[], memory: unknown): 'counts' | 'merges' | 'waits' {
    try {
      return this.#node.destination.joins?.(value, before, memory) ?? 'counts'
    } catch (error) {
      this.#fail(error)
      return 'waits'
    }
  }

  #finish(batch: Batch, outcomes: readonly DeliveryOutcome[]): void {
    const settled: Settled[] = []
    const waits = new LaneWaits()
    for (const [index, entry] of batch.entries.entries()) {
      const outcome = this.#orGivenUp(entry, outcomes[index] as DeliveryOutcome)
      if (outcome.kind === 'accepted') waits.rest(entry.lane, outcome.restMs ?? 0)
      if (entry.owner.isForgotten) {
        this.#pending -= 1
        continue
      }
      if (outcome.kind !== 'retry') settled.push({ entry, outcome, together: togetherWith(batch, outcome) })
      else waits.retry(entry, this.#retryMs(entry, outcome))
    }
    this.#batches.delete(batch)
    for (const lane of batch.lanes) this.#release(lane, waits.of(lane))
    // Every list is in order before the first call back, for it may hand over more.
    for (const each of settled) this.#settle(each)
    this.#afterProgress()
  }

  #orGivenUp(entry: Entry, outcome: DeliveryOutcome): DeliveryOutcome {
    if (outcome.kind !== 'retry' || entry.attempts < this.#node.retry.maxAttempts) return outcome
    const { afterMs: _, isAttempt: __, ...said } = outcome
    const reason = `not accepted in ${entry.attempts} attempts, the most that ${this.#node.name} makes`
    return { ...said, kind: 'rejected', reason }
  }

  #retryMs({ calls }: Entry, { afterMs }: DeliveryOutcome & { readonly kind: 'retry' }): number {
    this.#counts.itemRetries += 1
    return afterMs ?? backoffMs(calls, this.#node.retry, this.#options.random)
  }

  #release(lane: Lane, wait: LaneWait | undefined): void {
    if (wait !== undefined) {
      lane.putBack(wait.entries)
      lane.isResting = wait.isRest
      if (wait.waitMs > 0) {
        lane.state = 'backing-off'
        lane.cancelBackoff = this.#options.clock.schedule(wait.waitMs, () => {
          lane.cancelBackoff = undefined
          lane.isResting = false
          this.#goOn(lane)
          this.#send()
        })
        return
      }
    }
    this.#goOn(lane)
  }

  #goOn(lane: Lane): void {
    if (lane.length === 0) this.#removeLane(lane)
    else this.#sendable.add(lane, this.#options.clock.monotonicMs())
  }

  #settle({ entry, outcome, together }: Settled): void {
    const { owner, item } = entry
    this.#pending -= 1
    // An earlier call back of the same batch may have forgotten the owner or closed the stage.
    if (owner.isForgotten || this.#stop.signal.aborted) return
    owner.pending -= 1
    if (owner.pending === 0) this.#owners.delete(item.owner)
    this.#counts[outcome.kind] += 1
    if (outcome.kind === 'accepted')
      this.latency.observe(Math.max(0, this.#options.clock.now() - item.context.timestampMs) / 1_000)
    if (outcome.kind === 'accepted' && outcome.memory !== undefined) this.#changesMemory(entry)
    try {
      item.settle(outcome, entry.attempts, together)
    } catch (error) {
      this.#fail(error)
    }
  }

  /** The lane, or another with its key, may have been offered since the batch came back: with what was remembered before. */
  #changesMemory({ lane: { key } }: Entry): void {
    const offer = this.#lanes.get(key)?.offer
    if (offer !== undefined) offer.memoryOf = undefined
  }

  #afterProgress(): void {
    if (this.#stop.signal.aborted) return
    this.#drains.settle(this.#pending)
    if (this.#wasFull && !this.isFull) {
      this.#wasFull = false
      this.#options.onSpace?.()
    }
    this.#send()
  }

  #fail(error: unknown): void {
    if (this.#stop.signal.aborted) return
    this.#end(error)
    this.#options.onFailure(error)
  }

  #end(reason: unknown): void {
    if (this.#stop.signal.aborted) return
    this.#stop.abort(reason)
    this.#cancelLinger?.()
    for (const lane of this.#lanes.values()) lane.cancelBackoff?.()
    for (const batch of this.#batches) batch.stopping.abort(reason)
    this.#drains.end(reason)
  }

  #refuseIfStopped(): void {
    if (!this.#stop.signal.aborted) return
    throw new TopologyError('TOPOLOGY_CLOSED', `The step ${this.#node.name} delivers nothing more`, {
      cause: this.#stop.signal.reason,
    })
  }
}
