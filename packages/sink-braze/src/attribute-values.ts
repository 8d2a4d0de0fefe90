import { isFields } from './rules/rule.ts'

/** Fields that say whom an attributes object is about or how it is applied. */
export const CONTROL_FIELDS: ReadonlySet<string> = new Set([
  'external_id',
  'user_alias',
  'braze_id',
  '_update_existing_only',
  '_merge_objects',
  'push_token_import',
])

/** Lists of which an update names the entries that change, so that a later one does not replace an earlier one. */
export const CUMULATIVE_FIELDS: ReadonlySet<string> = new Set(['push_tokens', 'subscription_groups'])

/** What a value does to its attribute, by https://www.braze.com/docs/api/objects_filters/user_attributes_object. */
export type AttributeChange =
  | { readonly kind: 'set' }
  | { readonly kind: 'increment'; readonly by: number }
  | { readonly kind: 'add' | 'remove'; readonly elements: readonly string[] }
  /** It depends on the value before in a way that is not computed here. */
  | { readonly kind: 'other' }

const OPERATORS = ['inc', 'add', 'remove', '$add', '$remove', '$update']
const SET: AttributeChange = { kind: 'set' }
const OTHER: AttributeChange = { kind: 'other' }

export function changeOf(value: unknown): AttributeChange {
  if (!isFields(value)) return SET
  const names = Object.keys(value)
  if (!names.some(name => OPERATORS.includes(name))) return SET
  const [name = ''] = names
  if (names.length > 1) return OTHER
  const { [name]: operand } = value
  if (name === 'inc' && typeof operand === 'number') return { kind: 'increment', by: operand }
  if ((name === 'add' || name === 'remove') && isTexts(operand)) return { kind: name, elements: operand }
  return OTHER
}

export function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(element => typeof element === 'string')
}
