import { isObject } from './wire.ts'
import type { TrackObject } from './wire.ts'

/** Whom an object is about: the field that Braze looks the profile up by, and a key that is unique to it. */
export interface Identity {
  readonly key: string
  readonly fields: Readonly<Record<string, unknown>>
  readonly externalId: string | undefined
  /** An alias only makes a profile when `_update_existing_only` is false; other identifiers make one by default. */
  readonly isAlias: boolean
}

export const primaryIdentifiers = ['external_id', 'user_alias', 'braze_id'] as const
export const secondaryIdentifiers = ['email', 'phone'] as const

function textField(object: TrackObject, field: string): string | undefined {
  const value = object[field]
  return typeof value === 'string' && value !== '' ? value : undefined
}

/**
 * Finds whom an object is about: a primary identifier before a secondary one, `email` before `phone`
 * (https://www.braze.com/docs/api/endpoints/user_data/post_user_track, "Identifier resolution").
 */
export function identityOf(object: TrackObject): Identity | undefined {
  const externalId = textField(object, 'external_id')
  if (externalId !== undefined) {
    return {
      key: `external_id:${externalId}`,
      fields: { external_id: externalId },
      externalId,
      isAlias: false,
    }
  }
  const alias = object['user_alias']
  if (isObject(alias)) {
    const key = `user_alias:${JSON.stringify([alias['alias_label'], alias['alias_name']])}`
    return { key, fields: { user_alias: alias }, externalId: undefined, isAlias: true }
  }
  for (const field of ['braze_id', ...secondaryIdentifiers]) {
    const value = textField(object, field)
    if (value !== undefined) {
      return { key: `${field}:${value}`, fields: { [field]: value }, externalId: undefined, isAlias: false }
    }
  }
  return undefined
}
