import { sources } from '../sources.ts'
import type { Source } from '../sources.ts'
import type { ArrayName } from '../track/wire.ts'

export type EndpointName = 'track' | 'delete'

interface Common {
  /** How many requests it strikes; left out, every one until it is removed. */
  readonly times?: number
}

/** Which requests a fault strikes: all that hold an object which everything given here is true of. */
export interface Selection extends Common {
  /** Default `track`. */
  readonly endpoint?: EndpointName
  /** The object is of one of these users. */
  readonly externalIds?: readonly string[]
  /** The object is an event with one of these names, or a purchase of one of these products. */
  readonly names?: readonly string[]
}

/** The answer is this status, whatever was sent. */
export interface StatusFault extends Selection {
  readonly status: number
  /** With 429 only: what the answer's headers say, 1 when left out. */
  readonly retryAfterSeconds?: number
  /** With 429 only: none of the headers of the limits, as a proxy in front of Braze would answer. */
  readonly withoutHeaders?: boolean
  /** The objects are taken in before the answer fails: what a 504 can mean. */
  readonly applied?: boolean
}

/** Maintenance: the answer is 202, and the objects are taken in. */
export interface QueuedFault extends Selection {
  readonly queued: true
}

/** The request takes this much longer. */
export interface DelayFault extends Selection {
  readonly delayMs: number
}

/** The answer begins at once, and its last byte comes after this time. */
export interface TrickleFault extends Selection {
  readonly trickleMs: number
}

/** The answer comes at once, and the objects are applied after a random part of this time. */
export interface ReorderFault extends Selection {
  readonly reorderMs: number
}

/** The connection is cut instead of an answer. */
export interface ResetFault extends Selection {
  readonly reset: true
  /** The objects are taken in before the cut, so that the sender cannot know. */
  readonly applied?: boolean
}

/**
 * `truncated`: 201 whose JSON ends halfway; `cut`: the connection is cut halfway through the body; `html`: 200 with a page,
 * as from a proxy; `content-type`: 201 with the right JSON, called text/plain; `empty`: 201 without a body.
 */
export type BrokenKind = 'truncated' | 'cut' | 'html' | 'content-type' | 'empty'

export const brokenKinds: readonly BrokenKind[] = ['truncated', 'cut', 'html', 'content-type', 'empty']

/** The answer cannot be read, or is not Braze's. */
export interface BrokenFault extends Selection {
  readonly broken: BrokenKind
  /** Default true, except with `html`: that page is from something that is not Braze. */
  readonly applied?: boolean
}

interface Rejection extends Common {
  /** `errors[].type`, in place of Braze's. */
  readonly type?: string
  /** The error says neither array nor index. */
  readonly unlocated?: boolean
  /** The answer is 400 with `errors`, and nothing of the request is taken in. */
  readonly whole?: boolean
}

/** The objects of this user are refused, as those of a user whom Braze has blocked. */
export interface RejectUserFault extends Rejection {
  readonly rejectExternalId: string
}

/** Events of this name and purchases of this product are refused. */
export interface RejectNameFault extends Rejection {
  readonly rejectName: string
}

/** What stands at this place of the array is refused. */
export interface RejectIndexFault extends Rejection {
  readonly rejectIndex: number
  /** Default `events`. */
  readonly array?: ArrayName
}

export type RejectFault = RejectUserFault | RejectNameFault | RejectIndexFault
export type OutcomeFault = StatusFault | QueuedFault | ResetFault | BrokenFault
export type Fault = OutcomeFault | DelayFault | TrickleFault | ReorderFault | RejectFault

export interface FaultKind {
  /** JSON schema of a fault that has the field. */
  readonly schema: object
  readonly says: string
  /** Undefined for what any server and any network can do. */
  readonly source: Source | undefined
}

const times = { type: 'integer', minimum: 1 }
const texts = { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 }
const flag = { type: 'boolean' }
const milliseconds = { type: 'integer', minimum: 1, maximum: 600_000 }
const selection = { times, endpoint: { enum: ['track', 'delete'] }, externalIds: texts, names: texts }
const rejection = { times, type: { type: 'string', minLength: 1 }, unlocated: flag, whole: flag }
const only429 = { properties: { status: { const: 429 } } }

function schemaOf(required: string, properties: Readonly<Record<string, object>>, rest: object = {}): object {
  return { type: 'object', additionalProperties: false, required: [required], properties, ...rest }
}

export type FaultKindName =
  | 'status'
  | 'queued'
  | 'delayMs'
  | 'trickleMs'
  | 'reorderMs'
  | 'reset'
  | 'broken'
  | 'rejectExternalId'
  | 'rejectName'
  | 'rejectIndex'

/** Each kind of fault by the field that makes it that kind. */
export const faultKinds: Readonly<Record<FaultKindName, FaultKind>> = {
  status: {
    schema: schemaOf(
      'status',
      {
        ...selection,
        status: { type: 'integer', minimum: 400, maximum: 599 },
        retryAfterSeconds: { type: 'integer', minimum: 1, maximum: 3_600 },
        withoutHeaders: flag,
        applied: flag,
      },
      { dependencies: { retryAfterSeconds: only429, withoutHeaders: only429 } },
    ),
    says: 'the answer is this status',
    source: sources.errors,
  },
  queued: {
    schema: schemaOf('queued', { ...selection, queued: { const: true } }),
    says: 'the answer is 202 `{"message":"queued"}`, and the objects are taken in',
    source: sources.errors,
  },
  delayMs: {
    schema: schemaOf('delayMs', { ...selection, delayMs: milliseconds }),
    says: 'the request takes this much longer',
    source: undefined,
  },
  trickleMs: {
    schema: schemaOf('trickleMs', { ...selection, trickleMs: milliseconds }),
    says: 'the answer begins at once and ends after this time',
    source: undefined,
  },
  reorderMs: {
    schema: schemaOf('reorderMs', { ...selection, reorderMs: milliseconds }),
    says: 'the answer comes at once, and the objects are applied after a random part of this time',
    source: sources.raceConditions,
  },
  reset: {
    schema: schemaOf('reset', { ...selection, reset: { const: true }, applied: flag }),
    says: 'the connection is cut in place of an answer',
    source: undefined,
  },
  broken: {
    schema: schemaOf('broken', { ...selection, broken: { enum: brokenKinds }, applied: flag }),
    says: 'the answer cannot be read, or is not Braze’s',
    source: undefined,
  },
  rejectExternalId: {
    schema: schemaOf('rejectExternalId', {
      ...rejection,
      rejectExternalId: { type: 'string', minLength: 1 },
    }),
    says: 'this user’s objects are refused, by default as those of a blocked user',
    source: sources.track,
  },
  rejectName: {
    schema: schemaOf('rejectName', { ...rejection, rejectName: { type: 'string', minLength: 1 } }),
    says: 'events of this name, and purchases of this product, are refused',
    source: sources.track,
  },
  rejectIndex: {
    schema: schemaOf('rejectIndex', {
      ...rejection,
      rejectIndex: { type: 'integer', minimum: 0 },
      array: { enum: ['attributes', 'events', 'purchases'] },
    }),
    says: 'what stands at this place of the array (`events`, unless `array` says otherwise) is refused',
    source: sources.track,
  },
}
