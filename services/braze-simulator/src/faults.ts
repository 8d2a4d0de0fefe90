interface Common {
  /** How many requests it strikes; left out, every one until it is removed. */
  readonly times?: number
  /** Strikes only requests that hold an object of one of these users. */
  readonly externalIds?: readonly string[]
}

/** The answer is this status, whatever was sent. */
export interface StatusFault extends Common {
  readonly status: number
  /** With 429 only: what the answer's headers say, 1 when left out. */
  readonly retryAfterSeconds?: number
  /** The objects are taken in before the answer fails: what a 504 can mean. */
  readonly applied?: boolean
}

/** The request takes this much longer. */
export interface DelayFault extends Common {
  readonly delayMs: number
}

/** The connection is cut instead of an answer. */
export interface ResetFault extends Common {
  readonly reset: true
  /** The objects are taken in before the cut, so that the sender cannot know. */
  readonly applied?: boolean
}

/** The objects of this user are refused, as those of a user whom Braze has blocked. */
export interface RejectFault extends Pick<Common, 'times'> {
  readonly rejectExternalId: string
  /** `errors[].type`, in place of Braze's. */
  readonly type?: string
}

export type Fault = StatusFault | DelayFault | ResetFault | RejectFault

/** A fault that is in force. */
export type ActiveFault = Fault & { readonly id: number; readonly remaining: number | null }

/** What the faults make of one request. */
export interface FaultDecision {
  readonly faults: readonly number[]
  readonly delayMs: number
  readonly outcome: StatusFault | ResetFault | undefined
  /** Users whose objects are refused, with the `type` to say. */
  readonly blocked: ReadonlyMap<string, string | undefined>
}

const NOTHING: FaultDecision = { faults: [], delayMs: 0, outcome: undefined, blocked: new Map() }

const times = { type: 'integer', minimum: 1 }
const externalIds = { type: 'array', items: { type: 'string', minLength: 1 }, minItems: 1 }
const applied = { type: 'boolean' }

function schemaOf(required: string, properties: Readonly<Record<string, object>>): object {
  return { type: 'object', additionalProperties: false, required: [required], properties }
}

/** The JSON schema of each kind of fault, by the field that makes it that kind. */
export const faultSchemas: Readonly<Record<string, object>> = {
  status: {
    ...schemaOf('status', {
      status: { type: 'integer', minimum: 400, maximum: 599 },
      retryAfterSeconds: { type: 'integer', minimum: 1, maximum: 3_600 },
      applied,
      times,
      externalIds,
    }),
    dependencies: { retryAfterSeconds: { properties: { status: { const: 429 } } } },
  },
  delayMs: schemaOf('delayMs', {
    delayMs: { type: 'integer', minimum: 1, maximum: 600_000 },
    times,
    externalIds,
  }),
  reset: schemaOf('reset', { reset: { const: true }, applied, times, externalIds }),
  rejectExternalId: schemaOf('rejectExternalId', {
    rejectExternalId: { type: 'string', minLength: 1 },
    type: { type: 'string', minLength: 1 },
    times,
  }),
}

interface Armed {
  readonly id: number
  readonly fault: Fault
  remaining: number
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

  /**
   * Decides what happens to a request, and uses up the faults that strike it: the first outcome (a status or a reset)
   * and the first delay that match, and every user that is to be refused.
   * @param externalIds those of all of the request's objects
   */
  strike(externalIds: ReadonlySet<string>): FaultDecision {
    if (this.#armed.length === 0) return NOTHING
    const faults: number[] = []
    const blocked = new Map<string, string | undefined>()
    let delay: DelayFault | undefined
    let outcome: StatusFault | ResetFault | undefined
    for (const armed of this.#armed) {
      const { fault } = armed
      if ('rejectExternalId' in fault) {
        if (!externalIds.has(fault.rejectExternalId) || blocked.has(fault.rejectExternalId)) continue
        blocked.set(fault.rejectExternalId, fault.type)
      } else {
        if (!(fault.externalIds?.some(id => externalIds.has(id)) ?? true)) continue
        if ('delayMs' in fault) {
          if (delay !== undefined) continue
          delay = fault
        } else {
          if (outcome !== undefined) continue
          outcome = fault
        }
      }
      armed.remaining -= 1
      faults.push(armed.id)
    }
    this.#armed = this.#armed.filter(armed => armed.remaining > 0)
    return { faults, delayMs: delay?.delayMs ?? 0, outcome, blocked }
  }

  static #active({ id, fault, remaining }: Armed): ActiveFault {
    return { ...fault, id, remaining: Number.isFinite(remaining) ? remaining : null }
  }
}
