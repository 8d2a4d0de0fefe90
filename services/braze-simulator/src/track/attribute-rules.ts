import { sources } from '../sources.ts'
import { holdsLongText } from './rule.ts'
import type { Rule } from './rule.ts'
import { isObject } from './wire.ts'
import type { TrackObject } from './wire.ts'

const STATES = ['subscribed', 'unsubscribed', 'opted_in']
const GROUP_STATES = ['subscribed', 'unsubscribed']
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i
const DEVICE_ID_BYTES = { min: 8, max: 255 }
/** Long for reasons of their own, and with rules of their own. */
const NOT_CUSTOM = new Set(['external_id', 'user_alias', 'braze_id', 'push_tokens', 'subscription_groups'])

/** Whether a field is set to something that is not one of the words; `null` removes it and is fine. */
function isOtherThan(value: unknown, words: readonly string[]): boolean {
  return value !== undefined && value !== null && !words.includes(value as string)
}

function listOf(object: TrackObject, field: string): readonly TrackObject[] {
  const value = object[field]
  return Array.isArray(value) ? value.filter(isObject) : []
}

function isLocation(value: unknown): boolean {
  return isObject(value) && typeof value['longitude'] === 'number' && typeof value['latitude'] === 'number'
}

/** A rule of Braze's own table of endpoint-specific errors, in its words. */
function tabled(rule: Pick<Rule, 'id' | 'isBrokenBy' | 'message'> & { readonly code: string }): Rule {
  return {
    ...rule,
    appliesTo: ['attributes'],
    source: sources.track,
    basis: 'refusal',
    wording: 'documented',
  }
}

const subscriptionRules: readonly Rule[] = [
  tabled({
    id: 'email-subscription-state',
    isBrokenBy: object => isOtherThan(object['email_subscribe'], STATES),
    message: "'email_subscribe' must be 'subscribed', 'unsubscribed', or 'opted_in'.",
    code: 'BAD_EMAIL_SUBSCRIPTION_STATE',
  }),
  tabled({
    id: 'push-subscription-state',
    isBrokenBy: object => isOtherThan(object['push_subscribe'], STATES),
    message: "'push_subscribe' must be 'subscribed', 'unsubscribed', or 'opted_in'.",
    code: 'BAD_PUSH_SUBSCRIPTION_STATE',
  }),
  tabled({
    id: 'email-subscription-info',
    isBrokenBy: object => object['email_subscription_info'] !== undefined,
    message: "'email_subscription_info' is not a valid attribute.",
    code: 'INVALID_ATTRIBUTE_EMAIL_SUBSCRIPTION_INFO',
  }),
  tabled({
    id: 'subscription-groups-array',
    isBrokenBy: object => {
      const groups = object['subscription_groups']
      return groups !== undefined && !Array.isArray(groups)
    },
    message: "'subscription_groups' must be an array.",
    code: 'BAD_SUBSCRIPTION_GROUP_ARRAY',
  }),
  tabled({
    id: 'subscription-group-shape',
    isBrokenBy: object => {
      const groups = object['subscription_groups'] ?? []
      const isGroup = (group: unknown): boolean =>
        isObject(group) && 'subscription_group_id' in group && 'subscription_state' in group
      return !(groups as readonly unknown[]).every(isGroup)
    },
    message:
      "Each item in the 'subscription_groups' array must be a JSON object with 'subscription_group_id' and 'subscription_state' keys.",
    code: 'BAD_SUBSCRIPTION_GROUP_HASH',
  }),
  tabled({
    id: 'subscription-group-id',
    isBrokenBy: object =>
      listOf(object, 'subscription_groups').some(group => {
        const id = group['subscription_group_id']
        return typeof id !== 'string' || !UUID.test(id)
      }),
    message: "'subscription_group_id' must be a valid subscription group UUID.",
    code: 'BAD_SUBSCRIPTION_GROUP_ID',
  }),
  tabled({
    id: 'subscription-group-state',
    isBrokenBy: object =>
      listOf(object, 'subscription_groups').some(
        group => !GROUP_STATES.includes(group['subscription_state'] as string),
      ),
    message: "'subscription_state' for a subscription group must be 'subscribed' or 'unsubscribed'.",
    code: 'BAD_SUBSCRIPTION_GROUP_STATE',
  }),
]

const pushTokenRules: readonly Rule[] = [
  tabled({
    id: 'push-token-import',
    isBrokenBy: object => {
      if (object['push_token_import'] !== true) return false
      const tokens = object['push_tokens']
      const isNamed = object['external_id'] !== undefined || object['braze_id'] !== undefined
      return isNamed || !Array.isArray(tokens) || tokens.length === 0
    },
    message: "Token imports must include tokens and exclude 'external_id' and 'braze_id'.",
    code: 'BAD_PUSH_TOKEN_IMPORT',
  }),
  tabled({
    id: 'push-tokens-array',
    isBrokenBy: object => {
      const tokens = object['push_tokens'] ?? []
      return !Array.isArray(tokens) || !tokens.every(isObject)
    },
    message: "'push_tokens' must be an array of objects.",
    code: 'BAD_PUSH_TOKEN_VALUE',
  }),
  tabled({
    id: 'push-token-text',
    isBrokenBy: object => listOf(object, 'push_tokens').some(token => typeof token['token'] !== 'string'),
    message: "The 'token' value in a token import must be a string.",
    code: 'BAD_PUSH_TOKEN_STRING',
  }),
  tabled({
    id: 'push-token-device-id',
    isBrokenBy: object =>
      listOf(object, 'push_tokens').some(({ device_id: id }) => {
        if (id === undefined) return false
        const bytes = typeof id === 'string' ? Buffer.byteLength(id) : 0
        return bytes < DEVICE_ID_BYTES.min || bytes > DEVICE_ID_BYTES.max
      }),
    message: "The 'device_id' for a token import must be between 8 and 255 bytes.",
    code: 'BAD_DEVICE_ID',
  }),
]

export const attributeRules: readonly Rule[] = [
  ...subscriptionRules,
  ...pushTokenRules,
  tabled({
    id: 'current-location',
    isBrokenBy: object => {
      const location = object['current_location']
      return location !== undefined && location !== null && !isLocation(location)
    },
    message: "'current_location' must be an object containing 'longitude' and 'latitude'.",
    code: 'BAD_LOCATION_UPDATE',
  }),
  {
    id: 'attribute-text-length',
    appliesTo: ['attributes'],
    isBrokenBy: object =>
      Object.entries(object).some(([name, value]) => !NOT_CUSTOM.has(name) && holdsLongText(value)),
    message: 'String attribute values must be 255 characters or fewer',
    source: sources.dataTypes,
    basis: 'limit',
    wording: 'own',
  },
]
