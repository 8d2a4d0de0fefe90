import type { TestContext } from 'node:test'
import {
  Admin,
  apiVersionsV3,
  ConfigResourceTypes,
  Connection,
  consumerGroupHeartbeatV1,
  IncrementalAlterConfigOperationTypes,
  instancesChannel,
  type MessageToProduce,
  parseBroker,
  Producer,
} from '@platformatic/kafka'
import { randomUUID } from 'node:crypto'
import { createKafkaClient } from '../../src/client/platformatic/kafka-client.ts'
import type { KafkaClient } from '../../src/client/ports.ts'
import { until } from '../conformance/until.ts'

/*
 * What the tests need of a real broker beyond the client under test: transactions, compressed batches, deleted records,
 * quick heartbeats, broken connections. Made with the ready-made parts of @platformatic/kafka.
 */

const setting = process.env['KAFKA_BROKERS']
export const brokers: string[] = setting?.split(',') ?? []
export const skip: string | false = setting === undefined ? 'KAFKA_BROKERS names no broker' : false

export function createBrokerClient(): KafkaClient {
  return createKafkaClient({ brokers, clientId: 'topology-test' })
}

type Bytes = MessageToProduce<Buffer, Buffer, Buffer, Buffer>

export function message(topic: string, partition: number, value: string): Bytes {
  return { topic, partition, key: Buffer.from('key'), value: Buffer.from(value) }
}

export function openTransactionalProducer(t?: TestContext): Producer {
  const producer = new Producer({
    clientId: 'topology-test',
    bootstrapBrokers: brokers,
    transactionalId: randomUUID(),
    idempotent: true,
    retryDelay: 5,
    producerId: -1n,
    producerEpoch: -1,
  })
  t?.after(() => producer.close())
  return producer
}

export async function withAdmin<T>(run: (admin: Admin) => Promise<T>, at = brokers): Promise<T> {
  const admin = new Admin({ clientId: 'topology-test', bootstrapBrokers: at })
  try {
    return await run(admin)
  } finally {
    await admin.close()
  }
}

/** One committed record and the marker behind it. Returns the offset behind the marker. */
export async function appendMarker(topic: string, partition: number): Promise<number> {
  const producer = openTransactionalProducer()
  try {
    const transaction = await producer.beginTransaction()
    const sent = await transaction.send({ messages: [message(topic, partition, 'committed')] })
    await transaction.commit()
    const end = Number(sent.offsets![0]!.offset) + 2
    await stableUpTo(topic, partition, end)
    return end
  } finally {
    await producer.close()
  }
}

/** A transaction is over for its producer before its markers are in the logs. */
export async function stableUpTo(topic: string, partition: number, offset: number): Promise<void> {
  const client = createBrokerClient()
  await until('the transaction marker is written', async () => {
    const [stable] = await client.admin.listOffsets([{ topic, partition }], 'latest', 'read-committed')
    return stable! >= offset
  })
  await client.close()
}

export async function deleteBefore(topic: string, partition: number, offset: number): Promise<void> {
  await withAdmin(admin =>
    admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition, offset: BigInt(offset) }] }] }),
  )
}

/** Whether the brokers speak KIP-848's protocol; those before 4.0 do not, and the client falls back to the classic one. */
export async function hasConsumerProtocol(at = brokers): Promise<boolean> {
  const { host, port } = parseBroker(at[0]!)
  const connection = new Connection('topology-test')
  await connection.connect(host, port)
  const { apiKeys } = await apiVersionsV3.api.async(connection, 'topology-test', '1')
  await connection.close()
  const heartbeat = apiKeys.find(({ apiKey }) => apiKey === consumerGroupHeartbeatV1.api.key)
  return heartbeat !== undefined && heartbeat.maxVersion >= 1
}

/** A member hears of a rebalance with its next heartbeat: 5 s apart if nobody asks for less. */
export async function useQuickHeartbeats(
  groupId: string,
  sessionTimeoutMs = 10_000,
  at = brokers,
): Promise<void> {
  if (!(await hasConsumerProtocol(at))) return
  const resource = { resourceType: ConfigResourceTypes.GROUP, resourceName: groupId }
  const settings = {
    'consumer.heartbeat.interval.ms': '100',
    'consumer.session.timeout.ms': String(sessionTimeoutMs),
  }
  const configs = Object.entries(settings).map(([name, value]) => ({
    name,
    value,
    configOperation: IncrementalAlterConfigOperationTypes.SET,
  }))
  await withAdmin(async admin => {
    await admin.incrementalAlterConfigs({ resources: [{ ...resource, configs }] })
    // A member is told the interval when it joins, so the broker has to know it before.
    await until('the broker knows the settings', async () => {
      const [described] = await admin.describeConfigs({ resources: [resource] })
      return configs.every(
        config => described?.configs.find(({ name }) => name === config.name)?.value === config.value,
      )
    })
  }, at)
}

/** The connections that are opened from now on, so that a test can cut them. */
export function watchConnections(t: TestContext): Set<Connection> {
  const connections = new Set<Connection>()
  const onInstance = (created: unknown): void => {
    const { type, instance } = created as { type: string; instance: Connection }
    if (type === 'connection') connections.add(instance)
  }
  instancesChannel.subscribe(onInstance)
  t.after(() => instancesChannel.unsubscribe(onInstance))
  return connections
}
