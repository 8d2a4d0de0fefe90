import { encode } from './encoding.ts'
import { BrazeError } from './errors.ts'
import type { BrazeObject, BrazeObjectKind, BrazeTombstone, BrazeTrackObject } from './objects.ts'
import { attributeRules } from './rules/attribute-rules.ts'
import { eventAndPurchaseRules } from './rules/event-rules.ts'
import { identityRules } from './rules/identity-rules.ts'
import { jsonRules } from './rules/json-rules.ts'
import { ALL_KINDS, isFields, type BrazePolicy, type BrazeRule, type Fields } from './rules/rule.ts'

/** What Braze refuses, or takes and then loses, in the order in which it is asked. */
export const brazeRules: readonly BrazeRule[] = [
  ...jsonRules,
  ...identityRules,
  ...attributeRules,
  ...eventAndPurchaseRules,
]

/** By rule; `reject` where a rule is not named. */
export type BrazeRulePolicies = Readonly<Record<string, BrazePolicy>>

/** Called for each rule that an object breaks, with what is done about it. */
export type OnBreach = (rule: string, policy: BrazePolicy) => void

/** An object that may be sent, mended where a policy says so, or why it may not. */
export type Checked<O extends BrazeObject = BrazeObject> =
  { readonly braze: O; readonly error?: never } | { readonly braze?: never; readonly error: BrazeError }

interface AppliedRule {
  readonly rule: BrazeRule
  readonly policy: BrazePolicy
}

const NOTHING: Partial<BrazeObject> = {}
const JSON_RULE = jsonRules[0] as BrazeRule

/** Asks the rules about objects and does what their policies say. */
export class Validator {
  readonly #rules: Readonly<Record<BrazeObjectKind, readonly AppliedRule[]>>
  readonly #onBreach: OnBreach

  constructor(policies: BrazeRulePolicies = {}, onBreach: OnBreach = () => {}) {
    const rulesOf = (kind: BrazeObjectKind): readonly AppliedRule[] =>
      brazeRules
        .filter(rule => rule !== JSON_RULE && rule.appliesTo.includes(kind))
        .map(rule => ({ rule, policy: policies[rule.id] ?? 'reject' }))
    this.#rules = {
      attributes: rulesOf('attributes'),
      event: rulesOf('event'),
      purchase: rulesOf('purchase'),
    }
    this.#onBreach = onBreach
  }

  check(braze: BrazeObject): Checked {
    // Types end where a stream's values begin: what is no Braze object at all must become a dead letter as well.
    const { kind, object } = isFields(braze) ? braze : NOTHING
    if (!isFields(object)) return { error: noObject() }
    if (kind === 'tombstone') return this.#checkTombstone(braze as BrazeTombstone)
    if (kind === undefined || !ALL_KINDS.includes(kind)) return { error: noObject() }
    const unwritable = JSON_RULE.problem(object, Infinity)
    if (unwritable !== undefined) return this.#reject(JSON_RULE, kind, unwritable)
    return this.#checkTrackObject(braze as BrazeTrackObject)
  }

  #checkTrackObject(braze: BrazeTrackObject): Checked {
    const { kind } = braze
    let current = braze
    let { bytes } = encode(braze)
    for (const { rule, policy } of this.#rules[kind]) {
      const object = current.object as Fields
      const problem = rule.problem(object, bytes)
      if (problem === undefined) continue
      const mended = policy === 'reject' ? undefined : mendedBy(rule, policy, object)
      if (mended === undefined) return this.#reject(rule, kind, problem)
      this.#onBreach(rule.id, policy)
      current = { kind, object: mended } as unknown as BrazeTrackObject
      bytes = encode(current).bytes
    }
    return { braze: current }
  }

  #checkTombstone(braze: BrazeTombstone): Checked {
    for (const rule of [JSON_RULE, ...identityRules]) {
      const problem = rule.problem(braze.object as Fields, Infinity)
      if (problem !== undefined) return this.#reject(rule, 'tombstone', problem)
    }
    return { braze }
  }

  #reject(rule: BrazeRule, kind: BrazeObject['kind'], problem: string): Checked {
    this.#onBreach(rule.id, 'reject')
    const message = `The ${kind} object is not sent (rule ${rule.id}): ${problem}`
    return { error: new BrazeError('BRAZE_OBJECT_INVALID', message) }
  }
}

function mendedBy(
  rule: BrazeRule,
  policy: Exclude<BrazePolicy, 'reject'>,
  object: Fields,
): Fields | undefined {
  const mended = rule.mends?.[policy]?.(object)
  // What leaving out or shortening cannot mend is rejected like the rest.
  return mended === undefined || rule.problem(mended, Infinity) !== undefined ? undefined : mended
}

function noObject(): BrazeError {
  const message = `The item is no Braze object: its kind must be one of ${ALL_KINDS.join(', ')}, tombstone and its object an object`
  return new BrazeError('BRAZE_OBJECT_INVALID', message)
}

const rejecting = new Validator()

/** The first rule that an object breaks, as an error that shows no value of it; undefined for an object that may be sent. */
export function invalidObject(braze: BrazeObject): BrazeError | undefined {
  return rejecting.check(braze).error
}
