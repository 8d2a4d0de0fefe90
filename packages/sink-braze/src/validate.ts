import { BrazeError } from './errors.ts'
import type { BrazeObject, BrazeObjectKind } from './objects.ts'
import { attributeRules } from './rules/attribute-rules.ts'
import { eventAndPurchaseRules } from './rules/event-rules.ts'
import { identityRules } from './rules/identity-rules.ts'
import { jsonRules } from './rules/json-rules.ts'
import { ALL_KINDS, isFields, type BrazeRule } from './rules/rule.ts'

/** What Braze refuses, or takes and then loses, in the order in which it is asked. */
export const brazeRules: readonly BrazeRule[] = [
  ...jsonRules,
  ...identityRules,
  ...attributeRules,
  ...eventAndPurchaseRules,
]

const rulesOf = (kind: BrazeObjectKind): readonly BrazeRule[] =>
  brazeRules.filter(rule => rule.appliesTo.includes(kind))

const rulesByKind: Readonly<Record<BrazeObjectKind, readonly BrazeRule[]>> = {
  attributes: rulesOf('attributes'),
  event: rulesOf('event'),
  purchase: rulesOf('purchase'),
}

/** The first rule that an object breaks, as an error that shows no value of it; undefined for an object that may be sent. */
export function invalidObject(braze: BrazeObject): BrazeError | undefined {
  // Types end where a stream's values begin: what is no Braze object at all must become a dead letter as well.
  if (!isFields(braze) || !ALL_KINDS.includes(braze.kind) || !isFields(braze.object)) {
    const message = `The item is no Braze object: its kind must be one of ${ALL_KINDS.join(', ')} and its object an object`
    return new BrazeError('BRAZE_OBJECT_INVALID', message)
  }
  for (const rule of rulesByKind[braze.kind]) {
    const problem = rule.problem(braze.object)
    if (problem === undefined) continue
    const message = `The ${braze.kind} object is not sent (rule ${rule.id}): ${problem}`
    return new BrazeError('BRAZE_OBJECT_INVALID', message)
  }
  return undefined
}
