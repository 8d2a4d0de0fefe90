import { brazeRules, type BrazeRulePolicies } from './validate.ts'
import { policiesOf } from './rules/rule.ts'

/** What becomes of objects before they are sent. */
export interface BrazeShapingOptions {
  /**
   * How the objects of a request are counted. `combined` (default): attributes, events and purchases together, at most
   * `maxObjectsPerRequest`. `per-array`: at most that many of each, as legacy contracts allow.
   */
  readonly objectLimit?: 'combined' | 'per-array'
  /** What is done about an object that breaks a rule, by the rule's id. Default: `reject` for each of `brazeRules`. */
  readonly rules?: BrazeRulePolicies
  /**
   * Whether attributes that Braze has already are left out, and attributes objects of which nothing is left not sent.
   * Default true. It takes effect where the step has a `memory` (`brazeMemoryTopic`).
   */
  readonly suppressUnchanged?: boolean
  /**
   * Milliseconds after which what is remembered of a user is no longer trusted: each attribute is sent again with its next
   * update, changed or not. Bounds how long somebody else's change of an attribute, made in Braze, stands against a value
   * that is sent again and again. Default 7 days; null: never.
   */
  readonly fullRefreshAfterMs?: number | null
  /**
   * How many of a user's latest events and purchases are remembered by the property `event_id`, once Braze took them in, so
   * that they are not sent again when their records are: after a crash, above all. 0 to 1,000, default 0. It takes effect where
   * the step has a `memory`, writes a row for every event, and holds `rememberedEvents` times 8 bytes per user.
   */
  readonly rememberedEvents?: number
  /**
   * What a tombstone (`brazeTombstone`) does. `ignore` (default): nothing. `null-attributes`: removes every attribute that
   * this step is known to have set. `delete-user`: deletes the user, which cannot be undone.
   */
  readonly tombstones?: BrazeTombstonePolicy
}

export type BrazeTombstonePolicy = (typeof TOMBSTONES)[number]

export type ResolvedShaping = {
  readonly [Name in keyof BrazeShapingOptions]-?: BrazeShapingOptions[Name] & {}
} & {
  /** Infinity: never. */
  readonly fullRefreshAfterMs: number
}

const LIMITS = ['combined', 'per-array'] as const
const TOMBSTONES = ['ignore', 'null-attributes', 'delete-user'] as const
const WEEK_MS = 7 * 24 * 3_600_000

export const SHAPING_OPTIONS: readonly (keyof BrazeShapingOptions)[] = [
  'objectLimit',
  'rules',
  'suppressUnchanged',
  'fullRefreshAfterMs',
  'rememberedEvents',
  'tombstones',
]
const MAX_REMEMBERED_EVENTS = 1_000

/** Collects what is wrong in `faults`; what it returns holds only when there are none. */
export function resolveShaping(options: BrazeShapingOptions, faults: string[]): ResolvedShaping {
  const {
    objectLimit = 'combined',
    rules = {},
    suppressUnchanged = true,
    fullRefreshAfterMs = WEEK_MS,
    rememberedEvents = 0,
    tombstones = 'ignore',
  } = options
  oneOf('objectLimit', objectLimit, LIMITS, faults)
  oneOf('tombstones', tombstones, TOMBSTONES, faults)
  oneOf('suppressUnchanged', suppressUnchanged, [true, false], faults)
  checkPolicies(rules, faults)
  if (fullRefreshAfterMs !== null && !(Number.isInteger(fullRefreshAfterMs) && fullRefreshAfterMs >= 0)) {
    faults.push(
      `fullRefreshAfterMs is ${JSON.stringify(fullRefreshAfterMs)}; allowed: a whole number from 0, or null`,
    )
  }
  const isCount = Number.isInteger(rememberedEvents) && rememberedEvents >= 0
  if (!isCount || rememberedEvents > MAX_REMEMBERED_EVENTS) {
    faults.push(
      `rememberedEvents is ${JSON.stringify(rememberedEvents)}; allowed: a whole number from 0 to ${MAX_REMEMBERED_EVENTS}`,
    )
  }
  if (tombstones === 'null-attributes' && suppressUnchanged === false) {
    faults.push(
      'tombstones is "null-attributes", which needs suppressUnchanged: only then is known what was set',
    )
  }
  return {
    objectLimit,
    rules,
    suppressUnchanged,
    fullRefreshAfterMs: fullRefreshAfterMs ?? Infinity,
    rememberedEvents,
    tombstones,
  }
}

function oneOf(name: string, value: unknown, allowed: readonly unknown[], faults: string[]): void {
  if (allowed.includes(value)) return
  const list = allowed.map(each => JSON.stringify(each)).join(', ')
  faults.push(`${name} is ${JSON.stringify(value)}; allowed: ${list}`)
}

function checkPolicies(policies: BrazeRulePolicies, faults: string[]): void {
  for (const [id, policy] of Object.entries(policies)) {
    const rule = brazeRules.find(candidate => candidate.id === id)
    if (rule === undefined) {
      faults.push(`rules.${id} is no rule; there are ${brazeRules.map(candidate => candidate.id).join(', ')}`)
    } else {
      oneOf(`rules.${id}`, policy, policiesOf(rule), faults)
    }
  }
}
