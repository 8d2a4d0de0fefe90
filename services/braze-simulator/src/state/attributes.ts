import { isObject, jsonBytes } from '../track/wire.ts'
import type { TrackObject } from '../track/wire.ts'
import { parseTime } from '../track/time.ts'
import type { SilentEffectName } from './effects.ts'

const MAX_ARRAY_ELEMENTS = 500
// The pages say "100 KB"; the smaller reading is taken.
const MAX_ATTRIBUTE_BYTES = 100_000
const NOT_ATTRIBUTES = new Set([
  'external_id',
  'user_alias',
  'braze_id',
  '_update_existing_only',
  '_merge_objects',
  'push_token_import',
])
const OBJECT_OPERATORS = ['$add', '$remove', '$update']

export type Attributes = Map<string, unknown>

/** What an update comes to: a new value (`undefined` removes the attribute), or no change and why. */
type Outcome =
  { readonly value: unknown; readonly note?: SilentEffectName } | { readonly dropped: SilentEffectName }

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? (value as unknown[]) : [])

const hasKeysOnlyOf = (object: TrackObject, keys: readonly string[]): boolean => {
  const own = Object.keys(object)
  return own.length > 0 && own.every(key => keys.includes(key))
}

function isInvalidTime(value: unknown): boolean {
  return typeof value !== 'string' || parseTime(value) === undefined
}

/** Whether something nested holds a null or a malformed time, for which Braze drops all of it. */
function isInvalidInside(value: unknown): boolean {
  if (value === null) return true
  if (Array.isArray(value)) return value.some(isInvalidInside)
  if (!isObject(value)) return false
  if (Object.hasOwn(value, '$time')) return isInvalidTime(value['$time'])
  return Object.values(value).some(isInvalidInside)
}

function mergeDeep(old: unknown, update: unknown): unknown {
  if (!isObject(old) || !isObject(update)) return update
  const merged = new Map(Object.entries(old))
  for (const [key, value] of Object.entries(update)) merged.set(key, mergeDeep(merged.get(key), value))
  return Object.fromEntries(merged)
}

/** An element that is already there moves to the end; beyond 500 the oldest go. */
function append(array: readonly unknown[], added: readonly unknown[]): Outcome {
  const elements = new Set(array)
  for (const element of added) {
    elements.delete(element)
    elements.add(element)
  }
  const all = [...elements]
  if (all.length <= MAX_ARRAY_ELEMENTS) return { value: all }
  return { value: all.slice(-MAX_ARRAY_ELEMENTS), note: 'array-trimmed' }
}

function sized(value: unknown): Outcome {
  if (isInvalidInside(value)) return { dropped: 'nested-invalid' }
  return jsonBytes(value) > MAX_ATTRIBUTE_BYTES ? { dropped: 'attribute-too-large' } : { value }
}

function changeScalars(old: unknown, update: TrackObject): Outcome {
  if (old !== undefined && !Array.isArray(old)) return { dropped: 'operator-mismatch' }
  const added = append(listOf(old), listOf(update['add']))
  const removed = listOf(update['remove'])
  if (!('value' in added) || removed.length === 0) return added
  return { ...added, value: listOf(added.value).filter(element => !removed.includes(element)) }
}

const matches = (selector: unknown, element: unknown): boolean =>
  isObject(selector) &&
  isObject(element) &&
  element[selector['$identifier_key'] as string] === selector['$identifier_value']

/** In this order: https://www.braze.com/docs/user_guide/data/activation/attributes/array_of_objects, "Processing order". */
function changeObjects(old: unknown, update: TrackObject, isMerged: boolean): Outcome {
  if (old !== undefined && !Array.isArray(old)) return { dropped: 'operator-mismatch' }
  const removals = listOf(update['$remove'])
  const updates = listOf(update['$update'])
  const elements = [...listOf(old), ...listOf(update['$add'])]
    .filter(element => !removals.some(selector => matches(selector, element)))
    .map(element => {
      const change = updates.find(selector => matches(selector, element))
      if (!isObject(change)) return element
      return isMerged ? mergeDeep(element, change['$new_object']) : change['$new_object']
    })
  return sized(elements)
}

function outcomeOf(old: unknown, update: unknown, isMerged: boolean): Outcome {
  if (update === null) return { value: undefined }
  if (Array.isArray(update)) {
    const holdsObjects = update.some(element => typeof element === 'object' && element !== null)
    return holdsObjects ? sized(update) : append([], update)
  }
  if (!isObject(update)) return { value: update }
  if (hasKeysOnlyOf(update, ['inc']) && typeof update['inc'] === 'number') {
    if (old !== undefined && typeof old !== 'number') return { dropped: 'operator-mismatch' }
    return { value: (old ?? 0) + update['inc'] }
  }
  if (hasKeysOnlyOf(update, ['add', 'remove'])) return changeScalars(old, update)
  if (hasKeysOnlyOf(update, OBJECT_OPERATORS)) return changeObjects(old, update, isMerged)
  if (isInvalidInside(update)) return { dropped: 'nested-invalid' }
  return sized(isMerged ? mergeDeep(old, update) : update)
}

/** Applies one attributes object. @returns what was done in silence */
export function applyAttributes(attributes: Attributes, object: TrackObject): SilentEffectName[] {
  const effects: SilentEffectName[] = []
  const isMerged = object['_merge_objects'] === true
  for (const [sentName, update] of Object.entries(object)) {
    if (NOT_ATTRIBUTES.has(sentName)) continue
    // Names are case-sensitive, and lose the spaces around them.
    const name = sentName.trim()
    const outcome = outcomeOf(attributes.get(name), update, isMerged)
    if ('dropped' in outcome) {
      effects.push(outcome.dropped)
      continue
    }
    if (outcome.note !== undefined) effects.push(outcome.note)
    if (outcome.value === undefined) attributes.delete(name)
    else attributes.set(name, outcome.value)
  }
  return effects
}
