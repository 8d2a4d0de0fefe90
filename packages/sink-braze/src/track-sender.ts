import type { DeliveryAssignment, DeliveryCall } from '@tributary/topology'
import { BrazeClient } from './braze-client.ts'
import { composeRequest, type Encoded } from './encoding.ts'
import { Endpoint, type EndpointRequest, type Said } from './endpoint.ts'
import { LatestErrors, type LatestError } from './latest-errors.ts'
import type { ResolvedOptions } from './options.ts'
import type { LimiterStats } from './rate-limiter.ts'
import { saidForLog } from './said-by-braze.ts'
import type { BrazeCounters } from './stats.ts'

/** One object on its way. */
export interface Sendable {
  readonly encoded: Encoded
}

/** Why Braze refuses an object, in its words, and with which status. */
export interface Refusal {
  readonly reason: string
  readonly status: number
}

/** What became of an object: undefined when Braze took it in. */
export type Settle<E> = (sendable: E, refusal: Refusal | undefined) => void

export interface SenderStats {
  /** Of `/users/track`. */
  readonly limiter: LimiterStats
  /** Of `/users/delete`. Answers by status; `none` for requests without one. */
  readonly deletes: { readonly answers: Readonly<Record<string, number>>; readonly limiter: LimiterStats }
  /** Why nothing can be sent at present. */
  readonly problem: string | undefined
  /** What went wrong of late, the latest first. */
  readonly latestErrors: readonly LatestError[]
}

type Taken<E> = Extract<Said<E>, { readonly kind: 'taken' }>

/** https://www.braze.com/docs/api/endpoints/user_data/post_user_delete */
const MAX_DELETES_PER_REQUEST = 50
const DELETE_WINDOW_MS = 60_000

/**
 * Sends requests that are put together already: within the limits, with the answer read and the object at fault found. It
 * knows nothing of records, users or what was sent before.
 */
export class TrackSender {
  readonly #options: ResolvedOptions
  readonly #client: BrazeClient
  readonly #track: Endpoint
  readonly #delete: Endpoint
  readonly #counters: BrazeCounters
  readonly #errors = new LatestErrors()
  readonly #deleteAnswers = new Map<number | undefined, number>()

