import {
  findValue,
  isFields,
  isLongerThan,
  isLongText,
  jsonBytes,
  MAX_CHARACTERS,
  shortened,
  sources,
  without,
  type BrazeRule,
  type Fields,
  type Mend,
} from './rule.ts'
import { isBrazeTime } from './braze-time.ts'

const MAX_ATTRIBUTE_BYTES = 100_000
const MAX_ARRAY_ELEMENTS = 500
const STATES = ['subscribed', 'unsubscribed', 'opted_in']
const GROUP_STATES = ['subscribed', 'unsubscribed']
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i
const DEVICE_ID_BYTES = { min: 8, max: 255 }
/** Identifiers and lists with rules of their own. */
const NOT_CUSTOM = new Set(['external_id', 'user_alias', 'braze_id', 'push_tokens', 'subscription_groups'])
/** Shortened, they would be somebody else's. */
const ADDRESSES = new Set(['email', 'phone'])
/** By https://www.braze.com/docs/user_guide/data/activation/attributes/standard_attributes and the attributes object's page. */
const STANDARD_ATTRIBUTES = new Set([
  'external_id',
  'user_alias',
  'braze_id',
  'email',
  'phone',
  'first_name',
  'last_name',
  'dob',
  'gender',
  'country',
  'home_city',
  'language',
  'time_zone',
  'current_location',
  'date_of_first_session',
  'date_of_last_session',
  'email_subscribe',
  'email_open_tracking_disabled',
  'email_click_tracking_disabled',
  'marked_email_as_spam_at',
  'push_subscribe',
  'push_tokens',
  'subscription_groups',
])

type Problem = BrazeRule['problem']

/** From Braze's table of the endpoint's own errors. `field`: what can be left out to mend the object. */
function tabled(id: string, problem: Problem, field?: string): BrazeRule {
  const rule = {
    id,
    appliesTo: ['attributes'],
    source: sources.track,
    otherwise: 'refused',
    problem,
  } as const
  if (field === undefined) return rule
  return { ...rule, mends: { 'drop-field': object => without(object, name => name === field) } }
}

function oneOfStates(field: string): Problem {
  return object => {
    const value = object[field]
    if (value === undefined || value === null || STATES.includes(value as string)) return undefined
    return `${field} must be one of ${STATES.join(', ')}`
  }
}

function listOf(object: Fields, field: string): readonly Fields[] {
  const value = object[field]
  return Array.isArray(value) ? value.filter(isFields) : []
}

function subscriptionGroupProblem(object: Fields): string | undefined {
  const groups = object['subscription_groups']
  if (groups === undefined) return undefined
  if (!Array.isArray(groups)) return 'subscription_groups must be an array'
  if (!groups.every(isFields)) return 'subscription_groups must hold objects'
  for (const group of groups) {
    const id = group['subscription_group_id']
    if (typeof id !== 'string' || !UUID.test(id)) return 'a subscription_group_id must be a UUID'
    if (!GROUP_STATES.includes(group['subscription_state'] as string)) {
      return `a subscription_state must be one of ${GROUP_STATES.join(', ')}`
    }
  }
  return undefined
}

function pushTokenProblem(object: Fields): string | undefined {
  const tokens = object['push_tokens']
  if (tokens !== undefined && (!Array.isArray(tokens) || !tokens.every(isFields))) {
    return 'push_tokens must be an array of objects'
  }
  for (const { token, device_id: id } of listOf(object, 'push_tokens')) {
    if (typeof token !== 'string') return 'the token of a push token must be a text'
    const bytes = typeof id === 'string' ? Buffer.byteLength(id) : 0
    if (id !== undefined && (bytes < DEVICE_ID_BYTES.min || bytes > DEVICE_ID_BYTES.max)) {
      return `the device_id of a push token must have ${DEVICE_ID_BYTES.min} to ${DEVICE_ID_BYTES.max} bytes`
    }
  }
  if (object['push_token_import'] !== true) return undefined
  const isNamed = object['external_id'] !== undefined || object['braze_id'] !== undefined
  return isNamed || !Array.isArray(tokens) || tokens.length === 0
    ? 'with push_token_import there must be push_tokens and neither external_id nor braze_id'
    : undefined
}

function locationProblem({ current_location: location }: Fields): string | undefined {
  if (location === undefined || location === null) return undefined
  const isLocation =
    isFields(location) &&
    typeof location['longitude'] === 'number' &&
    typeof location['latitude'] === 'number'
  return isLocation ? undefined : 'current_location must hold the numbers longitude and latitude'
}

type FaultOfAttribute = (name: string, value: unknown) => string | undefined

/** Over the attributes of an object, by name, without its identifiers. */
function eachAttribute(faultOf: FaultOfAttribute): Problem {
  return object => {
    for (const name of Object.keys(object)) {
      if (NOT_CUSTOM.has(name)) continue
      const fault = faultOf(name, object[name])
      if (fault !== undefined) return fault
    }
    return undefined
  }
}

function dropping(faultOf: FaultOfAttribute): Mend {
  return object =>
    without(object, (name, value) => !NOT_CUSTOM.has(name) && faultOf(name, value) !== undefined)
}

