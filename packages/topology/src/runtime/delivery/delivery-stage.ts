import { backoffMs } from '../../backoff.ts'
import type { Clock } from '../../clock.ts'
import { adviceForUnknown, retryAdviceOf, TopologyError } from '../../errors.ts'
import type { DeliveryOutcome } from '../../operators/destination.ts'
import type { DeliverNode } from '../../plan/node.ts'
import { callDestination } from './delivery-call.ts'
import { Lane, type DeliverySettlement, type Entry, type OwnerState, type PendingDelivery } from './lane.ts'
import { SendableLanes, type Batch } from './sendable-lanes.ts'

export interface DeliveryStageOptions {
  readonly clock: Clock
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

interface LaneRetry {
  readonly entries: Entry[]
  waitMs: number
}

interface Drain {
  /** Undefined: all. */
  readonly owner: OwnerState | undefined
  readonly finish: (error?: unknown) => void
}

/**
 * The batches of one `deliver` step, shared by all partitions of the instance so that they fill.
 *
 * - A batch goes when it is full, or `lingerMs` after its first item became sendable, or at once for a draining owner.
 * - The items of a lane are in at most one batch at a time, in order. What comes later waits, as does a lane whose item is
 *   to be sent again: the item returns to the lane's front and only this lane backs off.
 * - A call that fails as a whole keeps its place among the `maxInFlight` ones and is repeated with the same items, so an
 *   outage is not met with ever more calls (law 7).
 */
export class DeliveryStage {
  readonly #node: DeliverNode
  readonly #options: DeliveryStageOptions
  readonly #lanes = new Map<string | symbol, Lane>()
  readonly #sendable: SendableLanes
  readonly #owners = new Map<object, OwnerState>()
  readonly #batches = new Set<Batch>()
  readonly #drains = new Set<Drain>()
  readonly #stop = new AbortController()
  #pending = 0
  #wasFull = false
  #cancelLinger: (() => void) | undefined
  #gate: 'closed' | 'waiting' | 'open'
  #counts = { calls: 0, itemsSent: 0, accepted: 0, skipped: 0, rejected: 0, itemRetries: 0, callFailures: 0 }

  constructor(node: DeliverNode, options: DeliveryStageOptions) {
    this.#node = node
    this.#options = options
    this.#sendable = new SendableLanes(node)
    this.#gate = node.destination.whenReady === undefined ? 'open' : 'closed'
  }

  /** While this holds, nothing more should be handed over; what is handed over all the same is taken. */
  get isFull(): boolean {
    return this.#pending >= this.#node.maxPending
  }

