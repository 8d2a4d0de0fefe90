import { metadataV12 } from '@platformatic/kafka'
import { TopologyError } from '../../errors.ts'
import { formatTopicPartition } from '../../record.ts'
import { BrokerLink, type BrokerLinkEvents } from './broker-link.ts'
import { ErrorCode } from './error-codes.ts'
import { brokerError, translateError } from './errors.ts'
import type { Address, ClientSettings } from './options.ts'

export interface Leader {
  readonly nodeId: number
  readonly epoch: number
}

interface KnownTopic {
  readonly id: string
  /** By partition number; undefined while a partition has no leader. */
  readonly leaders: readonly (Leader | undefined)[]
}

/** What is known of the brokers, topics and leaders, and the way to each broker. */
export class Cluster {
  readonly settings: ClientSettings
  readonly #brokers = new Map<number, Address>()
  readonly #topics = new Map<string, KnownTopic>()
  readonly #topicNames = new Map<string, string>()
  readonly #control = new Map<number, BrokerLink>()
  readonly #bootstrap: BrokerLink[]
  readonly #links = new Set<BrokerLink>()
  readonly #linkEvents: BrokerLinkEvents = {
    // Whatever has lost this connection on the way may have lost the others, and each would take its time to be found out.
    onTimeout: sentAtMs => {
      for (const link of this.#links) link.dropIfSilentSince(sentAtMs)
    },
    onClosed: link => this.#links.delete(link),
  }
  #nextLink = 0

  constructor(settings: ClientSettings) {
    this.settings = settings
    this.#bootstrap = settings.bootstrap.map(address => this.#link(() => address))
  }

  /** A connection of the caller's own, who closes it: a long poll holds up whatever else shares its connection. */
  openLink(nodeId: number, requestTimeoutMs?: number): BrokerLink {
    return this.#link(() => this.#addressOf(nodeId), requestTimeoutMs)
  }

  /** The shared connection to a broker, for short requests. */
  control(nodeId: number): BrokerLink {
    let link = this.#control.get(nodeId)
    if (link === undefined) {
      link = this.openLink(nodeId)
      this.#control.set(nodeId, link)
    }
    return link
  }

  /** Tries one broker after the other, those given at start included, until one answers. */
  async anyBroker<T>(what: string, run: (link: BrokerLink) => Promise<T>): Promise<T> {
    const links = [...Array.from(this.#brokers.keys(), nodeId => this.control(nodeId)), ...this.#bootstrap]
    let failure: TopologyError | undefined
    for (let i = 0; i < links.length; i += 1) {
      const link = links[(this.#nextLink + i) % links.length] as BrokerLink
      try {
        return await run(link)
      } catch (error) {
        failure = translateError(error, what)
        if (failure.retry.kind === 'never') break
        this.#nextLink += 1
      }
    }
    throw failure as TopologyError
  }

  /**
   * Asks for the topics' partitions and leaders. Topics that do not exist are forgotten.
   * @throws TOPOLOGY_BROKER_UNAVAILABLE, TOPOLOGY_AUTHORIZATION_FAILED
   */
  async refresh(topics: readonly string[]): Promise<void> {
    const what = 'Asking for metadata'
    const response = await this.anyBroker(what, link => link.call(metadataV12.api, [...topics], false, false))
    for (const broker of response.brokers) this.learn(broker)
    for (const { name, errorCode, topicId, partitions } of response.topics) {
      if (name === null || name === undefined) continue
      if (errorCode === ErrorCode.unknownTopicOrPartition) this.#topics.delete(name)
      else if (errorCode !== ErrorCode.none && errorCode !== ErrorCode.leaderNotAvailable)
        throw brokerError(errorCode, `Asking for the metadata of ${name}`)
      else {
        const leaders = Array.from<Leader | undefined>({ length: partitions.length })
        for (const { partitionIndex, leaderId, leaderEpoch } of partitions)
          leaders[partitionIndex] = leaderId < 0 ? undefined : { nodeId: leaderId, epoch: leaderEpoch }
        this.#topics.set(name, { id: topicId, leaders })
        this.#topicNames.set(topicId, name)
      }
    }
  }

  /** An address that came with another answer. */
  learn({ nodeId, host, port }: Address & { readonly nodeId: number }): void {
    this.#brokers.set(nodeId, { host, port })
  }

  /** As last heard; undefined for a topic that does not exist or was never asked for. */
  partitionCount(topic: string): number | undefined {
    return this.#topics.get(topic)?.leaders.length
  }

  /** As last heard; undefined while unknown, or while there is none. */
  leader(topic: string, partition: number): Leader | undefined {
    return this.#topics.get(topic)?.leaders[partition]
  }

  topicName(topicId: string): string | undefined {
    return this.#topicNames.get(topicId)
  }

  topicId(topic: string): string | undefined {
    return this.#topics.get(topic)?.id
  }

  /** @throws TOPOLOGY_TOPIC_MISSING (retry backoff: it may be about to be created), or that it has no leader. */
  leaderlessError(topic: string, partition: number): TopologyError {
    const name = formatTopicPartition(topic, partition)
    const count = this.partitionCount(topic)
    if (count === undefined || partition >= count) {
      const seen = count === undefined ? 'the topic does not exist' : `the topic has ${count} partitions`
      return new TopologyError('TOPOLOGY_TOPIC_MISSING', `${name} does not exist: ${seen}`, {
        retry: { kind: 'backoff' },
      })
    }
    return new TopologyError('TOPOLOGY_BROKER_UNAVAILABLE', `${name} has no leader`, {
      retry: { kind: 'backoff' },
    })
  }

  async close(): Promise<void> {
    await Promise.all([...this.#control.values(), ...this.#bootstrap].map(link => link.close()))
  }

  #link(address: () => Address, requestTimeoutMs?: number): BrokerLink {
    const link = new BrokerLink(this.settings, { address, events: this.#linkEvents, requestTimeoutMs })
    this.#links.add(link)
    return link
  }

  #addressOf(nodeId: number): Address {
    const address = this.#brokers.get(nodeId)
    if (address !== undefined) return address
    throw new TopologyError('TOPOLOGY_BROKER_UNAVAILABLE', `The address of broker ${nodeId} is not known`, {
      retry: { kind: 'backoff' },
    })
  }
}
