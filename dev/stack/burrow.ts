import { mkdir, writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { connect } from 'node:net'
import { BURROW, debianRoot, ZOOKEEPER, zooKeeperJars, type PackageRun } from './debian-packages.ts'
import { freePort } from './ports.ts'

/** The times by which Burrow judges, in its own whole seconds. */
export interface BurrowWindow {
  /** Commits per partition that it looks at. */
  readonly intervals: number
  /** Commits closer together than this count as one. */
  readonly minDistanceSeconds: number
  /** Between two looks at the ends of the topics. */
  readonly offsetRefreshSeconds: number
}

export interface BurrowOptions extends PackageRun {
  readonly java: string
  readonly brokers: readonly string[]
  readonly dataDirectory: string
  readonly window: BurrowWindow
}

/** What `/v3/kafka/<cluster>/consumer/<group>/lag` says, as far as it is looked at. */
export interface BurrowStatus {
  readonly status: string
  readonly totallag: number
  readonly partitions: readonly {
    readonly topic: string
    readonly partition: number
    readonly status: string
    readonly current_lag: number
  }[]
}

export interface BurrowCluster {
  readonly error: boolean
  readonly message: string
  readonly module: Readonly<Record<string, unknown>> & {
    readonly servers: readonly string[]
    readonly 'client-profile': object
    readonly 'offset-refresh': number
  }
}

/** Burrow's name for the cluster that it watches. */
const BURROW_CLUSTER = 'local'

const HOST = '127.0.0.1'
/** Of a verdict; Burrow would give the same one for 10 s. */
const CACHE_SECONDS = 1
const ANSWER_DEADLINE_MS = 1_000

/** A running Burrow, or what answers under its paths, asked over HTTP. */
export class Burrow {
  readonly url: string
  readonly #cluster: string

  constructor(url: string, cluster: string) {
    this.url = url
    this.#cluster = cluster
  }

  /** The answer to `/v3/kafka/<cluster>`. */
  async cluster(): Promise<BurrowCluster> {
    const response = await fetch(`${this.url}/v3/kafka/${this.#cluster}`)
    return (await response.json()) as BurrowCluster
  }

  /** Undefined while it knows no such group. */
  async status(group: string): Promise<BurrowStatus | undefined> {
    const response = await fetch(`${this.url}/v3/kafka/${this.#cluster}/consumer/${group}/lag`)
    const body = (await response.json()) as { readonly error: boolean; readonly status: BurrowStatus }
    return body.error ? undefined : body.status
  }
}

/**
 * Debian's Burrow on Debian's ZooKeeper, watching all groups of the brokers. Both end with the group.
 * @throws StackError when they cannot be had or do not get ready.
 */
export async function startBurrow(options: BurrowOptions): Promise<Burrow> {
  const { group, logDirectory, dataDirectory } = options
  const program = join(await debianRoot(options, BURROW), 'usr/bin/Burrow')
  const zooKeeper = await startZooKeeper(options)
  const port = await freePort()
  const directory = join(dataDirectory, 'burrow')
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'burrow.toml'), burrowConfig(options, { zooKeeper, port, directory }))
  const url = `http://${HOST}:${port}`
  await group.start({
    name: 'Burrow',
    command: program,
    args: ['-config-dir', directory],
    logFile: join(logDirectory, 'burrow.log'),
    readyWhen: async signal => {
      const response = await fetch(`${url}/burrow/admin`, { signal })
      await response.arrayBuffer()
      return response.ok
    },
  })
  return new Burrow(url, BURROW_CLUSTER)
}

/** Returns its address. */
async function startZooKeeper(options: BurrowOptions): Promise<string> {
  const root = await debianRoot(options, ZOOKEEPER)
  const directory = join(options.dataDirectory, 'zookeeper')
  await mkdir(directory, { recursive: true })
  const port = await freePort()
  const configFile = join(directory, 'zoo.cfg')
  await writeFile(
    configFile,
    `dataDir=${join(directory, 'data')}
clientPort=${port}
clientPortAddress=${HOST}
tickTime=1000
admin.enableServer=false
`,
  )
  await options.group.start({
    name: 'ZooKeeper',
    command: options.java,
    args: [
      '-Xmx64m',
      '-cp',
      zooKeeperJars(root).join(delimiter),
      'org.apache.zookeeper.server.ZooKeeperServerMain',
      configFile,
    ],
    logFile: join(options.logDirectory, 'zookeeper.log'),
    readyWhen: signal => zooKeeperServes(port, signal),
  })
  return `${HOST}:${port}`
}

/**
 * It accepts connections before it serves, and closes those again or never answers them: what counts is that it tells
 * its mode.
 */
function zooKeeperServes(port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: HOST, port, signal })
    let answer = ''
    socket.setEncoding('utf8')
    socket.once('connect', () => socket.write('srvr'))
    socket.on('data', text => {
      answer += text
    })
    socket.setTimeout(ANSWER_DEADLINE_MS, () => socket.destroy())
    socket.once('error', reject)
    socket.once('close', () => resolve(answer.includes('Mode: ')))
  })
}

function burrowConfig(
  { brokers, window }: BurrowOptions,
  at: { readonly zooKeeper: string; readonly port: number; readonly directory: string },
): string {
  const servers = JSON.stringify(brokers)
  return `[general]
pidfile="${join(at.directory, 'burrow.pid')}"

[logging]
level="info"

[zookeeper]
servers=["${at.zooKeeper}"]
timeout=6
root-path="/burrow"

[client-profile.tributary]
client-id="burrow"
kafka-version="2.1.0"

[cluster.${BURROW_CLUSTER}]
class-name="kafka"
servers=${servers}
client-profile="tributary"
topic-refresh=1
offset-refresh=${window.offsetRefreshSeconds}

[consumer.${BURROW_CLUSTER}]
class-name="kafka"
cluster="${BURROW_CLUSTER}"
servers=${servers}
client-profile="tributary"
group-whitelist=""
group-blacklist=""

[evaluator.default]
class-name="caching"
expire-cache=${CACHE_SECONDS}

[httpserver.default]
address="${HOST}:${at.port}"

[storage.default]
class-name="inmemory"
intervals=${window.intervals}
expire-group=3600
min-distance=${window.minDistanceSeconds}
`
}
