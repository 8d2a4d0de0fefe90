import type {
  DelayFault,
  EndpointName,
  Fault,
  OutcomeFault,
  RejectFault,
  ReorderFault,
  Selection,
  TrickleFault,
} from './fault.ts'
import type { ArrayName } from '../track/wire.ts'

/** A fault that is in force. */
export type ActiveFault = Fault & { readonly id: number; readonly remaining: number | null }

/** What faults can tell an object by. */
export interface FaultSubject {
  readonly array: ArrayName | undefined
  readonly index: number
  readonly externalId: string | undefined
  /** An event's name, a purchase's product. */
  readonly name: string | undefined
}

/** What the faults make of one request. */
export interface FaultDecision {
  readonly faults: readonly number[]
  readonly delayMs: number
  readonly trickleMs: number
  /** Undefined: as the options say. */
  readonly reorderMs: number | undefined
  readonly outcome: OutcomeFault | undefined
  readonly rejections: readonly RejectFault[]
}

const NOTHING: FaultDecision = {
  faults: [],
  delayMs: 0,
  trickleMs: 0,
  reorderMs: undefined,
  outcome: undefined,
  rejections: [],
}

interface Armed {
  readonly id: number
  readonly fault: Fault
  remaining: number
}

function isRejection(fault: Fault): fault is RejectFault {
  return 'rejectExternalId' in fault || 'rejectName' in fault || 'rejectIndex' in fault
}

/** Whether a rejection means this object. */
export function rejects(fault: RejectFault, { array, index, externalId, name }: FaultSubject): boolean {
  if ('rejectExternalId' in fault) return externalId === fault.rejectExternalId
  if ('rejectName' in fault) return name === fault.rejectName
  return index === fault.rejectIndex && array === (fault.array ?? 'events')
}

function selects({ externalIds, names }: Selection, { externalId, name }: FaultSubject): boolean {
  if (externalIds !== undefined && !(externalId !== undefined && externalIds.includes(externalId)))
    return false
  return names === undefined || (name !== undefined && names.includes(name))
}

function strikes(fault: Fault, endpoint: EndpointName, subjects: readonly FaultSubject[]): boolean {
  if (isRejection(fault)) return endpoint === 'track' && subjects.some(subject => rejects(fault, subject))
  if ((fault.endpoint ?? 'track') !== endpoint) return false
  if (fault.externalIds === undefined && fault.names === undefined) return true
  return subjects.some(subject => selects(fault, subject))
}

/** The faults in force, in the order in which they were added. */
export class Faults {
  #armed: Armed[] = []
  #lastId = 0

  add(fault: Fault): ActiveFault {
    this.#lastId += 1
    const armed = { id: this.#lastId, fault, remaining: fault.times ?? Number.POSITIVE_INFINITY }
    this.#armed.push(armed)
    return Faults.#active(armed)
  }

  clear(): void {
    this.#armed = []
  }

  list(): readonly ActiveFault[] {
    return this.#armed.map(armed => Faults.#active(armed))
  }

  get isEmpty(): boolean {
    return this.#armed.length === 0
  }

  /**
   * Decides what happens to a request, and uses up the faults that strike it: the first that decides the answer, the first of
   * each that bears on time, and every rejection.
   */
  strike(endpoint: EndpointName, subjects: readonly FaultSubject[]): FaultDecision {
    if (this.isEmpty) return NOTHING
    const ids: number[] = []
    let delay: DelayFault | undefined
    let trickle: TrickleFault | undefined
    let reorder: ReorderFault | undefined
    let outcome: OutcomeFault | undefined
    const rejections: RejectFault[] = []
    for (const armed of this.#armed) {
      const { fault } = armed
      if (!strikes(fault, endpoint, subjects)) continue
      if (isRejection(fault)) rejections.push(fault)
      else if ('delayMs' in fault) delay ??= fault
      else if ('trickleMs' in fault) trickle ??= fault
      else if ('reorderMs' in fault) reorder ??= fault
      else outcome ??= fault
      const isUsed =
        isRejection(fault) || fault === delay || fault === trickle || fault === reorder || fault === outcome
      if (!isUsed) continue
      armed.remaining -= 1
      ids.push(armed.id)
    }
    this.#armed = this.#armed.filter(armed => armed.remaining > 0)
    return {
      faults: ids,
      delayMs: delay?.delayMs ?? 0,
      trickleMs: trickle?.trickleMs ?? 0,
      reorderMs: reorder?.reorderMs,
      outcome,
      rejections,
    }
  }

  static #active({ id, fault, remaining }: Armed): ActiveFault {
    return { ...fault, id, remaining: Number.isFinite(remaining) ? remaining : null }
  }
}
