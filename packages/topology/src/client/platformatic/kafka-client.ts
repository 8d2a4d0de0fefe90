import type { KafkaClient } from '../ports.ts'
import { BrokerAdmin } from './admin.ts'
import { Cluster } from './cluster.ts'
import { BrokerFetcher } from './fetcher.ts'
import { BrokerGroupAdmin } from './group/group-admin.ts'
import { BrokerGroupMember } from './group/group-member.ts'
import { clientSettings, type KafkaClientOptions } from './options.ts'
import { createBrokerProducer } from './producer.ts'
import { openTransactionalProducer } from './transactional-producer.ts'

export type { ClientLogger, KafkaClientOptions } from './options.ts'

interface Closeable {
  close(): Promise<void>
}

/**
 * A client of a Kafka cluster. Nothing is connected before it is used.
 * @example `const kafka = createKafkaClient({ brokers: ['localhost:9092'], clientId: 'bookings' })`
 * @throws TOPOLOGY_CONFIG_INVALID
 */
export function createKafkaClient(options: KafkaClientOptions): KafkaClient {
  const settings = clientSettings(options)
  const cluster = new Cluster(settings)
  const open = new Set<Closeable>()
  const track = <T extends Closeable>(create: (onClose: () => void) => T): T => {
    const part: T = create(() => open.delete(part))
    open.add(part)
    return part
  }
  return {
    admin: new BrokerAdmin(cluster),
    groups: new BrokerGroupAdmin(cluster),
    createFetcher: fetcherOptions =>
      track(onClose => new BrokerFetcher(cluster, fetcherOptions ?? {}, onClose)),
    async createProducer() {
      const producer = await createBrokerProducer(cluster, () => open.delete(producer))
      open.add(producer)
      return producer
    },
    async createTransactionalProducer(transaction) {
      const producer = await openTransactionalProducer(cluster, transaction, () => open.delete(producer))
      open.add(producer)
      return producer
    },
    createGroupMember: groupOptions =>
      track(onClose => new BrokerGroupMember(cluster, groupOptions, onClose)),
    async close() {
      await Promise.all(Array.from(open, part => part.close()))
      await cluster.close()
    },
  }
}
