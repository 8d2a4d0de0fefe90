import type { ErrorTypes } from '../options.ts'
import { identityOf } from './identity.ts'
import type { Identity } from './identity.ts'
import { blockedUser, rulesByArray } from './rules.ts'
import type { RuleContext } from './rule.ts'
import { arrayNames, isObject } from './wire.ts'
import type { ArrayName, TrackError, TrackObject } from './wire.ts'

/** One object of a request with its place in it and whom it is about. */
export interface Entry {
  readonly array: ArrayName
  readonly index: number
  readonly object: TrackObject
  readonly identity: Identity | undefined
}

export interface TrackBody {
  readonly entries: readonly Entry[]
  /** Objects in each array; an array that the body does not have is `undefined`. */
  readonly sent: Readonly<Record<ArrayName, number | undefined>>
}

export interface Verdict {
  readonly accepted: readonly Entry[]
  readonly errors: readonly TrackError[]
  /** The broken rule of each error, in the same order. */
  readonly brokenRules: readonly string[]
}

export interface ValidationOptions extends RuleContext {
  readonly errorTypes: ErrorTypes
  /** Users whose objects are refused, with the `type` to say. */
  readonly blocked: ReadonlyMap<string, string | undefined>
}

/** Lays the three arrays out in the order in which they are processed. Takes any JSON; what is no array is empty. */
export function readTrackBody(json: unknown): TrackBody {
  const body = isObject(json) ? json : {}
  const entries: Entry[] = []
  const sent: Record<ArrayName, number | undefined> = {
    attributes: undefined,
    events: undefined,
    purchases: undefined,
  }
  for (const array of arrayNames) {
    const list: unknown = body[array]
    if (!Array.isArray(list)) continue
    sent[array] = list.length
    for (let index = 0; index < list.length; index++) {
      const element: unknown = list[index]
      // Anything but an object has no identifier either, and is refused for that.
      const object = isObject(element) ? element : {}
      entries.push({ array, index, object, identity: identityOf(object) })
    }
  }
  return { entries, sent }
}

function errorOf(entry: Entry, type: string): TrackError {
  return { type, input_array: entry.array, index: entry.index }
}

/** Parts a request's objects into accepted and refused ones. */
export function validate(entries: readonly Entry[], options: ValidationOptions): Verdict {
  const accepted: Entry[] = []
  const errors: TrackError[] = []
  const brokenRules: string[] = []
  for (const entry of entries) {
    const externalId = entry.identity?.externalId
    if (externalId !== undefined && options.blocked.has(externalId)) {
      const type =
        options.blocked.get(externalId) ??
        (options.errorTypes === 'code' ? blockedUser.code : blockedUser.message)
      errors.push(errorOf(entry, type))
      brokenRules.push('user-blocked')
      continue
    }
    const broken = rulesByArray[entry.array].find(rule => rule.isBrokenBy(entry.object, options))
    if (broken === undefined) {
      accepted.push(entry)
      continue
    }
    const type = options.errorTypes === 'code' ? (broken.code ?? broken.message) : broken.message
    errors.push(errorOf(entry, type))
    brokenRules.push(broken.id)
  }
  return { accepted, errors, brokenRules }
}
