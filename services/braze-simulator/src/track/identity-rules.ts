import { sources } from '../sources.ts'
import { primaryIdentifiers, secondaryIdentifiers } from './identity.ts'
import type { Rule } from './rule.ts'
import { arrayNames, isObject } from './wire.ts'
import type { TrackObject } from './wire.ts'

const MAX_EXTERNAL_ID_BYTES = 987
// Deliberately loose: Braze's own check is not described, and a mail server has the last word anyway.
const EMAIL = /^[^\s@]+@[^\s@.]+(?:\.[^\s@.]+)+$/

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}

function hasAny(object: TrackObject, fields: readonly string[]): boolean {
  return fields.some(field => isGiven(object[field]))
}

function isAlias(value: unknown): boolean {
  if (!isObject(value)) return false
  const { alias_name: name, alias_label: label } = value
  return typeof name === 'string' && name !== '' && typeof label === 'string' && label !== ''
}

/** Who the object is about. These come first: without a user there is nothing to say about the rest. */
export const identityRules: readonly Rule[] = [
  {
    id: 'identity-required',
    appliesTo: arrayNames,
    isBrokenBy: object =>
      !hasAny(object, primaryIdentifiers) &&
      !hasAny(object, secondaryIdentifiers) &&
      object['push_token_import'] !== true,
    message: "'external_id', 'braze_id', 'user_alias', 'email' or 'phone' is required",
    source: sources.track,
    basis: 'refusal',
    wording: 'observed',
  },
  {
    id: 'identity-one-primary',
    appliesTo: arrayNames,
    isBrokenBy: object => primaryIdentifiers.filter(field => isGiven(object[field])).length > 1,
    message: "Only one of 'external_id', 'user_alias' and 'braze_id' is allowed",
    source: sources.track,
    basis: 'refusal',
    wording: 'own',
  },
  {
    id: 'external-id-text',
    appliesTo: arrayNames,
    isBrokenBy: object => isGiven(object['external_id']) && typeof object['external_id'] !== 'string',
    message: "'external_id' is not valid",
    source: sources.eventObject,
    basis: 'limit',
    wording: 'own',
  },
  {
    id: 'external-id-length',
    appliesTo: arrayNames,
    isBrokenBy: object => {
      const id = object['external_id']
      return typeof id === 'string' && Buffer.byteLength(id) > MAX_EXTERNAL_ID_BYTES
    },
    message: "The 'external_id' exceeds the maximum allowed length of 987 bytes.",
    code: 'EXTERNAL_USER_ID_TOO_LARGE',
    source: sources.track,
    basis: 'refusal',
    wording: 'documented',
  },
  {
    id: 'user-alias-shape',
    appliesTo: arrayNames,
    isBrokenBy: object => isGiven(object['user_alias']) && !isAlias(object['user_alias']),
    message: "'user_alias' is not valid",
    source: sources.aliasObject,
    basis: 'limit',
    wording: 'own',
  },
  {
    id: 'other-identifier-text',
    appliesTo: arrayNames,
    isBrokenBy: object =>
      ['braze_id', 'phone'].some(field => isGiven(object[field]) && typeof object[field] !== 'string'),
    message: "'braze_id' or 'phone' is not valid",
    source: sources.eventObject,
    basis: 'limit',
    wording: 'own',
  },
  {
    id: 'email-format',
    appliesTo: arrayNames,
    isBrokenBy: object => {
      const { email } = object
      return isGiven(email) && (typeof email !== 'string' || !EMAIL.test(email))
    },
    message: "The value provided for the 'email' field is not a valid email.",
    code: 'EMAIL_BAD_FORMAT',
    source: sources.track,
    basis: 'refusal',
    wording: 'observed',
  },
]
