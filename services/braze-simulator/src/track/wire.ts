/** The shapes that `/users/track` speaks, by the names that Braze gives them. */
export type ArrayName = 'attributes' | 'events' | 'purchases'

/** In the order in which Braze begins to process them (https://www.braze.com/docs/api/api_limits). */
export const arrayNames: readonly ArrayName[] = ['attributes', 'events', 'purchases']

export type TrackObject = Readonly<Record<string, unknown>>

export type ArrayCounts = Readonly<Record<ArrayName, number>>

/**
 * What is wrong with one object; `index` is its position in the array as it was sent. No page shows the shape, so the place
 * may be missing: a fault leaves it out.
 */
export interface TrackError {
  readonly type: string
  readonly input_array?: ArrayName
  readonly index?: number
}

export interface TrackAnswer {
  readonly message: string
  readonly attributes_processed?: number
  readonly events_processed?: number
  readonly purchases_processed?: number
  readonly errors?: readonly TrackError[]
}

export function isObject(value: unknown): value is TrackObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Bytes that a value takes as JSON. */
export function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value))
}

/** Whether a text has more than `max` characters, counted as code points. */
export function isLongerThan(text: string, max: number): boolean {
  // A text has at most as many code points as UTF-16 units, so the short ones need no counting.
  return text.length > max && Array.from(text).length > max
}