  get stats(): DeliveryStats {
    return {
      pending: this.#pending,
      sendable: this.#sendable.items,
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
    const entry: Entry = { item, owner, lane, attempts: 0, next: undefined }
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
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onAbort = (): void => drain.finish(signal?.reason)
    const drain: Drain = {
      owner: state,
      finish: error => {
        this.#drains.delete(drain)
        signal?.removeEventListener('abort', onAbort)
        if (error === undefined) resolve()
        else reject(error as Error)
      },
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#drains.add(drain)
    this.#send()
    await promise
  }

  /** For a lost partition: none of the owner's items is settled any more, what is not yet sent is not sent. */
  forget(owner: object): void {
    const state = this.#owners.get(owner)
    if (state === undefined || this.#stop.signal.aborted) return
    this.#owners.delete(owner)
    state.isForgotten = true
    for (const lane of this.#lanes.values()) {
      this.#pending -= lane.state === 'sendable' ? this.#sendable.removeOf(state, lane) : lane.removeOf(state)
      if (lane.length === 0 && lane.state !== 'in-flight') this.#removeLane(lane)
    }
    for (const batch of this.#batches) {
      if (batch.entries.every(entry => entry.owner.isForgotten)) batch.wake?.()
    }
    for (const drain of this.#drains) if (drain.owner === state) drain.finish()
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
    for (const { owner } of this.#drains) {
      if (owner === undefined || this.#sendable.hasItemOf(owner)) return true
    }
    return false
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
      await this.#node.destination.whenReady?.({ signal: this.#stop.signal, isUrgent: true })
    } catch (error) {
      this.#fail(error)
      return
    }
    this.#gate = 'open'
    this.#send()
  }

  /** From the first call of a batch to its last. */
  async #deliver(batch: Batch): Promise<void> {
    const { clock } = this.#options
    const { signal } = this.#stop
    for (let failures = 1; ; failures += 1) {
      this.#counts.calls += 1
      this.#counts.itemsSent += batch.entries.length
      // The attempts count after the call was made: the destination sees how often an item was sent before.
      const answering = callDestination(this.#node, batch.entries, { clock, signal })
      for (const entry of batch.entries) entry.attempts += 1
      const answer = await answering
      if (signal.aborted) return
      if (answer.kind === 'outcomes') {
        this.#finish(batch, answer.outcomes)
        return
      }
      const outcomes = this.#outcomesOfFailure(batch, answer.error)
      if (outcomes !== undefined) {
        this.#finish(batch, outcomes)
        return
      }
      if (!(await this.#waitForRetry(batch, answer.error, failures))) return
    }
  }

  /** A batch with items that have had their last attempt falls apart: they are rejected, the others go on in their lanes. */
  #outcomesOfFailure(batch: Batch, error: unknown): readonly DeliveryOutcome[] | undefined {
    const isLast = (entry: Entry): boolean => entry.attempts >= this.#node.retry.maxAttempts
    const advice = retryAdviceOf(error, adviceForUnknown(error))
    if (advice.kind === 'never' || !batch.entries.some(isLast)) return undefined
    return batch.entries.map(() =>
      advice.kind === 'after'
        ? { kind: 'retry', afterMs: advice.ms, cause: error }
        : { kind: 'retry', cause: error },
    )
  }

  /** False: there is no retry, the batch or the stage has ended. */
  async #waitForRetry(batch: Batch, error: unknown, failures: number): Promise<boolean> {
    const { random, onRetry } = this.#options
    const { name, retry, destination } = this.#node
    const advice = retryAdviceOf(error, adviceForUnknown(error))
    if (advice.kind === 'never') {
      this.#fail(error)
      return false
    }
    this.#counts.callFailures += 1
    const waitMs = advice.kind === 'after' ? advice.ms : backoffMs(failures, retry, random)
    onRetry?.({ step: name, error, failures, waitMs, items: batch.entries.length })
    await this.#waitUntilWoken(batch, waitMs)
    try {
      if (batch.entries.some(isWanted)) await destination.whenReady?.({ signal: this.#stop.signal, isUrgent: true })
    } catch (cause) {
      this.#fail(cause)
    }
    if (this.#stop.signal.aborted) return false
    const wanted = batch.entries.filter(isWanted)
    this.#pending -= batch.entries.length - wanted.length
    batch.entries = wanted
    if (wanted.length > 0) return true
    this.#finish(batch, [])
    return false
  }

  #finish(batch: Batch, outcomes: readonly DeliveryOutcome[]): void {
    const settled: { readonly entry: Entry; readonly outcome: DeliverySettlement }[] = []
    const again = new Map<Lane, LaneRetry>()
    for (const [index, entry] of batch.entries.entries()) {
      const outcome = this.#orGivenUp(entry, outcomes[index] as DeliveryOutcome)
      if (entry.owner.isForgotten) this.#pending -= 1
      else if (outcome.kind !== 'retry') settled.push({ entry, outcome })
      else this.#collectRetry(entry, outcome, again)
    }
    this.#batches.delete(batch)
    for (const lane of batch.lanes) this.#release(lane, again.get(lane))
    // Every list is in order before the first call back, for it may hand over more.
    for (const { entry, outcome } of settled) this.#settle(entry, outcome)
    this.#afterProgress()
  }

  #orGivenUp(entry: Entry, outcome: DeliveryOutcome): DeliveryOutcome {
    if (outcome.kind !== 'retry' || entry.attempts < this.#node.retry.maxAttempts) return outcome
    const reason = `not accepted in ${entry.attempts} attempts, the most that ${this.#node.name} makes`
    return { kind: 'rejected', reason, cause: outcome.cause }
  }

  #collectRetry(
    entry: Entry,
    outcome: DeliveryOutcome & { readonly kind: 'retry' },
    again: Map<Lane, LaneRetry>,
  ): void {
    this.#counts.itemRetries += 1
    const waitMs = outcome.afterMs ?? backoffMs(entry.attempts, this.#node.retry, this.#options.random)
    const ofLane = again.get(entry.lane)
    if (ofLane === undefined) {
      again.set(entry.lane, { entries: [entry], waitMs })
    } else {
      ofLane.entries.push(entry)
      ofLane.waitMs = Math.max(ofLane.waitMs, waitMs)
    }
  }

  #release(lane: Lane, retry: LaneRetry | undefined): void {
    const { clock } = this.#options
    if (retry !== undefined) {
      lane.putBack(retry.entries)
      if (retry.waitMs > 0) {
        lane.state = 'backing-off'
        lane.cancelBackoff = clock.schedule(retry.waitMs, () => {
          lane.cancelBackoff = undefined
          this.#sendable.add(lane, clock.monotonicMs())
          this.#send()
        })
        return
      }
    }
    if (lane.length === 0) this.#removeLane(lane)
    else this.#sendable.add(lane, clock.monotonicMs())
  }

  async #waitUntilWoken(batch: Batch, waitMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const wake = (): void => resolve()
    const cancel = this.#options.clock.schedule(waitMs, wake)
    const { signal } = this.#stop
    signal.addEventListener('abort', wake, { once: true })
    batch.wake = wake
    await promise
    batch.wake = undefined
    signal.removeEventListener('abort', wake)
    cancel()
  }

  #settle(entry: Entry, outcome: DeliverySettlement): void {
    const { owner, item } = entry
    this.#pending -= 1
    // An earlier call back of the same batch may have forgotten the owner or closed the stage.
    if (owner.isForgotten || this.#stop.signal.aborted) return
    owner.pending -= 1
    if (owner.pending === 0) this.#owners.delete(item.owner)
    this.#counts[outcome.kind] += 1
    try {
      item.settle(outcome)
    } catch (error) {
      this.#fail(error)
    }
  }

  #afterProgress(): void {
    if (this.#stop.signal.aborted) return
    for (const drain of this.#drains) {
      if ((drain.owner?.pending ?? this.#pending) === 0) drain.finish()
    }
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
    for (const drain of this.#drains) drain.finish(reason)
  }

  #refuseIfStopped(): void {
    if (!this.#stop.signal.aborted) return
    throw new TopologyError('TOPOLOGY_CLOSED', `The step ${this.#node.name} delivers nothing more`, {
      cause: this.#stop.signal.reason,
    })
  }
}

function isWanted(entry: Entry): boolean {
  return !entry.owner.isForgotten
}
