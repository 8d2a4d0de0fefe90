import {
  findValue,
  isFields,
  isLongerThan,
  isLongText,
  jsonBytes,
  MAX_CHARACTERS,
  sources,
  type BrazeRule,
  type Fields,
} from './rule.ts'

const MAX_ATTRIBUTE_BYTES = 100_000
const STATES = ['subscribed', 'unsubscribed', 'opted_in']
const GROUP_STATES = ['subscribed', 'unsubscribed']
const UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i
const DEVICE_ID_BYTES = { min: 8, max: 255 }
/** Identifiers and lists with rules of their own. */
const NOT_CUSTOM = new Set(['external_id', 'user_alias', 'braze_id', 'push_tokens', 'subscription_groups'])

type Problem = BrazeRule['problem']

/** From Braze's table of the endpoint's own errors. */
function tabled(id: string, problem: Problem): BrazeRule {
  return { id, appliesTo: ['attributes'], source: sources.track, otherwise: 'refused', problem }
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

/** Over the custom attributes of an object, by name. */
function eachCustom(problemOf: (name: string, value: unknown) => string | undefined): Problem {
  return object => {
    for (const [name, value] of Object.entries(object)) {
      if (NOT_CUSTOM.has(name)) continue
      const problem = problemOf(name, value)
      if (problem !== undefined) return problem
    }
    return undefined
  }
}

const isNested = (value: unknown): boolean => typeof value === 'object' && value !== null

export const attributeRules: readonly BrazeRule[] = [
  tabled('email-subscription-state', oneOfStates('email_subscribe')),
  tabled('push-subscription-state', oneOfStates('push_subscribe')),
  tabled('email-subscription-info', object =>
    object['email_subscription_info'] === undefined ? undefined : 'email_subscription_info is no attribute',
  ),
  tabled('subscription-groups', subscriptionGroupProblem),
  tabled('push-tokens', pushTokenProblem),
  tabled('current-location', locationProblem),
  {
    id: 'attribute-name',
    appliesTo: ['attributes'],
    source: sources.dataTypes,
    otherwise: 'limit',
    problem: eachCustom(name =>
      name.trim() === '' || isLongerThan(name, MAX_CHARACTERS)
        ? `an attribute's name must have 1 to ${MAX_CHARACTERS} characters`
        : undefined,
    ),
  },
  {
    id: 'attribute-text-length',
    appliesTo: ['attributes'],
    source: sources.dataTypes,
    otherwise: 'limit',
    problem: eachCustom((name, value) => {
      const path = findValue(value, name, isLongText)
      return path === undefined ? undefined : `${path} has more than ${MAX_CHARACTERS} characters`
    }),
  },
  {
    id: 'attribute-nested-null',
    appliesTo: ['attributes'],
    source: sources.track,
    otherwise: 'dropped',
    problem: eachCustom((name, value) => {
      const path = isFields(value) ? findValue(value, name, inner => inner === null) : undefined
      return path === undefined ? undefined : `${path} is null, for which Braze drops all of ${name}`
    }),
  },
  {
    id: 'attribute-size',
    appliesTo: ['attributes'],
    source: sources.attributesObject,
    otherwise: 'dropped',
    problem: eachCustom((name, value) => {
      const bytes = isNested(value) ? jsonBytes(value) : 0
      return bytes > MAX_ATTRIBUTE_BYTES
        ? `${name} has ${bytes} bytes; at most ${MAX_ATTRIBUTE_BYTES} are allowed`
        : undefined
    }),
  },
]
