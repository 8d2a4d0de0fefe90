import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Admin, ListOffsetTimestamps, Producer } from '@platformatic/kafka'
import { toBraze } from '@tributary/braze-sink'
import { marketingEvents, type MarketingEvent } from '@tributary/marketing-events'
import { publish, toMessage, type Message } from '../../demo/kafka/publish.ts'
import { registerSchemas, type TopicCodecs } from '../../demo/kafka/schemas.ts'
import { PARTITIONS } from '../../demo/kafka/topics.ts'
import { findJava } from '../../stack/java.ts'
import { startKafka } from '../../stack/kafka.ts'
import { kafkaClassPath, registryDistribution } from '../../stack/maven.ts'
import { freePort } from '../../stack/ports.ts'
import type { ProcessGroup } from '../../stack/process-group.ts'
import { startRegistry } from '../../stack/registry.ts'
import { GROUP, MEMORY_TOPIC } from '../in-process/sink.ts'
import type { Input } from '../in-process/picture.ts'

export interface GroundOptions {
  readonly group: ProcessGroup
  readonly logDirectory: string
}

const TOPICS: readonly string[] = [marketingEvents.name, `${GROUP}-dead-letters`, MEMORY_TOPIC]

/** A broker and a registry of the drill's own, with nothing in them at the beginning of each scenario. */
export class RealGround {
  readonly group: ProcessGroup
  readonly logDirectory: string
  /** How a sink finds them. */
  readonly env: Readonly<Record<string, string>>
  readonly #admin: Admin
  readonly #producer: Producer
  readonly #codecs: TopicCodecs
  /** Of each partition of the topic. */
  #ends: number[] = []

  private constructor(
    options: GroundOptions,
    parts: {
      readonly env: Readonly<Record<string, string>>
      readonly admin: Admin
      readonly producer: Producer
      readonly codecs: TopicCodecs
    },
  ) {
    this.group = options.group
    this.logDirectory = options.logDirectory
    this.env = parts.env
    this.#admin = parts.admin
    this.#producer = parts.producer
    this.#codecs = parts.codecs
  }

  /** @throws StackError */
  static async start(options: GroundOptions): Promise<RealGround> {
    const { group, logDirectory } = options
    const java = await findJava(process.env)
    const maven = { group, env: process.env, logDirectory }
    const classPath = await kafkaClassPath(maven)
    const distribution = await registryDistribution(maven)
    const dataDirectory = await mkdtemp(join(tmpdir(), 'tributary-drill-'))
    group.defer(() => rm(dataDirectory, { recursive: true, force: true, maxRetries: 3 }))
    const [kafkaPort, registryPort] = [await freePort(), await freePort()]
    const logOf = (name: string): string => join(logDirectory, `${name}.log`)
    const [{ broker }, { url }] = await Promise.all([
      startKafka({ group, java, classPath, port: kafkaPort, dataDirectory, logFile: logOf('kafka') }),
      startRegistry({ group, java, distribution, port: registryPort, logFile: logOf('registry') }),
    ])
    const client = { clientId: 'tributary-drill', bootstrapBrokers: [broker] }
    const admin = new Admin(client)
    const producer = new Producer({ ...client, idempotent: true })
    group.defer(async () => {
      await Promise.allSettled([admin.close(), producer.close()])
    })
    const codecs = (await registerSchemas(url)).get(marketingEvents.name)!
    const env = { KAFKA_BROKERS: broker, SCHEMA_REGISTRY_URL: url }
    return new RealGround(options, { env, admin, producer, codecs })
  }

  /** Takes away what the scenario before has left. No sink may be running. */
  async clear(): Promise<void> {
    const admin = this.#admin
    if (await this.#isGroup()) await admin.deleteGroups({ groups: [GROUP] })
    const existing = new Set(await admin.listTopics())
    const left = TOPICS.filter(name => existing.has(name))
    if (left.length > 0) await admin.deleteTopics({ topics: left })
    await admin.createTopics({ topics: [marketingEvents.name], partitions: PARTITIONS, replicas: 1 })
    this.#ends = Array.from({ length: PARTITIONS }, () => 0)
  }

  /** Resolves with the records in the order of publishing; events of one customer keep theirs. */
  async publish(events: Iterable<MarketingEvent>): Promise<Input[]> {
    const inputs: Input[] = []
    const messages: Message[] = []
    for (const event of events) {
      const user = event.value.customerId
      const message = toMessage(marketingEvents.name, this.#codecs, { key: user, value: event })
      const offset = this.#ends[message.partition]!
      this.#ends[message.partition] = offset + 1
      messages.push(message)
      inputs.push({ partition: message.partition, offset, user, objects: toBraze(event) })
    }
    await publish(this.#producer, messages)
    return inputs
  }

  get ends(): readonly number[] {
    return this.#ends
  }

  /** By partition; 0 where nothing is committed. */
  async committed(): Promise<readonly number[]> {
    const offsets = this.#ends.map(() => 0)
    if (!(await this.#isGroup())) return offsets
    const [listed] = await this.#admin.listConsumerGroupOffsets({ groups: [GROUP] })
    const topic = listed?.topics.find(({ name }) => name === marketingEvents.name)
    for (const { partitionIndex, committedOffset } of topic?.partitions ?? [])
      offsets[partitionIndex] = Math.max(0, Number(committedOffset))
    return offsets
  }

  async #isGroup(): Promise<boolean> {
    return (await this.#admin.listGroups({ types: ['classic', 'consumer'] })).has(GROUP)
  }

  async countDeadLetters(): Promise<number> {
    const name = `${GROUP}-dead-letters`
    const { topics } = await this.#admin.metadata({ topics: [name], forceUpdate: true })
    const partitions = topics.get(name)?.partitionsCount ?? 0
    if (partitions === 0) return 0
    const [listed] = await this.#admin.listOffsets({
      topics: [
        {
          name,
          partitions: Array.from({ length: partitions }, (_, partitionIndex) => ({
            partitionIndex,
            timestamp: ListOffsetTimestamps.LATEST,
          })),
        },
      ],
    })
    return listed!.partitions.reduce((sum, { offset }) => sum + Number(offset), 0)
  }
}
