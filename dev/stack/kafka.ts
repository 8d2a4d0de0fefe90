import { randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Admin } from '@platformatic/kafka'
import type { ManagedProcess, Probe } from './managed-process.ts'
import { freePort } from './ports.ts'
import type { ProcessGroup } from './process-group.ts'
import { exitText } from './managed-process.ts'
import { StackError } from './stack-error.ts'

export interface KafkaOptions {
  readonly group: ProcessGroup
  readonly java: string
  /** The server's jars, see `kafkaClassPath`. */
  readonly classPath: string
  readonly port: number
  readonly dataDirectory: string
  readonly logFile: string
  readonly outlivesParent?: boolean
}

export interface KafkaServer {
  /** `host:port` */
  readonly broker: string
  readonly process: ManagedProcess
}

const HOST = '127.0.0.1'
const PROBE_DEADLINE_MS = 1_000

/**
 * A single broker that is its own controller, on fresh storage.
 * @throws StackError when it cannot be started or does not get ready.
 */
export async function startKafka(options: KafkaOptions): Promise<KafkaServer> {
  const { group, java, classPath, port, dataDirectory, logFile } = options
  await mkdir(dataDirectory, { recursive: true })
  const configFile = join(dataDirectory, 'server.properties')
  const config = serverProperties({ port, controllerPort: await freePort(), dataDirectory })
  await writeFile(configFile, config)

  await formatStorage({ group, java, classPath, logFile }, configFile, newClusterId())

  const broker = `${HOST}:${port}`
  const child = await group.start({
    name: 'Kafka',
    command: java,
    args: serverArgs({ heapMiB: 512, classPath, configFile }),
    logFile,
    readyWhen: kafkaAnswers([broker]),
    outlivesParent: options.outlivesParent ?? false,
  })
  return { broker, process: child }
}

/** What every node of a cluster is formatted with. */
export function newClusterId(): string {
  return randomBytes(16).toString('base64url')
}

/** @throws StackError STACK_PROCESS_ENDED */
export async function formatStorage(
  run: Pick<KafkaOptions, 'group' | 'java' | 'classPath' | 'logFile'>,
  configFile: string,
  clusterId: string,
): Promise<void> {
  const { group, java, classPath, logFile } = run
  const format = await group.run({
    name: 'Kafka',
    command: java,
    // As one argument: an id that begins with '-' would be taken for another option.
    args: [
      ...LOGGING,
      '-cp',
      classPath,
      'kafka.tools.StorageTool',
      'format',
      `--cluster-id=${clusterId}`,
      '-c',
      configFile,
    ],
    logFile,
  })
  if (format.code === 0) return
  throw new StackError(
    'STACK_PROCESS_ENDED',
    `Kafka's storage could not be formatted, it ended ${exitText(format)}: read ${logFile} for the reason.`,
  )
}

export function serverArgs(server: {
  readonly heapMiB: number
  readonly classPath: string
  readonly configFile: string
}): readonly string[] {
  return [`-Xmx${server.heapMiB}m`, ...LOGGING, '-cp', server.classPath, 'kafka.Kafka', server.configFile]
}

/** Kafka's own start scripts configure its log; here one line per event goes to the process's output. */
const LOGGING = [
  '-Dorg.slf4j.simpleLogger.logFile=System.out',
  '-Dorg.slf4j.simpleLogger.showDateTime=true',
  '-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd HH:mm:ss.SSS',
]

/** Metadata lists a broker only once the controller has unfenced it, so from then on topics can be made. */
export function kafkaAnswers(brokers: readonly string[]): Probe {
  return async () => {
    const admin = new Admin({
      clientId: 'tributary-stack',
      bootstrapBrokers: [...brokers],
      connectTimeout: PROBE_DEADLINE_MS,
      timeout: PROBE_DEADLINE_MS,
      retries: false,
    })
    try {
      const metadata = await admin.metadata({ topics: [] })
      return metadata.brokers.size > 0
    } finally {
      await admin.close()
    }
  }
}

function serverProperties(at: { port: number; controllerPort: number; dataDirectory: string }): string {
  return `process.roles=broker,controller
node.id=1
controller.quorum.voters=1@${HOST}:${at.controllerPort}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://${HOST}:${at.port},CONTROLLER://${HOST}:${at.controllerPort}
advertised.listeners=PLAINTEXT://${HOST}:${at.port}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${join(at.dataDirectory, 'log')}

offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
${SHARED_PROPERTIES}`
}

/** What a single broker and the brokers of a cluster have in common. */
export const SHARED_PROPERTIES = `
auto.create.topics.enable=false

# Made on first use, while somebody waits: 3 partitions are there sooner than 50.
offsets.topic.num.partitions=3
transaction.state.log.num.partitions=3
# Out of a small heap; the default of 128 MB is for topics far larger than these.
log.cleaner.dedupe.buffer.size=16777216

# Events that are generated, or written by tests, have any timestamp. None is to go because it is old, which would be decided
# half a minute after the start, and every five minutes from then on.
log.retention.ms=-1

# A group that is alone need not wait for more members. The least values only widen what a group may ask for:
# a test that kills a member cannot wait 45 s until it is missed.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=1000
group.consumer.min.heartbeat.interval.ms=100
group.consumer.heartbeat.interval.ms=1000
`
