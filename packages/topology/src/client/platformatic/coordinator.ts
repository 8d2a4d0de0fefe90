import { type API, findCoordinatorV4 } from '@platformatic/kafka'
import { TopologyError } from '../../errors.ts'
import type { BrokerLink } from './broker-link.ts'
import type { Cluster } from './cluster.ts'
import { ErrorCode, isCoordinatorMoved } from './error-codes.ts'
import { brokerError, closedError, translateError } from './errors.ts'

/**
 * Heartbeats and commits are answered at once (a commit waits for its replicas, 5 s by default). Longer patience with a
 * dead connection would cost the member its session.
 */
const SHORT_ANSWER_MS = 6_000

const KEY_TYPES = { group: 0, transaction: 1 } as const

/** What a broker coordinates: a group by its id, or the transactions of a transactional id. */
export interface Coordinated {
  readonly kind: keyof typeof KEY_TYPES
  readonly id: string
}

interface Links {
  readonly short: BrokerLink
  readonly patient: BrokerLink
}

/** The broker that leads a group or a transactional id. Looked up on first use and again after `forget`. */
export class Coordinator {
  readonly #cluster: Cluster
  readonly #subject: Coordinated
  readonly #patienceMs: number
  #links: Promise<Links> | undefined
  #isClosed = false

  /** `patienceMs`: what an answer to `wait` may take. */
  constructor(cluster: Cluster, subject: Coordinated, patienceMs: number) {
    this.#cluster = cluster
    this.#subject = subject
    this.#patienceMs = patienceMs
  }

  /** Returns the answer, whatever its error codes. Rejects with a TopologyError. */
  call<A extends unknown[], R>(api: API<A, R>, ...args: A): Promise<R> {
    return this.#use(links => links.short.call(api, ...args))
  }

  /** A request whose answer the broker may hold back, on a connection of its own. */
  wait<A extends unknown[], R>(api: API<A, R>, ...args: A): Promise<R> {
    return this.#use(links => links.patient.call(api, ...args))
  }

  /** To be called when an answer says that it is led by another broker. */
  forget(): void {
    const links = this.#links
    this.#links = undefined
    links?.then(closeAll, () => undefined)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#links?.then(closeAll, () => undefined)
  }

  /** Looks at an answer's code: whether it is final is up to the caller. */
  note(errorCode: number): void {
    if (isCoordinatorMoved(errorCode)) this.forget()
  }

  get #name(): string {
    const { kind, id } = this.#subject
    return kind === 'group' ? `group ${id}` : `transactional id ${id}`
  }

  async #use<R>(run: (links: Links) => Promise<R>): Promise<R> {
    if (this.#isClosed) throw closedError(`What asks the coordinator of the ${this.#name}`)
    const finding = (this.#links ??= this.#find())
    try {
      return await run(await finding)
    } catch (error) {
      const what = `Asking the coordinator of the ${this.#name}`
      if (this.#links === finding) this.forget()
      // Closed under it, because another request's failure or answer said that the coordinator is to be looked for again.
      else if (TopologyError.is(error) && error.code === 'TOPOLOGY_CLOSED' && !this.#isClosed)
        throw new TopologyError('TOPOLOGY_BROKER_UNAVAILABLE', `${what}: its connection was given up`, {
          retry: { kind: 'backoff' },
          cause: error,
        })
      throw translateError(error, what)
    }
  }

  async #find(): Promise<Links> {
    const what = `Looking for the coordinator of the ${this.#name}`
    const response = await this.#cluster.anyBroker(what, link =>
      link.call(findCoordinatorV4.api, KEY_TYPES[this.#subject.kind], [this.#subject.id]),
    )
    const found = response.coordinators[0]
    if (found === undefined) throw brokerError(ErrorCode.coordinatorNotAvailable, what)
    if (found.errorCode !== ErrorCode.none) throw brokerError(found.errorCode, what, found.errorMessage)
    this.#cluster.learn(found)
    return {
      short: this.#cluster.openLink(
        found.nodeId,
        Math.min(SHORT_ANSWER_MS, this.#cluster.settings.requestTimeoutMs),
      ),
      patient: this.#cluster.openLink(found.nodeId, this.#patienceMs),
    }
  }
}

async function closeAll({ short, patient }: Links): Promise<void> {
  await Promise.all([short.close(), patient.close()])
}
