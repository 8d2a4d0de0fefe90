import type { Source } from '../sources.ts'
import { isLongerThan } from './wire.ts'
import type { ArrayName, TrackObject } from './wire.ts'

export interface RuleContext {
  /** Size of the request's body: nothing in it can be larger, which spares measuring most payloads. */
  readonly bodyBytes: number
}

/** One reason for which an object is refused while the rest of its request goes through. */
export interface Rule {
  readonly id: string
  readonly appliesTo: readonly ArrayName[]
  /** Whether the object breaks the rule. Asked only when no rule before it in the table is broken. */
  readonly isBrokenBy: (object: TrackObject, context: RuleContext) => boolean
  /** `errors[].type` as a sentence. */
  readonly message: string
  /** The name in Braze's table of endpoint-specific errors, where it has one. */
  readonly code?: string
  readonly source: Source
  /** `refusal`: the page says that it is an error. `limit`: it states the limit, and refusing is our reading. */
  readonly basis: 'refusal' | 'limit'
  /** Whose words the message is in: a Braze page's, an answer of Braze's seen elsewhere, or ours. */
  readonly wording: 'documented' | 'observed' | 'own'
}

export const MAX_CHARACTERS = 255

/** Whether a value holds a text that is too long, at any depth. */
export function holdsLongText(value: unknown): boolean {
  if (typeof value === 'string') return isLongerThan(value, MAX_CHARACTERS)
  if (typeof value !== 'object' || value === null) return false
  for (const inner of Array.isArray(value) ? value : Object.values(value)) {
    if (holdsLongText(inner)) return true
  }
  return false
}
