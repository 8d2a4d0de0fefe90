import {
  changeOf,
  CONTROL_FIELDS,
  CUMULATIVE_FIELDS,
  isTexts,
  type AttributeChange,
} from './attribute-values.ts'
import type { Fields } from './rules/rule.ts'

/** Beyond it Braze keeps the newest ones, and an array is not what was computed for it any more. */
const MAX_ELEMENTS = 500

/**
 * Attributes objects of one user, folded into one that changes the profile as they would one after the other. What does not
 * fold to exactly the same is refused, and nothing has changed then.
 */
export class FoldedAttributes {
  readonly #fields: Map<string, unknown>
  readonly #isFoldable: boolean

  constructor(first: Fields) {
    this.#fields = new Map(Object.entries(first))
    this.#isFoldable = isFoldable(first)
  }

  add(next: Fields): boolean {
    if (!this.#isFoldable || !isFoldable(next)) return false
    if (this.#fields.get('_update_existing_only') !== next['_update_existing_only']) return false
    const changes: [string, unknown][] = []
    for (const [name, value] of Object.entries(next)) {
      if (value === undefined || CONTROL_FIELDS.has(name)) continue
      const before = this.#fields.get(name)
      const folded = before === undefined ? value : foldValue(name, before, value)
      if (folded === undefined) return false
      changes.push([name, folded])
    }
    for (const [name, value] of changes) this.#fields.set(name, value)
    return true
  }

  toObject(): Fields {
    // Not by assignment: an attribute may be named __proto__.
    return Object.fromEntries(this.#fields)
  }
}

/** Merging objects depends on what is stored, and imported tokens belong to nobody in particular. */
function isFoldable(object: Fields): boolean {
  return object['_merge_objects'] !== true && object['push_token_import'] !== true
}

function foldValue(name: string, before: unknown, next: unknown): unknown {
  if (CUMULATIVE_FIELDS.has(name)) return undefined
  const change = changeOf(next)
  switch (change.kind) {
    case 'set':
      return next
    case 'increment':
      return foldIncrement(before, change.by)
    case 'add':
    case 'remove':
      return foldElements(before, change)
    case 'other':
      return undefined
  }
}

function foldIncrement(before: unknown, by: number): unknown {
  // Braze increments by whole numbers; sums of others would depend on the order of the additions, as they do, in the last
  // digit, where what is stored is a fraction.
  if (!Number.isSafeInteger(by)) return undefined
  if (typeof before === 'number') {
    return Number.isSafeInteger(before) && Number.isSafeInteger(before + by) ? before + by : undefined
  }
  const earlier = changeOf(before)
  if (earlier.kind !== 'increment' || !Number.isSafeInteger(earlier.by)) return undefined
  return Number.isSafeInteger(earlier.by + by) ? { inc: earlier.by + by } : undefined
}

type ElementChange = Extract<AttributeChange, { readonly kind: 'add' | 'remove' }>

function foldElements(before: unknown, { kind, elements }: ElementChange): unknown {
  if (isTexts(before)) {
    if (before.length > MAX_ELEMENTS) return undefined
    const array =
      kind === 'add' ? appended(before, elements) : appended([], before).filter(isNoneOf(elements))
    // Whether an array that is set to nothing is the same as one that lost its last element is not documented.
    return array.length > MAX_ELEMENTS || array.length === 0 ? undefined : array
  }
  const earlier = changeOf(before)
  if (earlier.kind !== kind) return undefined
  const together = appended(earlier.elements, elements)
  return together.length > MAX_ELEMENTS ? undefined : { [kind]: together }
}

/** Elements are unique; one that is added again moves to the end. */
function appended(array: readonly string[], added: readonly string[]): string[] {
  const elements = new Set<string>()
  for (const element of [...array, ...added]) {
    elements.delete(element)
    elements.add(element)
  }
  return [...elements]
}

function isNoneOf(elements: readonly string[]): (element: string) => boolean {
  const removed = new Set(elements)
  return element => !removed.has(element)
}
