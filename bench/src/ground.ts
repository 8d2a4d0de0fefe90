import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'
import { createKafkaClient, HttpSchemaRegistry, type KafkaClient } from '@tributary/topology'
import { findJava } from '../../dev/stack/java.ts'
import { startKafka } from '../../dev/stack/kafka.ts'
import { kafkaClassPath, registryDistribution, type MavenRun } from '../../dev/stack/maven.ts'
import { freePort } from '../../dev/stack/ports.ts'
import type { ProcessGroup } from '../../dev/stack/process-group.ts'
import { startRegistry } from '../../dev/stack/registry.ts'

/** What all contestants share: one broker and one registry, started for this run. */
export interface Ground {
  readonly group: ProcessGroup
  readonly logDirectory: string
  /** For what contestants keep on disk; removed at the end. */
  readonly dataDirectory: string
  readonly maven: MavenRun
  readonly broker: string
  readonly registryUrl: string
  /** Whose processor time is not a contestant's. */
  readonly serverPids: { readonly broker: number; readonly registry: number }
  readonly kafka: KafkaClient
  readonly admin: Admin
  readonly registry: HttpSchemaRegistry
}

/** @throws StackError */
export async function prepareGround(group: ProcessGroup, logDirectory: string): Promise<Ground> {
  const java = await findJava(process.env)
  const maven: MavenRun = { group, env: process.env, logDirectory }
  const classPath = await kafkaClassPath(maven)
  const distribution = await registryDistribution(maven)
  const dataDirectory = await mkdtemp(join(tmpdir(), 'tributary-bench-'))
  group.defer(() => rm(dataDirectory, { recursive: true, force: true, maxRetries: 3 }))
  const [kafkaServer, registryServer] = await Promise.all([
    startKafka({
      group,
      java,
      classPath,
      port: await freePort(),
      dataDirectory: join(dataDirectory, 'kafka'),
      logFile: join(logDirectory, 'kafka.log'),
    }),
    startRegistry({
      group,
      java,
      distribution,
      port: await freePort(),
      logFile: join(logDirectory, 'registry.log'),
    }),
  ])
  const kafka = createKafkaClient({ brokers: [kafkaServer.broker], clientId: 'bench' })
  const admin = new Admin({ clientId: 'bench', bootstrapBrokers: [kafkaServer.broker] })
  group.defer(async () => {
    await Promise.allSettled([kafka.close(), admin.close()])
  })
  return {
    group,
    logDirectory,
    dataDirectory,
    maven,
    broker: kafkaServer.broker,
    registryUrl: registryServer.url,
    serverPids: { broker: kafkaServer.process.pid, registry: registryServer.process.pid },
    kafka,
    admin,
    registry: new HttpSchemaRegistry({ url: registryServer.url }),
  }
}