function changing(change: (value: unknown) => unknown): Mend {
  return object =>
    Object.fromEntries(
      Object.entries(object).map(([name, value]) =>
        NOT_CUSTOM.has(name) || ADDRESSES.has(name) ? [name, value] : [name, change(value)],
      ),
    )
}

const isNested = (value: unknown): value is object => typeof value === 'object' && value !== null

/** Of texts and numbers: an array of objects is bound by its bytes alone. */
const isLongArray = (value: unknown): value is readonly unknown[] =>
  Array.isArray(value) && value.length > MAX_ARRAY_ELEMENTS && !value.some(isNested)

function isMalformedTime(value: unknown): boolean {
  if (!isFields(value) || !Object.hasOwn(value, '$time')) return false
  const { $time: time } = value
  return typeof time !== 'string' || !isBrazeTime(time)
}

const faults = {
  name: name =>
    name.trim() === '' || isLongerThan(name, MAX_CHARACTERS)
      ? `an attribute's name must have 1 to ${MAX_CHARACTERS} characters`
      : undefined,
  standardName: name => {
    const lower = name.trim().toLowerCase()
    return lower !== name.trim() && STANDARD_ATTRIBUTES.has(lower)
      ? `the field of the profile is ${lower}, in lower case`
      : undefined
  },
  textLength: (name, value) => {
    const path = findValue(value, name, isLongText)
    return path === undefined ? undefined : `${path} has more than ${MAX_CHARACTERS} characters`
  },
  arrayLength: (name, value) => {
    const isLong = isLongArray(value) || (isFields(value) && isLongArray(value['add']))
    return isLong ? `${name} has more than ${MAX_ARRAY_ELEMENTS} elements` : undefined
  },
  nestedNull: (name, value) => {
    const isStructured = isNested(value) && (!Array.isArray(value) || value.some(isNested))
    const path = isStructured ? findValue(value, name, inner => inner === null) : undefined
    return path === undefined ? undefined : `${path} is null, for which Braze drops all of ${name}`
  },
  nestedTime: (name, value) => {
    const path = isNested(value) ? findValue(value, name, isMalformedTime) : undefined
    return path === undefined ? undefined : `${path}.$time is no time, for which Braze drops all of ${name}`
  },
  size: (name, value) => {
    const bytes = isNested(value) ? jsonBytes(value) : 0
    return bytes > MAX_ATTRIBUTE_BYTES
      ? `${name} has ${bytes} bytes; at most ${MAX_ATTRIBUTE_BYTES} are allowed`
      : undefined
  },
} as const satisfies Record<string, FaultOfAttribute>

function newest(value: unknown): unknown {
  if (isLongArray(value)) return value.slice(-MAX_ARRAY_ELEMENTS)
  return isFields(value) && isLongArray(value['add']) ? { ...value, add: newest(value['add']) } : value
}

function attributeRule(
  id: string,
  faultOf: FaultOfAttribute,
  rest: Pick<BrazeRule, 'source' | 'otherwise'> & { readonly truncate?: Mend },
): BrazeRule {
  const { source, otherwise, truncate } = rest
  const mends = { ...(truncate === undefined ? {} : { truncate }), 'drop-field': dropping(faultOf) }
  return { id, appliesTo: ['attributes'], source, otherwise, problem: eachAttribute(faultOf), mends }
}

const sizeRule = attributeRule('attribute-size', faults.size, {
  source: sources.attributesObject,
  otherwise: 'dropped',
})

export const attributeRules: readonly BrazeRule[] = [
  tabled('email-subscription-state', oneOfStates('email_subscribe'), 'email_subscribe'),
  tabled('push-subscription-state', oneOfStates('push_subscribe'), 'push_subscribe'),
  tabled(
    'email-subscription-info',
    object =>
      object['email_subscription_info'] === undefined ? undefined : 'email_subscription_info is no attribute',
    'email_subscription_info',
  ),
  tabled('subscription-groups', subscriptionGroupProblem, 'subscription_groups'),
  tabled('push-tokens', pushTokenProblem),
  tabled('current-location', locationProblem, 'current_location'),
  attributeRule('attribute-name', faults.name, { source: sources.dataTypes, otherwise: 'limit' }),
  attributeRule('standard-attribute-name', faults.standardName, {
    source: sources.standardAttributes,
    otherwise: 'dropped',
  }),
  attributeRule('attribute-text-length', faults.textLength, {
    source: sources.dataTypes,
    otherwise: 'limit',
    truncate: changing(shortened),
  }),
  attributeRule('attribute-array-length', faults.arrayLength, {
    source: sources.dataTypes,
    otherwise: 'dropped',
    truncate: changing(newest),
  }),
  attributeRule('attribute-nested-null', faults.nestedNull, { source: sources.track, otherwise: 'dropped' }),
  attributeRule('attribute-nested-time', faults.nestedTime, { source: sources.track, otherwise: 'dropped' }),
  {
    ...sizeRule,
    // No part is larger than the whole.
    problem: (object, bytes) => (bytes > MAX_ATTRIBUTE_BYTES ? sizeRule.problem(object, bytes) : undefined),
  },
]
