import { notesOf } from './notes.ts'
import type { BrazeObject, BrazeObjectKind, BrazeTrackObject } from './objects.ts'

export type ArrayName = 'attributes' | 'events' | 'purchases'

const ARRAY_OF: Readonly<Record<BrazeObjectKind, ArrayName>> = {
  attributes: 'attributes',
  event: 'events',
  purchase: 'purchases',
}

export const ARRAY_NAMES: readonly ArrayName[] = ['attributes', 'events', 'purchases']

/** An object as it stands in a request's body. */
export interface Encoded {
  readonly array: ArrayName
  readonly json: string
  /** UTF-8. */
  readonly bytes: number
}

/** Everything in a body besides the objects and the commas between them. */
const FRAME_BYTES = Buffer.byteLength('{"attributes":[],"events":[],"purchases":[]}')

/** Throws a TypeError for what JSON cannot hold (a bigint, a cycle). */
export function encode(braze: BrazeTrackObject): Encoded {
  const notes = notesOf(braze)
  if (notes.encoded === undefined) {
    const json = JSON.stringify(braze.object)
    notes.encoded = { array: ARRAY_OF[braze.kind], json, bytes: Buffer.byteLength(json) }
  }
  return notes.encoded
}

/** Of the attributes object that a tombstone may become, roughly; its fields are not known before it goes. */
const TOMBSTONE_BYTES = 1_000

/** For `deliver`'s `sizeOf`: the bytes that an object takes in a request. 0 for what cannot be written and will be refused. */
export function brazeSizeOf(braze: BrazeObject): number {
  try {
    return braze.kind === 'tombstone' ? TOMBSTONE_BYTES : encode(braze).bytes + 1
  } catch {
    return 0
  }
}

export interface TrackRequest<E extends { readonly encoded: Encoded }> {
  readonly body: string
  /** Which object a position in an array of this body means. */
  at(array: string, index: number): E | undefined
}

/** Within each array the objects keep their order. */
export function composeRequest<E extends { readonly encoded: Encoded }>(
  entries: readonly E[],
): TrackRequest<E> {
  const arrays: Record<ArrayName, E[]> = { attributes: [], events: [], purchases: [] }
  for (const entry of entries) arrays[entry.encoded.array].push(entry)
  const parts = ARRAY_NAMES.filter(name => arrays[name].length > 0).map(
    name => `"${name}":[${arrays[name].map(entry => entry.encoded.json).join(',')}]`,
  )
  return {
    body: `{${parts.join(',')}}`,
    at: (array, index) => (Object.hasOwn(arrays, array) ? arrays[array as ArrayName][index] : undefined),
  }
}

export interface RequestLimits {
  readonly maxObjects: number
  /** Whether `maxObjects` is for all arrays together or for each. */
  readonly objectLimit: 'combined' | 'per-array'
  readonly maxBytes: number
}

/** Cuts entries into requests that keep all limits, in order. A single object that is too large stands alone. */
export function* splitByLimits<E extends { readonly encoded: Encoded }>(
  entries: readonly E[],
  { maxObjects, objectLimit, maxBytes }: RequestLimits,
): Generator<readonly E[], void, undefined> {
  let chunk: E[] = []
  let bytes = FRAME_BYTES
  let counts: Record<ArrayName, number> = { attributes: 0, events: 0, purchases: 0 }
  for (const entry of entries) {
    const { array, bytes: ownBytes } = entry.encoded
    const isFull = (objectLimit === 'combined' ? chunk.length : counts[array]) >= maxObjects
    if (chunk.length > 0 && (isFull || bytes + ownBytes + 1 > maxBytes)) {
      yield chunk
      chunk = []
      bytes = FRAME_BYTES
      counts = { attributes: 0, events: 0, purchases: 0 }
    }
    chunk.push(entry)
    bytes += ownBytes + 1
    counts[array] += 1
  }
  if (chunk.length > 0) yield chunk
}
