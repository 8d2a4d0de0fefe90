import type { BrazeObjectKind } from '../objects.ts'

/** The pages that the rules are taken from, as read in copies of August and September 2026. */
export const sources = {
  track: 'https://www.braze.com/docs/api/endpoints/user_data/post_user_track',
  attributesObject: 'https://www.braze.com/docs/api/objects_filters/user_attributes_object',
  standardAttributes: 'https://www.braze.com/docs/user_guide/data/activation/attributes/standard_attributes',
  eventObject: 'https://www.braze.com/docs/api/objects_filters/event_object',
  eventProperties:
    'https://www.braze.com/docs/user_guide/data/activation/events/custom_events/custom_event_properties',
  purchaseObject: 'https://www.braze.com/docs/api/objects_filters/purchase_object',
  aliasObject: 'https://www.braze.com/docs/api/objects_filters/user_alias_object',
  dataTypes: 'https://www.braze.com/docs/user_guide/data/activation/custom_data/data_types',
  purchaseEvents: 'https://www.braze.com/docs/user_guide/data/activation/events/purchase_events',
  loggingEvents: 'https://www.braze.com/docs/developer_guide/analytics/logging_events',
  json: 'https://www.rfc-editor.org/rfc/rfc8259',
} as const

export type Fields = Readonly<Record<string, unknown>>

/**
 * What is done about an object that breaks a rule. `reject`: it becomes a dead letter. `truncate`: the text or array is
 * shortened. `drop-field`: the attribute or property at fault is left out, all of it where the fault is deeper inside.
 */
export type BrazePolicy = 'reject' | 'truncate' | 'drop-field'

/** @returns the object without the fault; still with it where that is impossible, and then the object is rejected */
export type Mend = (object: Fields) => Fields

export interface BrazeRule {
  readonly id: string
  readonly appliesTo: readonly BrazeObjectKind[]
  readonly source: (typeof sources)[keyof typeof sources]
  /**
   * What becomes of an object that breaks the rule, were it sent. `refused`: the source says so. `dropped`: accepted, and
   * then lost in part without a word. `limit`: the source states the limit and not what lies beyond it.
   */
  readonly otherwise: 'refused' | 'dropped' | 'limit'
  /**
   * What is wrong, in words that show no value of the object; undefined when nothing is.
   * @param bytes the object's size as JSON, which spares measuring its parts; Infinity when it is not known
   */
  problem(object: Fields, bytes: number): string | undefined
  /** The policies besides `reject` that the rule can follow. */
  readonly mends?: { readonly [Policy in Exclude<BrazePolicy, 'reject'>]?: Mend }
}

/** The policies that a rule can follow; the first is the default. */
export function policiesOf({ mends = {} }: BrazeRule): readonly BrazePolicy[] {
  return ['reject', ...(Object.keys(mends) as BrazePolicy[])]
}

export const ALL_KINDS: readonly BrazeObjectKind[] = ['attributes', 'event', 'purchase']
export const MAX_CHARACTERS = 255

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Braze reads null and "" as not given, where an identifier or a required field is concerned. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== ''
}

/** Counted as code points. */
export function isLongerThan(text: string, max: number): boolean {
  // A text has at most as many code points as UTF-16 units, so the short ones need no counting.
  return text.length > max && Array.from(text).length > max
}

/** The path of the first value that `isBad`, such as `properties.stops[2].title`; undefined when there is none. */
export function findValue(
  value: unknown,
  path: string,
  isBad: (value: unknown) => boolean,
): string | undefined {
  if (isBad(value)) return path
  if (typeof value !== 'object' || value === null) return undefined
  // A path is only put together on the way back from a fault: nearly every value has none.
  for (const name of Object.keys(value)) {
    const found = findValue((value as Fields)[name], '', isBad)
    if (found === undefined) continue
    if (Array.isArray(value)) return `${path}[${name}]${joint(found)}`
    return `${path}${path === '' ? '' : '.'}${name}${joint(found)}`
  }
  return undefined
}

/** Between a name and what lies inside it. */
function joint(inside: string): string {
  return inside === '' || inside.startsWith('[') ? inside : `.${inside}`
}

export function isLongText(value: unknown): boolean {
  return typeof value === 'string' && isLongerThan(value, MAX_CHARACTERS)
}

export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}

/** The object without the fields that `isBad`. */
export function without(object: Fields, isBad: (name: string, value: unknown) => boolean): Fields {
  return Object.fromEntries(Object.entries(object).filter(([name, value]) => !isBad(name, value)))
}

/** Shortens every text inside a value to what Braze takes. */
export function shortened(value: unknown): unknown {
  if (isLongText(value))
    return Array.from(value as string)
      .slice(0, MAX_CHARACTERS)
      .join('')
  if (Array.isArray(value)) return value.map(shortened)
  if (!isFields(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, shortened(inner)]))
}
