import { isFields, type Fields } from './rules/rule.ts'
import { encode, type Encoded } from './encoding.ts'
import type { BrazeMemory } from './memory.ts'
import { brazeAttributes, type BrazeObject, type BrazeTombstone, type BrazeTrackObject } from './objects.ts'
import { RequestPart } from './request-part.ts'
import { sentEventOf, wasSent } from './sent-events.ts'
import type { ResolvedShaping } from './shaping-options.ts'
import type { NotIdempotent, ShapingCounters } from './shaping-stats.ts'
import { nullsFor, suppressUnchanged } from './suppression.ts'

/** An object of a batch that may be sent. */
export interface Placed {
  /** Of its item. */
  readonly index: number
  readonly braze: BrazeObject
}

/** A user's objects, in order, as far as they have not been dealt with. */
export interface UserLane {
  readonly user: string
  readonly placed: Placed[]
  next: number
  /** Of attributes. */
  readonly hasMemory: boolean
  readonly remembersEvents: boolean
  /** What Braze is known to have, after the rounds that were accepted. */
  memory: BrazeMemory | undefined
}

/** One object of a request, and the items that it was made of. */
export interface Sending {
  /** Ascending; several when their objects were folded. */
  readonly indexes: readonly number[]
  readonly encoded: Encoded
  readonly notIdempotent?: NotIdempotent | undefined
  /** Undefined for objects of nobody in particular. */
  readonly lane?: UserLane
  /** What is remembered of the user once it is accepted; undefined: what was remembered before, null: nothing. */
  readonly memory?: BrazeMemory | null | undefined
  /** What was left out of it. */
  readonly suppressedFields?: number
  /** What is remembered of an event once it is accepted. */
  readonly sentEvent?: number | undefined
}

/** A user to be deleted. */
export interface Deletion {
  readonly index: number
  readonly externalId: string
  readonly lane: UserLane
}

export interface Round {
  readonly sendings: readonly Sending[]
  readonly deletions: readonly Deletion[]
  /** Items that are dealt with without sending anything. */
  readonly skipped: readonly {
    readonly index: number
    readonly reason: 'unchanged' | 'tombstone' | 'sent-before'
  }[]
  /** Items that cannot be sent. */
  readonly rejected: readonly { readonly index: number; readonly problem: string }[]
}

export interface RoundsContext {
  readonly options: ResolvedShaping
  readonly counters: ShapingCounters
  readonly nowMs: number
}

interface OpenRound {
  readonly sendings: Sending[]
  readonly deletions: Deletion[]
  readonly skipped: Round['skipped'][number][]
  readonly rejected: Round['rejected'][number][]
}

/**
 * A batch as a sequence of requests, each of which may only be sent when the one before was accepted: it is put together
 * from what is remembered by then. One round is all there is to most batches, for `joins` keeps out what would need another.
 */
export class Rounds {
  readonly #lanes: readonly UserLane[]
  readonly #nobody: readonly Placed[]
  readonly #context: RoundsContext
  #isFirst = true

  constructor(lanes: readonly UserLane[], nobody: readonly Placed[], context: RoundsContext) {
    this.#lanes = lanes
    this.#nobody = nobody
    this.#context = context
  }

  /** Undefined when everything is dealt with. */
  next(): Round | undefined {
    const round: OpenRound = { sendings: [], deletions: [], skipped: [], rejected: [] }
    let isDone = true
    if (this.#isFirst) {
      this.#isFirst = false
      for (const { index, braze } of this.#nobody) this.#placeNobody(index, braze, round)
      isDone = this.#nobody.length === 0
    }
    for (const lane of this.#lanes) {
      if (lane.next >= lane.placed.length) continue
      isDone = false
      this.#advance(lane, round)
    }
    return isDone ? undefined : round
  }

  #placeNobody(index: number, braze: BrazeObject, round: OpenRound): void {
    if (braze.kind === 'tombstone') this.#skipTombstone(index, round)
    else round.sendings.push(sendingOf([index], braze))
  }