  constructor(options: ResolvedOptions, counters: BrazeCounters) {
    const { limits } = options
    const client = new BrazeClient(options)
    this.#options = options
    this.#client = client
    this.#counters = counters
    const parts = { client, options, errors: this.#errors }
    this.#track = new Endpoint({ path: '/users/track', limits, ...parts })
    const deleteLimits = {
      maxRequests: limits.maxDeletesPerMinute,
      windowMs: DELETE_WINDOW_MS,
      maxRequestsPerHour: undefined,
      handoverMs: limits.handoverMs === 0 ? 0 : undefined,
    }
    this.#delete = new Endpoint({ path: '/users/delete', limits: deleteLimits, ...parts })
  }

  get stats(): SenderStats {
    const answers = [...this.#deleteAnswers].map(([status, count]) => [String(status ?? 'none'), count])
    return {
      limiter: this.#track.limiter.stats,
      deletes: {
        answers: Object.fromEntries(answers) as Record<string, number>,
        limiter: this.#delete.limiter.stats,
      },
      problem: this.problem,
      latestErrors: this.#errors.list,
    }
  }

  /** Why nothing can be sent at present, for an operator; undefined when all is well. */
  get problem(): string | undefined {
    const problems = [
      ['/users/track', this.#track.gate.problem ?? this.#track.limiter.problem],
      ['/users/delete', this.#delete.gate.problem ?? this.#delete.limiter.problem],
    ] as const
    const texts = problems.flatMap(([path, problem]) =>
      problem === undefined ? [] : [`${path}: ${problem}`],
    )
    return texts.length === 0 ? undefined : texts.join('; ')
  }

  /** The process's share of the limits. Without a first call, all of them are this process's. */
  onAssignment(assignment: DeliveryAssignment): void {
    this.#track.limiter.assign(assignment)
    this.#delete.limiter.assign(assignment)
  }

  async whenReady(call: DeliveryCall): Promise<void> {
    await this.#track.whenReady(call)
  }

  /**
   * Usually one request. More when an answer does not say which object is at fault: then halves are sent one after the other
   * until it is found. Rejects when nothing is known of the objects that are not settled.
   */
  async send<E extends Sendable>(
    sendables: readonly E[],
    call: DeliveryCall,
    settle: Settle<E>,
  ): Promise<void> {
    await settleAll(sendables, objects => this.#post(objects, call), settle)
  }

  /**
   * Deletes users for good, at most 50 in a request.
   * @returns those that Braze refuses, with its reasons; it took in all others
   * @throws BrazeError when nothing is known of some: all are to be sent again
   */
  async deleteUsers(
    externalIds: readonly string[],
    call: DeliveryCall,
  ): Promise<ReadonlyMap<string, Refusal>> {
    const refused = new Map<string, Refusal>()
    for (let from = 0; from < externalIds.length; from += MAX_DELETES_PER_REQUEST) {
      await settleAll(
        externalIds.slice(from, from + MAX_DELETES_PER_REQUEST),
        ids => this.#postDelete(ids, call),
        (id, refusal) => {
          if (refusal !== undefined) refused.set(id, refusal)
        },
      )
    }
    return refused
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  async #post<E extends Sendable>(sendables: readonly E[], call: DeliveryCall): Promise<Said<E>> {
    const counters = this.#counters
    const onAnswer = (status: number | undefined): void => {
      if (status === undefined) counters.unanswered += 1
      else counters.answered(status, sendables)
    }
    const said = await this.#track.post({ ...composeRequest(sendables), onAnswer }, call)
    if (said.kind === 'unexplained' && sendables.length > 1) counters.splits += 1
    return said.kind === 'taken' ? this.#located(said, sendables) : said
  }

  async #postDelete(externalIds: readonly string[], call: DeliveryCall): Promise<Said<string>> {
    const answers = this.#deleteAnswers
    const request: EndpointRequest<string> = {
      body: JSON.stringify({ external_ids: externalIds }),
      at: () => undefined,
      onAnswer: status => answers.set(status, (answers.get(status) ?? 0) + 1),
    }
    return await this.#delete.post(request, call)
  }

  /**
   * An error without a place in a request of one object means that object. Among several there is no telling: they count as
   * taken in, because most are, and sending them again would repeat those.
   */
  #located<E extends Sendable>(said: Taken<E>, sendables: readonly E[]): Taken<E> {
    const { unlocated } = said
    if (unlocated.length === 0) return said
    const [only] = sendables
    if (only !== undefined && sendables.length === 1) {
      return { ...said, refused: new Map([[only, unlocated.join('; ')]]) }
    }
    this.#counters.unlocatedErrors += unlocated.length
    this.#options.logger.warn(
      { errors: unlocated.map(saidForLog), objects: sendables.length },
      'Braze reports errors without saying which objects they mean; all others are delivered',
    )
    return said
  }
}

/** Sends entries until each of them is settled or a request fails. */
async function settleAll<E>(
  entries: readonly E[],
  post: (entries: readonly E[]) => Promise<Said<E>>,
  settle: Settle<E>,
): Promise<void> {
  const said = await post(entries)
  switch (said.kind) {
    case 'taken':
      for (const entry of entries) settle(entry, refusalOf(said, said.refused.get(entry)))
      return
    case 'refused': {
      for (const [entry, reason] of said.refused) settle(entry, refusalOf(said, reason))
      const others = entries.filter(entry => !said.refused.has(entry))
      if (others.length > 0) await settleAll(others, post, settle)
      return
    }
    case 'unexplained': {
      const [only] = entries
      if (entries.length === 1 && only !== undefined) {
        settle(only, refusalOf(said, said.reason))
        return
      }
      // One half after the other: both may hold objects of one user.
      const middle = Math.ceil(entries.length / 2)
      await settleAll(entries.slice(0, middle), post, settle)
      await settleAll(entries.slice(middle), post, settle)
      return
    }
  }
}

function refusalOf({ status }: { readonly status: number }, reason: string | undefined): Refusal | undefined {
  return reason === undefined ? undefined : { status, reason }
}
