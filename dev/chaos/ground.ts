import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'
import { registerSchemas, type TopicCodecs } from '../demo/kafka/schemas.ts'
import { DEAD_LETTER_TOPICS, PARTITIONS, TOPICS } from '../demo/kafka/topics.ts'
import { findJava } from '../stack/java.ts'
import { startKafkaCluster, type KafkaNode } from '../stack/kafka-cluster.ts'
import { kafkaClassPath, registryDistribution } from '../stack/maven.ts'
import { freePort } from '../stack/ports.ts'
import type { ProcessGroup } from '../stack/process-group.ts'
import { startRegistry } from '../stack/registry.ts'
import { ActivitiesStandIn } from './activities-stand-in.ts'
import { FaultProxy } from './fault-proxy.ts'
import type { TopicReader } from './topic-dump.ts'

/** What the service stands on, and what can be broken of it. */
export interface Ground {
  readonly nodes: readonly KafkaNode[]
  /** One before each node, in their order. */
  readonly proxies: readonly FaultProxy[]
  readonly registryProxy: FaultProxy
  readonly api: ActivitiesStandIn
  readonly codecs: ReadonlyMap<string, TopicCodecs>
  readonly reader: TopicReader
  /** Of the brokers, past the proxies. */
  readonly directBrokers: readonly string[]
  /** How a service finds all of it, through the proxies. */
  readonly env: Readonly<Record<string, string>>
}

export interface GroundOptions {
  readonly group: ProcessGroup
  readonly logDirectory: string
  readonly seed: number
  readonly sessionTimeoutMs: number
}

const BROKERS = 3
export const DEAD_LETTERS: string = DEAD_LETTER_TOPICS[0]

/** @throws StackError */
export async function prepareGround(options: GroundOptions): Promise<Ground> {
  const { group, logDirectory, seed, sessionTimeoutMs } = options
  const java = await findJava(process.env)
  const maven = { group, env: process.env, logDirectory }
  const classPath = await kafkaClassPath(maven)
  const distribution = await registryDistribution(maven)
  const dataDirectory = await mkdtemp(join(tmpdir(), 'tributary-chaos-'))
  group.defer(() => rm(dataDirectory, { recursive: true, force: true, maxRetries: 3 }))
  const proxyTo = async (port: number): Promise<FaultProxy> => {
    const proxy = await FaultProxy.start(port)
    group.defer(() => proxy.close())
    return proxy
  }

  const proxies = new Map<number, FaultProxy>()
  const [nodes, registry, api] = await Promise.all([
    startKafkaCluster({
      group,
      java,
      classPath,
      nodes: BROKERS,
      dataDirectory,
      logDirectory,
      groupSessionTimeoutMs: sessionTimeoutMs,
      async advertise(id, port) {
        const proxy = await proxyTo(port)
        proxies.set(id, proxy)
        return proxy.address
      },
    }),
    startRegistry({
      group,
      java,
      distribution,
      port: await freePort(),
      logFile: join(logDirectory, 'registry.log'),
    }),
    ActivitiesStandIn.start(seed),
  ])
  group.defer(() => api.close())
  const directBrokers = nodes.map(({ directAddress }) => directAddress)
  await createTopics(directBrokers)
  const registryUrl = new URL(registry.url)
  const registryProxy = await proxyTo(Number(registryUrl.port))
  registryUrl.port = String(registryProxy.port)
  return {
    nodes,
    proxies: nodes.map(({ id }) => proxies.get(id)!),
    registryProxy,
    api,
    codecs: await registerSchemas(registry.url),
    reader: { java, classPath, brokers: directBrokers, directory: logDirectory },
    directBrokers,
    env: {
      KAFKA_BROKERS: nodes.map(({ address }) => address).join(','),
      SCHEMA_REGISTRY_URL: registryUrl.href,
      ACTIVITIES_API_URL: api.url,
    },
  }
}

/** On every broker, two of which have to have a record. The brokers' own clock tells when one was appended. */
async function createTopics(brokers: readonly string[]): Promise<void> {
  const admin = new Admin({ clientId: 'tributary-chaos', bootstrapBrokers: [...brokers] })
  try {
    await admin.createTopics({
      topics: [...TOPICS.map(({ name }) => name), DEAD_LETTERS],
      partitions: PARTITIONS,
      replicas: BROKERS,
      configs: [
        { name: 'min.insync.replicas', value: String(BROKERS - 1) },
        { name: 'message.timestamp.type', value: 'LogAppendTime' },
        // Nothing is compacted: the judge wants every row that has been.
        { name: 'cleanup.policy', value: 'delete' },
      ],
    })
  } finally {
    await admin.close()
  }
}
