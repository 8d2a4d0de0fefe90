import type { BrazeObjectKind } from '../objects.ts'

/** The pages that the rules are taken from, as read in copies of August and September 2026. */
export const sources = {
  track: 'https://www.braze.com/docs/api/endpoints/user_data/post_user_track',
  attributesObject: 'https://www.braze.com/docs/api/objects_filters/user_attributes_object',
  eventObject: 'https://www.braze.com/docs/api/objects_filters/event_object',
  purchaseObject: 'https://www.braze.com/docs/api/objects_filters/purchase_object',
  aliasObject: 'https://www.braze.com/docs/api/objects_filters/user_alias_object',
  dataTypes: 'https://www.braze.com/docs/user_guide/data/activation/custom_data/data_types',
  purchaseEvents: 'https://www.braze.com/docs/user_guide/data/activation/events/purchase_events',
  loggingEvents: 'https://www.braze.com/docs/developer_guide/analytics/logging_events',
  json: 'https://www.rfc-editor.org/rfc/rfc8259',
} as const

export type Fields = Readonly<Record<string, unknown>>

export interface BrazeRule {
  readonly id: string
  readonly appliesTo: readonly BrazeObjectKind[]
  readonly source: (typeof sources)[keyof typeof sources]
  /**
   * What becomes of an object that breaks the rule, were it sent. `refused`: the source says so. `dropped`: accepted, and
   * then lost without a word. `limit`: the source states the limit and not what lies beyond it.
   */
  readonly otherwise: 'refused' | 'dropped' | 'limit'
  /** What is wrong, in words that show no value of the object; undefined when nothing is. */
  problem(object: Fields): string | undefined
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
  if (Array.isArray(value)) {
    for (const [index, element] of value.entries()) {
      const found = findValue(element, `${path}[${index}]`, isBad)
      if (found !== undefined) return found
    }
  } else if (isFields(value)) {
    for (const [name, inner] of Object.entries(value)) {
      const found = findValue(inner, path === '' ? name : `${path}.${name}`, isBad)
      if (found !== undefined) return found
    }
  }
  return undefined
}

export function isLongText(value: unknown): boolean {
  return typeof value === 'string' && isLongerThan(value, MAX_CHARACTERS)
}

export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}
