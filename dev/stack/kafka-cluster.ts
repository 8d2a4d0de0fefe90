import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  formatStorage,
  kafkaAnswers,
  newClusterId,
  serverArgs,
  SHARED_PROPERTIES,
  type KafkaOptions,
} from './kafka.ts'
import type { ManagedProcess } from './managed-process.ts'
import { freePort } from './ports.ts'

export interface KafkaClusterOptions extends Pick<KafkaOptions, 'group' | 'java' | 'classPath'> {
  readonly nodes: number
  readonly dataDirectory: string
  readonly logDirectory: string
  /**
   * Where clients are told to connect, given where the broker listens for them (`host:port` both): the place of a proxy.
   */
  readonly advertise: (nodeId: number, port: number) => Promise<string>
  /** After so long without a heartbeat the group takes a member for gone. */
  readonly groupSessionTimeoutMs: number
}

const HOST = '127.0.0.1'
const HEAP_MIB = 320
/** Beside busy services on two cores a node that is started again has been seen to take over a minute. */
const READY_DEADLINE_MS = 180_000

/** One server of a cluster: broker and controller in one process, which can be ended and started again. */
export class KafkaNode {
  readonly id: number
  /** For clients, as it is advertised. */
  readonly address: string
  /** Past whatever stands before the advertised address; metadata that is asked for here names these of all nodes. */
  readonly directAddress: string
  readonly #start: () => Promise<ManagedProcess>
  #process: ManagedProcess | undefined

  constructor(
    at: { readonly id: number; readonly address: string; readonly directAddress: string },
    start: () => Promise<ManagedProcess>,
  ) {
    this.id = at.id
    this.address = at.address
    this.directAddress = at.directAddress
    this.#start = start
  }

  get isRunning(): boolean {
    return this.#process !== undefined && this.#process.exit === undefined
  }

  /** Resolves when it answers. @throws StackError */
  async start(): Promise<void> {
    this.#process = await this.#start()
    await this.#process.ready()
  }

  /** As kill -9 and a power cut do: nothing is handed over. Resolves when the process is gone. */
  async kill(): Promise<void> {
    this.#process?.killNow()
    await this.#process?.ended
  }
}

/**
 * A cluster on fresh storage whose topics have a replica on every node and want all but one of them in step.
 * @throws StackError when it cannot be started or does not get ready.
 */
export async function startKafkaCluster(options: KafkaClusterOptions): Promise<readonly KafkaNode[]> {
  const ids = Array.from({ length: options.nodes }, (_, index) => index + 1)
  const places = await Promise.all(
    ids.map(async id => {
      const clientPort = await freePort()
      const address = await options.advertise(id, clientPort)
      return { id, clientPort, address, directPort: await freePort(), controllerPort: await freePort() }
    }),
  )
  const voters = places.map(({ id, controllerPort }) => `${id}@${HOST}:${controllerPort}`).join(',')
  const clusterId = newClusterId()
  const nodes = await Promise.all(places.map(place => prepareNode(options, { ...place, voters, clusterId })))
  await Promise.all(nodes.map(node => node.start()))
  return nodes
}

interface Place {
  readonly id: number
  readonly clientPort: number
  readonly address: string
  readonly directPort: number
  readonly controllerPort: number
  readonly voters: string
  readonly clusterId: string
}

async function prepareNode(options: KafkaClusterOptions, place: Place): Promise<KafkaNode> {
  const { group, java, classPath } = options
  const dataDirectory = join(options.dataDirectory, `kafka-${place.id}`)
  const logFile = join(options.logDirectory, `kafka-${place.id}.log`)
  await mkdir(dataDirectory, { recursive: true })
  const configFile = join(dataDirectory, 'server.properties')
  await writeFile(configFile, nodeProperties(options, place, dataDirectory))
  await formatStorage({ group, java, classPath, logFile }, configFile, place.clusterId)
  const directAddress = `${HOST}:${place.directPort}`
  return new KafkaNode({ id: place.id, address: place.address, directAddress }, () =>
    group.launch({
      name: `Kafka node ${place.id}`,
      command: java,
      args: serverArgs({ heapMiB: HEAP_MIB, classPath, configFile }),
      logFile,
      readyWhen: kafkaAnswers([directAddress]),
      readyDeadlineMs: READY_DEADLINE_MS,
      // What it stores goes with it, and handing its partitions over to others that end too takes ten seconds.
      stopSignal: 'SIGKILL',
    }),
  )
}

function nodeProperties(options: KafkaClusterOptions, place: Place, dataDirectory: string): string {
  const { nodes, groupSessionTimeoutMs } = options
  const inStep = Math.max(1, nodes - 1)
  return `process.roles=broker,controller
node.id=${place.id}
controller.quorum.voters=${place.voters}
controller.listener.names=CONTROLLER
inter.broker.listener.name=DIRECT
listeners=CLIENT://${HOST}:${place.clientPort},DIRECT://${HOST}:${place.directPort},CONTROLLER://${HOST}:${place.controllerPort}
advertised.listeners=CLIENT://${place.address},DIRECT://${HOST}:${place.directPort}
listener.security.protocol.map=CLIENT:PLAINTEXT,DIRECT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=${join(dataDirectory, 'log')}

default.replication.factor=${nodes}
min.insync.replicas=${inStep}
offsets.topic.replication.factor=${nodes}
transaction.state.log.replication.factor=${nodes}
transaction.state.log.min.isr=${inStep}

# A node that is gone is noticed sooner than by the defaults of 9 s and 30 s; leaders go back to where they belong.
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=1000
replica.lag.time.max.ms=10000
leader.imbalance.check.interval.seconds=20
group.consumer.session.timeout.ms=${groupSessionTimeoutMs}
${SHARED_PROPERTIES}`
}
