import { attributeRules } from './attribute-rules.ts'
import { eventRules, purchaseRules, sharedEventRules } from './event-rules.ts'
import { identityRules } from './identity-rules.ts'
import type { Rule } from './rule.ts'
import type { ArrayName } from './wire.ts'

/**
 * Everything for which a single object is refused, in the order in which it is asked: an object gets the error of
 * the first rule that it breaks.
 */
export const rules: readonly Rule[] = [
  ...identityRules,
  ...attributeRules,
  ...eventRules,
  ...purchaseRules,
  ...sharedEventRules,
]

const rulesFor = (array: ArrayName): readonly Rule[] => rules.filter(rule => rule.appliesTo.includes(array))

export const rulesByArray: Readonly<Record<ArrayName, readonly Rule[]>> = {
  attributes: rulesFor('attributes'),
  events: rulesFor('events'),
  purchases: rulesFor('purchases'),
}

/** The answer to an object of a user whom Braze has blocked; which users are, a fault says. */
export const blockedUser = {
  message: 'provided external_id is blacklisted and disallowed',
  code: 'BLACKLISTED_EXTERNAL_USER_ID',
} as const