  /** Takes from the lane what fits into one request. */
  #advance(lane: UserLane, round: OpenRound): void {
    const part = new RequestPart(lane.user)
    const updates: Placed[] = []
    const occurrences: Sending[] = []
    for (; lane.next < lane.placed.length; lane.next += 1) {
      const { index, braze } = lane.placed[lane.next] as Placed
      if (braze.kind === 'tombstone' && this.#context.options.tombstones === 'ignore') {
        this.#skipTombstone(index, round)
        continue
      }
      const sentEvent = lane.remembersEvents ? sentEventOf(braze, lane.user) : undefined
      if (sentEvent !== undefined && wasSent(sentEvent, lane.memory)) {
        this.#context.counters.repeatedEvents += 1
        round.skipped.push({ index, reason: 'sent-before' })
        continue
      }
      if (part.place(braze) === 'waits') break
      if (braze.kind === 'attributes') updates.push({ index, braze })
      else if (braze.kind === 'tombstone') this.#bury(index, braze, lane, round)
      else if (sentEvent === undefined) occurrences.push(sendingOf([index], braze, lane))
      else occurrences.push({ ...sendingOf([index], braze, lane), sentEvent })
    }
    if (updates.length > 0) this.#update(updates, part.attributes as Fields, lane, round)
    for (const sending of occurrences) round.sendings.push(sending)
  }

  #update(updates: readonly Placed[], merged: Fields, lane: UserLane, round: OpenRound): void {
    const { options, counters, nowMs } = this.#context
    const indexes = updates.map(({ index }) => index)
    const [only] = updates as readonly [Placed]
    // The object itself where it can be: it has been written to JSON already.
    const folded = updates.length === 1 ? (only.braze.object as Fields) : merged
    const objects = updates.map(({ braze }) => braze.object as Fields)
    const { object, memory, suppressedFields } = lane.hasMemory
      ? suppressUnchanged({ user: lane.user, objects, folded }, lane.memory, {
          nowMs,
          fullRefreshAfterMs: options.fullRefreshAfterMs,
        })
      : { object: folded, memory: undefined, suppressedFields: 0 }
    if (object === undefined) {
      counters.suppressedFields += suppressedFields
      counters.suppressedObjects += updates.length
      for (const index of indexes) round.skipped.push({ index, reason: 'unchanged' })
      return
    }
    const isItself = object === only.braze.object
    const braze = isItself ? (only.braze as BrazeTrackObject) : brazeAttributes(object)
    round.sendings.push({ ...sendingOf(indexes, braze, lane), memory, suppressedFields })
  }

  #bury(index: number, { object }: BrazeTombstone, lane: UserLane, round: OpenRound): void {
    if (this.#context.options.tombstones === 'delete-user') {
      const { external_id: externalId } = object
      if (externalId !== undefined && externalId !== '') round.deletions.push({ index, externalId, lane })
      else round.rejected.push({ index, problem: 'only users with an external_id can be deleted' })
      return
    }
    const nulls = nullsFor(object as Fields, lane.memory, lane.user)
    if (nulls === undefined) this.#skipTombstone(index, round)
    else round.sendings.push({ ...sendingOf([index], brazeAttributes(nulls), lane), memory: null })
  }

  #skipTombstone(index: number, round: OpenRound): void {
    this.#context.counters.tombstones.ignored += 1
    round.skipped.push({ index, reason: 'tombstone' })
  }
}

function sendingOf(indexes: readonly number[], braze: BrazeTrackObject, lane?: UserLane): Sending {
  const notIdempotent = notIdempotentOf(braze)
  return {
    indexes,
    encoded: encode(braze),
    ...(notIdempotent === undefined ? {} : { notIdempotent }),
    ...(lane === undefined ? {} : { lane }),
  }
}

function notIdempotentOf({ kind, object }: BrazeTrackObject): NotIdempotent | undefined {
  if (kind === 'attributes') {
    for (const name of Object.keys(object)) {
      const { [name]: value } = object
      if (isFields(value) && typeof value['inc'] === 'number') return 'increment'
    }
    return undefined
  }
  if (kind === 'purchase' || object.name !== 'ecommerce.cart_updated') return undefined
  const action = object.properties?.['action']
  return action === 'add' || action === 'remove' ? 'cart-delta' : undefined
}
