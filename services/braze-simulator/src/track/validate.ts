import type { RejectFault } from '../faults/fault.ts'
import { rejects } from '../faults/faults.ts'
import type { FaultSubject } from '../faults/faults.ts'
import type { ErrorTypes } from '../options.ts'
import { identityOf } from './identity.ts'
import type { Identity } from './identity.ts'
import { blockedUser, rulesByArray } from './rules.ts'
import type { RuleContext } from './rule.ts'
import { arrayNames, isObject } from './wire.ts'
import type { ArrayName, TrackObject } from './wire.ts'

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

/** An object that is not taken in. */
export interface Refused {
  readonly entry: Entry
  /** `errors[].type`. */
  readonly type: string
  readonly isLocated: boolean
  /** The id of the rule that it breaks, `user-blocked`, or `fault`. */
  readonly rule: string
}

export interface Verdict {
  readonly accepted: readonly Entry[]
  readonly refused: readonly Refused[]
}

export interface ValidationOptions extends RuleContext {
  readonly errorTypes: ErrorTypes
  readonly rejections: readonly RejectFault[]
}

export function subjectOf({ array, index, object, identity }: Entry): FaultSubject {
  const name = array === 'purchases' ? object['product_id'] : array === 'events' ? object['name'] : undefined
  return { array, index, externalId: identity?.externalId, name: typeof name === 'string' ? name : undefined }
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

function rejectedBy(fault: RejectFault, entry: Entry, errorTypes: ErrorTypes): Refused {
  const isUser = 'rejectExternalId' in fault
  const blocked = errorTypes === 'code' ? blockedUser.code : blockedUser.message
  return {
    entry,
    type: fault.type ?? (isUser ? blocked : `This object of '${entry.array}' is not valid`),
    isLocated: fault.unlocated !== true,
    rule: isUser ? 'user-blocked' : 'fault',
  }
}

function refusedBy(entry: Entry, options: ValidationOptions): Refused | undefined {
  if (options.rejections.length > 0) {
    const subject = subjectOf(entry)
    const fault = options.rejections.find(rejection => rejects(rejection, subject))
    if (fault !== undefined) return rejectedBy(fault, entry, options.errorTypes)
  }
  for (const rule of rulesByArray[entry.array]) {
    if (!rule.isBrokenBy(entry.object, options)) continue
    const type = options.errorTypes === 'code' ? (rule.code ?? rule.message) : rule.message
    return { entry, type, isLocated: true, rule: rule.id }
  }
  return undefined
}

/** Parts a request's objects into accepted and refused ones. */
export function validate(entries: readonly Entry[], options: ValidationOptions): Verdict {
  const accepted: Entry[] = []
  const refused: Refused[] = []
  for (const entry of entries) {
    const refusal = refusedBy(entry, options)
    if (refusal === undefined) accepted.push(entry)
    else refused.push(refusal)
  }
  const isRefusedWhole = options.rejections.some(({ whole }) => whole === true)
  return { accepted: isRefusedWhole ? [] : accepted, refused }
}
