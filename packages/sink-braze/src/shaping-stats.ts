import type { BrazePolicy } from './rules/rule.ts'

/** What was done to objects before they were sent. */
export interface ShapingStats {
  /** Attributes objects that Braze took in as a part of another of their user, so that they took no place in a request. */
  readonly folded: number
  /** Fields that were left out because Braze has their values already. */
  readonly suppressedFields: number
  /** Attributes objects that were not sent because nothing of them was left. */
  readonly suppressedObjects: number
  /** Events and purchases that were not sent because Braze is known to have taken them in before. */
  readonly repeatedEvents: number
  /** Objects that broke a rule, by rule and by what was done about it. */
  readonly rules: Readonly<Record<string, Readonly<Partial<Record<BrazePolicy, number>>>>>
  /** Objects sent that change something anew each time they arrive, by kind. */
  readonly notIdempotent: Readonly<Partial<Record<NotIdempotent, number>>>
  /** Tombstones by what was done about them; those that ended in an attributes object or a deletion count when it is accepted. */
  readonly tombstones: { readonly ignored: number; readonly nulled: number; readonly deleted: number }
}

/** `increment`: an attribute's `{ inc }`. `cart-delta`: `ecommerce.cart_updated` with the action add or remove. */
export type NotIdempotent = 'increment' | 'cart-delta'

export class ShapingCounters {
  readonly #rules = new Map<string, Partial<Record<BrazePolicy, number>>>()
  readonly #notIdempotent = new Map<NotIdempotent, number>()
  readonly tombstones = { ignored: 0, nulled: 0, deleted: 0 }
  folded = 0
  suppressedFields = 0
  suppressedObjects = 0
  repeatedEvents = 0

  breach(rule: string, policy: BrazePolicy): void {
    const ofRule = this.#rules.get(rule) ?? {}
    ofRule[policy] = (ofRule[policy] ?? 0) + 1
    this.#rules.set(rule, ofRule)
  }

  /** @returns whether it is the first of its kind */
  notIdempotent(kind: NotIdempotent): boolean {
    const before = this.#notIdempotent.get(kind)
    this.#notIdempotent.set(kind, (before ?? 0) + 1)
    return before === undefined
  }

  snapshot(): ShapingStats {
    const { folded, suppressedFields, suppressedObjects, repeatedEvents } = this
    return {
      folded,
      suppressedFields,
      suppressedObjects,
      repeatedEvents,
      rules: Object.fromEntries([...this.#rules].map(([rule, counts]) => [rule, { ...counts }])),
      notIdempotent: Object.fromEntries(this.#notIdempotent),
      tombstones: { ...this.tombstones },
    }
  }
}
