const EXAMPLES = 10

export interface Overlaps {
  /** How often a request arrived with a user of a request that was still under way; one count per such user. */
  readonly count: number
  /** The first few, to find the sender's fault by. */
  readonly examples: readonly { readonly user: string; readonly requests: readonly number[] }[]
}

/** One request that is under way. */
export interface Flight {
  /** Distinct users in it. */
  readonly users: number
  /** Those of them that were in another request under way when it began. */
  readonly overlapping: number
  /** The request is answered, or its sender has gone. Called again, it does nothing. */
  end(): void
}

/**
 * The users of the requests that are under way. Braze does not promise to process two calls for one user in the order
 * in which they were sent, so a sink that cares has at most one under way per user; this notices when it has more.
 */
export class InFlight {
  /** By user, the number of each request under way. A request of before a reset may share a number: hence tickets. */
  readonly #tickets = new Map<string, { readonly request: number }[]>()
  #count = 0
  #examples: Overlaps['examples'][number][] = []

  /** Users in at least one request under way. */
  get underWay(): number {
    return this.#tickets.size
  }

  begin(request: number, users: ReadonlySet<string>): Flight {
    const ticket = { request }
    let overlapping = 0
    for (const user of users) {
      const tickets = this.#tickets.get(user)
      if (tickets === undefined) {
        this.#tickets.set(user, [ticket])
        continue
      }
      overlapping += 1
      tickets.push(ticket)
      if (this.#examples.length < EXAMPLES) {
        this.#examples.push({ user, requests: tickets.map(other => other.request) })
      }
    }
    this.#count += overlapping
    return { users: users.size, overlapping, end: () => this.#end(ticket, users) }
  }

  #end(ticket: { readonly request: number }, users: ReadonlySet<string>): void {
    for (const user of users) {
      const rest = this.#tickets.get(user)?.filter(other => other !== ticket) ?? []
      if (rest.length === 0) this.#tickets.delete(user)
      else this.#tickets.set(user, rest)
    }
  }

  overlaps(): Overlaps {
    return { count: this.#count, examples: this.#examples }
  }

  /** Forgets the counts. Requests that are under way stay so. */
  resetCounts(): void {
    this.#count = 0
    this.#examples = []
  }
}
