import { notesOf } from './notes.ts'

/*
 * What `POST /users/track` takes, by Braze's own names, so that its pages apply as they are:
 * https://www.braze.com/docs/api/endpoints/user_data/post_user_track
 */

export type BrazeValue = string | number | boolean | null | readonly BrazeValue[] | BrazeRecord

export interface BrazeRecord {
  readonly [name: string]: BrazeValue | undefined
}

export interface BrazeUserAlias {
  readonly alias_name: string
  readonly alias_label: string
}

/**
 * Whom an object is about: one of `external_id`, `user_alias` and `braze_id`. Without any of the three, `email` or else
 * `phone` finds the profile; beside one of them they are plain attributes.
 */
export interface BrazeIdentity {
  readonly external_id?: string
  readonly user_alias?: BrazeUserAlias
  readonly braze_id?: string
  readonly email?: string
  readonly phone?: string
}

/** Fields of the profile and custom attributes side by side. `null` removes one; one that is left out stays as it is. */
export interface BrazeAttributes {
  readonly external_id?: string
  readonly user_alias?: BrazeUserAlias
  readonly braze_id?: string
  readonly _update_existing_only?: boolean
  readonly [attribute: string]: unknown
}

export interface BrazeEvent extends BrazeIdentity {
  readonly name: string
  /** ISO 8601. Braze replaces a time in the future by its own present. */
  readonly time: string
  readonly properties?: BrazeRecord
  readonly app_id?: string
  readonly _update_existing_only?: boolean
}

export interface BrazePurchase extends BrazeIdentity {
  readonly product_id: string
  /** ISO 4217. */
  readonly currency: string
  /** Of one piece, in the currency's base unit. */
  readonly price: number
  /** 1 to 100; default 1. Braze counts a quantity of X as X purchases. */
  readonly quantity?: number
  /** ISO 8601. */
  readonly time: string
  readonly properties?: BrazeRecord
  readonly app_id?: string
  readonly _update_existing_only?: boolean
}

/**
 * One object of a request, and one item of a delivery: Braze limits the objects of a request, so a batch of as many items
 * is exactly one request. A record that makes several objects is mapped to several items (`flatMapValues`), in the order in
 * which Braze applies them: attributes, events, purchases.
 */
export type BrazeTrackObject =
  | { readonly kind: 'attributes'; readonly object: BrazeAttributes }
  | { readonly kind: 'event'; readonly object: BrazeEvent }
  | { readonly kind: 'purchase'; readonly object: BrazePurchase }

/** The user's data is gone at its source. What becomes of the profile is the destination's option `tombstones`. */
export interface BrazeTombstone {
  readonly kind: 'tombstone'
  readonly object: BrazeIdentity
}

export type BrazeObject = BrazeTrackObject | BrazeTombstone

/** The kinds of objects that stand in a request to `/users/track`. */
export type BrazeObjectKind = BrazeTrackObject['kind']

export function brazeAttributes(object: BrazeAttributes): BrazeTrackObject {
  return { kind: 'attributes', object }
}

export function brazeEvent(object: BrazeEvent): BrazeTrackObject {
  return { kind: 'event', object }
}

export function brazePurchase(object: BrazePurchase): BrazeTrackObject {
  return { kind: 'purchase', object }
}

/** For a record without a value. @example `event === null ? [brazeTombstone({ external_id: key })] : toBraze(event)` */
export function brazeTombstone(object: BrazeIdentity): BrazeTombstone {
  return { kind: 'tombstone', object }
}

/** Where an object names its user, in the order in which Braze looks: what is left of it are plain attributes. */
export const IDENTIFIERS = ['external_id', 'braze_id', 'user_alias', 'email', 'phone'] as const

/**
 * The user, as a lane: Braze processes separate requests in no particular order, so a user may only be in one at a time.
 * Objects without a usable identity share a lane; they are refused, or bring push tokens of nobody in particular.
 */
export function brazeLaneKey(braze: BrazeObject): string {
  const notes = notesOf(braze)
  notes.user ??= userOf(braze)
  return notes.user
}

function userOf({ object }: BrazeObject): string {
  const identity = object as Readonly<Record<string, unknown>>
  for (const field of IDENTIFIERS) {
    const value = identity[field]
    if (value !== undefined && value !== null && value !== '') return `${field}:${laneText(value)}`
  }
  return NOBODY
}

export const NOBODY = 'nobody'

function laneText(value: unknown): string {
  if (typeof value === 'string') return value
  const { alias_name: name, alias_label: label } = value as Readonly<Record<string, unknown>>
  // Two users must never share what is remembered of them, whatever their labels hold.
  return `${String(label).replaceAll('%', '%25').replaceAll(':', '%3A')}:${String(name)}`
}
