import type { FastifyInstance } from 'fastify'
import type { Answer } from '../answering.ts'
import { addEndpoint, refuse } from '../endpoint.ts'
import type { Endpoint, EndpointParts, Progress } from '../endpoint.ts'
import type { FaultDecision, FaultSubject } from '../faults/faults.ts'
import type { Arrivals } from '../limits/arrivals.ts'
import type { Limiter } from '../limits/rate-limiter.ts'
import { identityOf } from '../track/identity.ts'
import type { Identity } from '../track/identity.ts'
import { refusals } from '../track/refusals.ts'
import { isObject } from '../track/wire.ts'

/** https://www.braze.com/docs/api/endpoints/user_data/post_user_delete */
const MAX_USERS = 50

/** The list of a request by the identifier that its elements are. */
const LISTS: Readonly<Record<string, string>> = {
  external_ids: 'external_id',
  user_aliases: 'user_alias',
  braze_ids: 'braze_id',
  email_addresses: 'email',
  phone_numbers: 'phone',
}

interface DeleteBody {
  /** How many of the five lists the body has: it may have one. */
  readonly lists: number
  readonly asked: number
  readonly users: readonly Identity[]
}

/** `POST /users/delete`. */
class DeleteEndpoint implements Endpoint<DeleteBody> {
  readonly name = 'delete'
  readonly path = '/users/delete'
  readonly limiter: Limiter
  readonly arrivals: Arrivals
  readonly #parts: EndpointParts

  constructor(parts: EndpointParts, limiter: Limiter, arrivals: Arrivals) {
    this.#parts = parts
    this.limiter = limiter
    this.arrivals = arrivals
  }

  /** The page of `/users/track` describes that endpoint's headers only. */
  readonly dialect = (): 'general' => 'general'

  read(json: unknown): DeleteBody {
    const body = isObject(json) ? json : {}
    const given = Object.keys(LISTS).filter(name => Array.isArray(body[name]))
    const users: Identity[] = []
    let asked = 0
    for (const name of given) {
      for (const element of body[name] as unknown[]) {
        asked += 1
        // An email address comes as `{ email, prioritization }`, or bare as in older texts of the page.
        const value = name === 'email_addresses' && isObject(element) ? element['email'] : element
        const identity = identityOf({ [LISTS[name]!]: value })
        if (identity !== undefined) users.push(identity)
      }
    }
    return { lists: given.length, asked, users }
  }

  users({ users }: DeleteBody): ReadonlySet<string> {
    return new Set(users.map(({ key }) => key))
  }

  counts(): null {
    return null
  }

  subjects({ users }: DeleteBody): readonly FaultSubject[] {
    return users.map(({ externalId }, index) => ({ array: undefined, index, externalId, name: undefined }))
  }

  process(body: DeleteBody, progress: Progress, decision: FaultDecision): Answer {
    const { state, late, options } = this.#parts
    if (body.lists > 1) return refuse(refusals.deleteLists)
    if (body.asked === 0) return refuse(refusals.deleteNobody)
    if (body.asked > MAX_USERS) return refuse(refusals.deleteTooMany)
    progress.applied = true
    late.apply(decision.reorderMs ?? options.current.reorderMs, () => {
      for (const { key } of body.users) state.delete(key)
    })
    return { status: 201, body: { deleted: body.users.length, message: 'success' } }
  }
}

export interface DeleteParts {
  readonly limiter: Limiter
  readonly arrivals: Arrivals
}

/** Adds the endpoint to a scope of its own. */
export function deleteRoutes(
  scope: FastifyInstance,
  parts: EndpointParts,
  { limiter, arrivals }: DeleteParts,
): void {
  addEndpoint(scope, parts, new DeleteEndpoint(parts, limiter, arrivals))
}
