import { type API, findCoordinatorV4 } from '@platformatic/kafka'
import type { BrokerLink } from '../broker-link.ts'
import type { Cluster } from '../cluster.ts'
import { ErrorCode, isCoordinatorMoved } from '../error-codes.ts'
import { brokerError, closedError, translateError } from '../errors.ts'

const GROUP_KEY = 0

interface Links {
  readonly short: BrokerLink
  readonly patient: BrokerLink
}

/** The broker that leads a group. Looked up on first use and again after `forget`. */
export class Coordinator {
  readonly #cluster: Cluster
  readonly #groupId: string
  readonly #patienceMs: number
  #links: Promise<Links> | undefined
  #isClosed = false

  /** `patienceMs`: what an answer to `wait` may take. */
  constructor(cluster: Cluster, groupId: string, patienceMs: number) {
    this.#cluster = cluster
    this.#groupId = groupId
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

  /** To be called when an answer says that the group is led by another broker. */
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

  async #use<R>(run: (links: Links) => Promise<R>): Promise<R> {
    if (this.#isClosed) throw closedError('The group member')
    const finding = (this.#links ??= this.#find())
    try {
      return await run(await finding)
    } catch (error) {
      if (this.#links === finding) this.forget()
      throw translateError(error, `Asking the coordinator of the group ${this.#groupId}`)
    }
  }

  async #find(): Promise<Links> {
    const what = `Looking for the coordinator of the group ${this.#groupId}`
    const response = await this.#cluster.anyBroker(what, link =>
      link.call(findCoordinatorV4.api, GROUP_KEY, [this.#groupId]),
    )
    const found = response.coordinators[0]
    if (found === undefined) throw brokerError(ErrorCode.coordinatorNotAvailable, what)
    if (found.errorCode !== ErrorCode.none) throw brokerError(found.errorCode, what, found.errorMessage)
    this.#cluster.learn(found)
    return {
      short: this.#cluster.openLink(found.nodeId),
      patient: this.#cluster.openLink(found.nodeId, this.#patienceMs),
    }
  }
}

async function closeAll({ short, patient }: Links): Promise<void> {
  await Promise.all([short.close(), patient.close()])
}
