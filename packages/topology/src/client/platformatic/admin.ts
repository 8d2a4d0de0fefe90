import { createTopicsV7, ConfigResourceTypes, describeConfigsV4, listOffsetsV7 } from '@platformatic/kafka'
import { formatTopicPartition, type TopicPartition } from '../../record.ts'
import type { Admin, OffsetSpec, TopicDescription, TopicSpec } from '../ports.ts'
import type { Cluster } from './cluster.ts'
import { ErrorCode } from './error-codes.ts'
import { brokerError } from './errors.ts'
import { retrying } from './retry.ts'

type Isolation = 'read-committed' | 'read-uncommitted'

const CLEANUP_POLICY = 'cleanup.policy'
const LATEST = -1n
const EARLIEST = -2n

export class BrokerAdmin implements Admin {
  readonly #cluster: Cluster

  constructor(cluster: Cluster) {
    this.#cluster = cluster
  }

  describeTopics(names: readonly string[]): Promise<readonly (TopicDescription | undefined)[]> {
    if (names.length === 0) return Promise.resolve([])
    return this.#retrying(`Describing the topics ${names.join(', ')}`, async what => {
      await this.#cluster.refresh(names)
      const existing = names.filter(name => this.#cluster.partitionCount(name) !== undefined)
      const configs = await this.#configs(existing, [CLEANUP_POLICY], what)
      return names.map(name => {
        const partitions = this.#cluster.partitionCount(name)
        const config = configs.get(name)
        // Undefined too when it was deleted between the two questions.
        return partitions === undefined || config === undefined
          ? undefined
          : { name, partitions, cleanupPolicy: config.get(CLEANUP_POLICY) ?? 'delete' }
      })
    })
  }

  async topicConfigs(
    topics: readonly string[],
    names: readonly string[],
  ): Promise<readonly (ReadonlyMap<string, string> | undefined)[]> {
    const configs = await this.#retrying(`Reading the configuration of ${topics.join(', ')}`, what =>
      this.#configs(topics, names, what),
    )
    return topics.map(topic => configs.get(topic))
  }

  createTopics(specs: readonly TopicSpec[]): Promise<void> {
    if (specs.length === 0) return Promise.resolve()
    const names = specs.map(({ name }) => name)
    return this.#retrying(`Creating the topics ${names.join(', ')}`, async what => {
      // Any broker takes it: one that does not lead the metadata forwards it to the one that does.
      const response = await this.#cluster.anyBroker(what, link =>
        link.call(createTopicsV7.api, specs.map(toRequest), this.#cluster.settings.requestTimeoutMs, false),
      )
      for (const { name, errorCode, errorMessage } of response.topics)
        if (errorCode !== ErrorCode.none && errorCode !== ErrorCode.topicAlreadyExists)
          throw brokerError(errorCode, `Creating the topic ${name}`, errorMessage)
      await this.#untilKnown(names)
    })
  }

  async listOffsets(
    partitions: readonly TopicPartition[],
    spec: OffsetSpec,
    isolation: Isolation,
  ): Promise<readonly number[]> {
    const found = new Map<string, number>()
    const wanted = { spec, isolation, found }
    await this.#retrying('Listing offsets', () => this.#listMissing(partitions, wanted))
    return partitions.map(
      ({ topic, partition }) => found.get(formatTopicPartition(topic, partition)) as number,
    )
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #retrying<T>(what: string, attempt: (what: string) => Promise<T>): Promise<T> {
    const { settings } = this.#cluster
    return retrying(settings, { what, timeoutMs: settings.operationTimeoutMs }, () => attempt(what))
  }

  async #configs(
    topics: readonly string[],
    configurationKeys: readonly string[],
    what: string,
  ): Promise<Map<string, ReadonlyMap<string, string>>> {
    if (topics.length === 0) return new Map()
    const resources = topics.map(resourceName => ({
      resourceType: ConfigResourceTypes.TOPIC,
      resourceName,
      configurationKeys: [...configurationKeys],
    }))
    const response = await this.#cluster.anyBroker(what, link =>
      link.call(describeConfigsV4.api, resources, false, false),
    )
    const found = new Map<string, ReadonlyMap<string, string>>()
    for (const { errorCode, errorMessage, resourceName, configs } of response.results) {
      if (errorCode === ErrorCode.unknownTopicOrPartition) continue
      if (errorCode !== ErrorCode.none)
        throw brokerError(errorCode, `Reading the configuration of ${resourceName}`, errorMessage)
      found.set(resourceName, new Map(configs.flatMap(({ name, value }) => (value ? [[name, value]] : []))))
    }
    return found
  }

  /** The answer to a creation comes before all brokers have heard of the topic and its leaders. */
  async #untilKnown(names: readonly string[]): Promise<void> {
    await this.#cluster.refresh(names)
    for (const name of names) {
      const count = this.#cluster.partitionCount(name) ?? 1
      for (let partition = 0; partition < count; partition += 1)
        if (this.#cluster.leader(name, partition) === undefined)
          throw this.#cluster.leaderlessError(name, partition)
    }
  }

  /** Asks each leader for what is not found yet. Throws when that leaves anything open. */
  async #listMissing(partitions: readonly TopicPartition[], wanted: WantedOffsets): Promise<void> {
    const missing = partitions.filter(
      ({ topic, partition }) => !wanted.found.has(formatTopicPartition(topic, partition)),
    )
    if (missing.length === 0) return
    await this.#cluster.refresh([...new Set(missing.map(({ topic }) => topic))])
    const byLeader = Map.groupBy(missing, ({ topic, partition }) => {
      const leader = this.#cluster.leader(topic, partition)
      if (leader === undefined) throw this.#cluster.leaderlessError(topic, partition)
      return leader.nodeId
    })
    await Promise.all(Array.from(byLeader, ([nodeId, asked]) => this.#listFrom(nodeId, asked, wanted)))
  }

  async #listFrom(nodeId: number, asked: readonly TopicPartition[], wanted: WantedOffsets): Promise<void> {
    const { spec, isolation, found } = wanted
    const isReadCommitted = isolation === 'read-committed'
    const ask = (partitions: readonly TopicPartition[], timestamp: bigint): Promise<NamedOffset[]> =>
      this.#ask(nodeId, partitions, { timestamp, isReadCommitted })

    const timestamp = timestampOf(spec)
    const answers = await ask(asked, timestamp)
    const past: TopicPartition[] = []
    let failure: Error | undefined
    for (const { topic, partitionIndex: partition, errorCode, offset } of answers) {
      const name = formatTopicPartition(topic, partition)
      if (errorCode !== ErrorCode.none) failure = listingError(errorCode, topic, partition)
      else if (offset < 0n) past.push({ topic, partition })
      else found.set(name, Number(offset))
    }
    if (past.length > 0)
      for (const { topic, partitionIndex, errorCode, offset } of await ask(past, LATEST)) {
        if (errorCode !== ErrorCode.none) failure = listingError(errorCode, topic, partitionIndex)
        else found.set(formatTopicPartition(topic, partitionIndex), Number(offset))
      }
    if (failure !== undefined) throw failure
  }

  async #ask(
    nodeId: number,
    partitions: readonly TopicPartition[],
    at: { readonly timestamp: bigint; readonly isReadCommitted: boolean },
  ): Promise<NamedOffset[]> {
    const topics = Array.from(
      Map.groupBy(partitions, ({ topic }) => topic),
      ([name, parts]) => ({
        name,
        partitions: parts.map(({ partition }) => ({
          partitionIndex: partition,
          currentLeaderEpoch: -1,
          timestamp: at.timestamp,
        })),
      }),
    )
    const response = await this.#cluster
      .control(nodeId)
      .call(listOffsetsV7.api, -1, at.isReadCommitted ? 1 : 0, topics)
    return response.topics.flatMap(({ name, partitions: parts }) =>
      parts.map(part => ({ ...part, topic: name })),
    )
  }
}

function listingError(errorCode: number, topic: string, partition: number): Error {
  return brokerError(errorCode, `Listing the offsets of ${formatTopicPartition(topic, partition)}`)
}

interface WantedOffsets {
  readonly spec: OffsetSpec
  readonly isolation: Isolation
  readonly found: Map<string, number>
}

interface NamedOffset {
  readonly topic: string
  readonly partitionIndex: number
  readonly errorCode: number
  readonly offset: bigint
}

function timestampOf(spec: OffsetSpec): bigint {
  if (spec === 'earliest') return EARLIEST
  return spec === 'latest' ? LATEST : BigInt(Math.trunc(spec.timestampMs))
}

function toRequest({ name, partitions, replicationFactor = -1, config = {} }: TopicSpec): {
  name: string
  numPartitions: number
  replicationFactor: number
  assignments: []
  configs: { name: string; value: string }[]
} {
  return {
    name,
    numPartitions: partitions,
    // -1: what the brokers are configured for.
    replicationFactor,
    assignments: [],
    configs: Object.entries(config).map(([key, value]) => ({ name: key, value })),
  }
}
