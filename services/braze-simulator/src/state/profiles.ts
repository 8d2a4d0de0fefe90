import { parseTime } from '../track/time.ts'
import type { Entry } from '../track/validate.ts'
import type { Identity } from '../track/identity.ts'
import { isObject } from '../track/wire.ts'
import type { TrackObject } from '../track/wire.ts'
import { applyAttributes } from './attributes.ts'
import type { Attributes } from './attributes.ts'
import { BoundedLog } from './bounded-log.ts'
import type { SilentEffectName } from './effects.ts'

const MAX_PROPERTIES = 256

interface Profile {
  readonly identity: Identity
  readonly attributes: Attributes
  /** Undefined until the first: most users of a backlog have few of either. */
  events: BoundedLog<Occurrence> | undefined
  purchases: BoundedLog<Occurrence> | undefined
}

/** An event or a purchase as it was taken in. */
interface Occurrence {
  readonly profile: Profile
  readonly object: TrackObject
  readonly time: string
  readonly properties: TrackObject | undefined
  readonly request: number
  readonly index: number
  readonly receivedAt: number
}

interface OccurrenceRecord {
  /** How the sender named the user: `external_id`, `user_alias`, `braze_id`, `email` or `phone`. */
  readonly [identifier: string]: unknown
  /** As sent, or the time of arrival when the one that was sent is in the future. */
  readonly time: string
  readonly properties?: TrackObject
  /** The request it came in, counted from 1 in order of arrival. */
  readonly request: number
  /** Its place in the request's array. */
  readonly index: number
  /** Milliseconds since the epoch. */
  readonly received_at: number
}

export interface EventRecord extends OccurrenceRecord {
  readonly name: string
}

export interface PurchaseRecord extends OccurrenceRecord {
  readonly product_id: string
  readonly currency: string
  readonly price: number
  readonly quantity: number
}

export interface UserRecord {
  readonly [identifier: string]: unknown
  readonly attributes: Readonly<Record<string, unknown>>
  readonly events: readonly EventRecord[]
  readonly purchases: readonly PurchaseRecord[]
}

function occurrenceRecord(occurrence: Occurrence): OccurrenceRecord {
  const { profile, time, properties, request, index, receivedAt } = occurrence
  return {
    ...profile.identity.fields,
    time,
    ...(properties === undefined ? {} : { properties }),
    request,
    index,
    received_at: receivedAt,
  }
}

function eventRecord(occurrence: Occurrence): EventRecord {
  return { ...occurrenceRecord(occurrence), name: occurrence.object['name'] as string }
}

function purchaseRecord(occurrence: Occurrence): PurchaseRecord {
  const { product_id: productId, currency, price, quantity } = occurrence.object
  return {
    ...occurrenceRecord(occurrence),
    product_id: productId as string,
    currency: currency as string,
    price: price as number,
    quantity: (quantity ?? 1) as number,
  }
}

export interface Arrival {
  /** The request's number. */
  readonly request: number
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** The users and what is known of them, built from the accepted objects in the order in which they are applied. */
export class Profiles {
  readonly #profiles = new Map<string, Profile>()
  readonly #events: BoundedLog<Occurrence>
  readonly #purchases: BoundedLog<Occurrence>

  constructor(keepEvents: number | undefined) {
    this.#events = new BoundedLog(keepEvents)
    this.#purchases = new BoundedLog(keepEvents)
  }

  get users(): number {
    return this.#profiles.size
  }

  /** Applies one accepted object. @returns what was done in silence */
  apply(entry: Entry, arrival: Arrival): readonly SilentEffectName[] {
    const { array, object, identity } = entry
    // Anonymous push tokens have no identity: Braze makes a temporary profile for each, which nothing can look up.
    if (identity === undefined) return []
    const profile = this.#profileFor(identity, object)
    if (profile === undefined) return ['update-only']
    if (array === 'attributes') return applyAttributes(profile.attributes, object)
    return this.#record(profile, entry, arrival)
  }

  /** @returns whether there was one */
  delete(key: string): boolean {
    return this.#profiles.delete(key)
  }

  #profileFor(identity: Identity, object: TrackObject): Profile | undefined {
    const known = this.#profiles.get(identity.key)
    if (known !== undefined) return known
    const isUpdateOnly = object['_update_existing_only'] ?? identity.isAlias
    if (isUpdateOnly === true) return undefined
    const profile: Profile = { identity, attributes: new Map(), events: undefined, purchases: undefined }
    this.#profiles.set(identity.key, profile)
    return profile
  }

  #record(profile: Profile, entry: Entry, { request, now }: Arrival): SilentEffectName[] {
    const effects: SilentEffectName[] = []
    const { object, index } = entry
    let time = object['time'] as string
    if ((parseTime(time) ?? now) > now) {
      time = new Date(now).toISOString()
      effects.push('time-in-future')
    }
    let properties = isObject(object['properties']) ? object['properties'] : undefined
    if (properties !== undefined && Object.keys(properties).length > MAX_PROPERTIES) {
      properties = Object.fromEntries(Object.entries(properties).slice(0, MAX_PROPERTIES))
      effects.push('properties-over-256')
    }
    const kind = entry.array === 'events' ? 'events' : 'purchases'
    const occurrence = { profile, object, time, properties, request, index, receivedAt: now }
    const own = (profile[kind] ??= new BoundedLog())
    own.push(occurrence)
    const gone = (kind === 'events' ? this.#events : this.#purchases).push(occurrence)
    // What is oldest of all is oldest of its user's too.
    gone?.profile[kind]?.dropOldest()
    return effects
  }

  kept(kind: 'events' | 'purchases'): { readonly kept: number; readonly dropped: number } {
    const log = kind === 'events' ? this.#events : this.#purchases
    return { kept: log.size, dropped: log.dropped }
  }

  events(): readonly EventRecord[] {
    return this.#events.snapshot().map(eventRecord)
  }

  /** The events as JSON texts, made one by one as they are asked for. */
  *eventLines(): Generator<string, void, undefined> {
    for (const occurrence of this.#events.snapshot()) yield JSON.stringify(eventRecord(occurrence))
  }

  user(externalId: string): UserRecord | undefined {
    const profile = this.#profiles.get(`external_id:${externalId}`)
    if (profile === undefined) return undefined
    return {
      ...profile.identity.fields,
      attributes: Object.fromEntries(profile.attributes),
      events: (profile.events?.snapshot() ?? []).map(eventRecord),
      purchases: (profile.purchases?.snapshot() ?? []).map(purchaseRecord),
    }
  }
}
