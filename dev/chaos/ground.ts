import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'
import { activities, customerEvents, customers } from '@tributary/marketing-events'
import { HttpSchemaRegistry } from '@tributary/topology'
import { registerSchemas, type TopicCodecs } from '../demo/kafka/schemas.ts'
import { DEAD_LETTER_TOPICS, PARTITIONS, TOPICS } from '../demo/kafka/topics.ts'
import { findJava } from '../stack/java.ts'
import { startKafkaCluster, type KafkaNode } from '../stack/kafka-cluster.ts'
import { kafkaClassPath, registryDistribution } from '../stack/maven.ts'
import { freePort } from '../stack/ports.ts'
import type { ProcessGroup } from '../stack/process-group.ts'
import { startRegistry } from '../stack/registry.ts'
import { ActivitiesStandIn } from './activities-stand-in.ts'
import { ChaosError } from './chaos-error.ts'
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
  /** By topic. */
  readonly newerSchemaIds: ReadonlyMap<string, number>
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
const MOST_INPUT_BYTES = 12_000_000
/** For the headers of a dead letter. */
const LETTER_HEADROOM_BYTES = 131_072
const LARGEST_INT64 = '9223372036854775807'
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
  const advertise = async (id: number, port: number): Promise<string> => {
    const proxy = await proxyTo(port)
    proxies.set(id, proxy)
    return proxy.address
  }
  const registryPort = await freePort()
  const kafka = { group, java, classPath, dataDirectory, logDirectory, advertise }
  const [nodes, registry, api] = await Promise.all([
    startKafkaCluster({ ...kafka, nodes: BROKERS, groupSessionTimeoutMs: sessionTimeoutMs }),
    startRegistry({
      group,
      java,
      distribution,
      port: registryPort,
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
  const codecs = await registerSchemas(registry.url)
  return {
    nodes,
    proxies: nodes.map(({ id }) => proxies.get(id)!),
    registryProxy,
    api,
    codecs,
    newerSchemaIds: await registerNewerSchemas(registry.url),
    reader: { java, classPath, brokers: directBrokers, directory: logDirectory },
    directBrokers,
    env: {
      KAFKA_BROKERS: nodes.map(({ address }) => address).join(','),
      SCHEMA_REGISTRY_URL: registryUrl.href,
      ACTIVITIES_API_URL: api.url,
    },
  }
}

/**
 * What writers of a later version write: an array of texts behind the fields that the service knows, of wishes where the
 * topic has several types. By topic.
 */
async function registerNewerSchemas(registryUrl: string): Promise<ReadonlyMap<string, number>> {
  const registry = new HttpSchemaRegistry({ url: registryUrl })
  const ids = new Map<string, number>()
  for (const [topic, subject] of Object.entries({
    [customerEvents.name]: `${customerEvents.name}-com.marketplace.customer.ActivityWishlisted`,
    [customers.name]: `${customers.name}-value`,
    [activities.name]: `${activities.name}-value`,
  })) {
    const latest = await registry.latest(subject)
    if (latest === undefined) throw new ChaosError('CHAOS_HARNESS', `The registry has no subject ${subject}.`)
    const schema = JSON.parse(latest.schema) as { readonly fields: readonly object[] }
    const tags = { name: 'tags', type: { type: 'array', items: 'string' }, default: [] }
    const newer = { ...schema, fields: [...schema.fields, tags] }
    ids.set(topic, await registry.register(subject, JSON.stringify(newer)))
  }
  return ids
}

/**
 * On every broker, two of which have to have a record. What comes out has the time at which the brokers appended it; what
 * goes in has any timestamp and is of any size that is tried.
 */
async function createTopics(brokers: readonly string[]): Promise<void> {
  const admin = new Admin({ clientId: 'tributary-chaos', bootstrapBrokers: [...brokers] })
  const create = (topics: readonly string[], configs: Readonly<Record<string, string>>) =>
    admin.createTopics({
      topics: [...topics],
      partitions: PARTITIONS,
      replicas: BROKERS,
      configs: Object.entries({
        'min.insync.replicas': String(BROKERS - 1),
        // Nothing is compacted, and nothing expires: the judge wants every row that has been.
        'cleanup.policy': 'delete',
        'retention.ms': '-1',
        ...configs,
      }).map(([name, value]) => ({ name, value })),
    })
  const inputs: readonly string[] = [customerEvents.name, customers.name, activities.name]
  const outputs = TOPICS.map(({ name }) => name).filter(name => !inputs.includes(name))
  const byBroker = { 'message.timestamp.type': 'LogAppendTime' }
  try {
    await create(inputs, {
      'max.message.bytes': String(MOST_INPUT_BYTES),
      'message.timestamp.after.max.ms': LARGEST_INT64,
    })
    await create(outputs, byBroker)
    await create([DEAD_LETTERS], {
      ...byBroker,
      'max.message.bytes': String(MOST_INPUT_BYTES + LETTER_HEADROOM_BYTES),
    })
  } finally {
    await admin.close()
  }
}
