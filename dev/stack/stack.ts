import { randomBytes } from 'node:crypto'
import { rmSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { composeDown, composeUp, isDockerRunning } from './compose.ts'
import { findJava } from './java.ts'
import { kafkaAnswers, startKafka } from './kafka.ts'
import { kafkaClassPath, registryDistribution } from './maven.ts'
import type { Probe } from './managed-process.ts'
import { freePort, usualOrFreePort } from './ports.ts'
import { postgresAnswers, startPostgres } from './postgres.ts'
import { ProcessGroup } from './process-group.ts'
import type { ProcessRecord } from './process-identity.ts'
import { CONFLUENT_API_PATH, registryAnswers, startRegistry } from './registry.ts'
import { StackError } from './stack-error.ts'

export type StackPart = 'kafka' | 'registry' | 'postgres'

export type StackProgress =
  /** Maven is being asked: minutes the first time. */
  | { readonly kind: 'fetching'; readonly part: StackPart }
  | { readonly kind: 'ready'; readonly part: StackPart; readonly address: string; readonly seconds: number }

export interface StackOptions {
  /** `usual`: 9092, 8081 and 5432 where they are free. `free`: never those, so that a developer's stack is left alone. */
  readonly ports: 'usual' | 'free'
  /** One file per process. */
  readonly logDirectory: string
  /** Stops the stack after its own processes; without one the caller calls `stop`. */
  readonly group?: ProcessGroup
  /** Keeps running when this process ends; `stopRecorded` stops it then. */
  readonly outlivesParent?: boolean
  /** Default: that of TRIBUTARY_KAFKA_VERSION, or the one that `kafka/pom.xml` names. */
  readonly kafkaVersion?: string
  /** Default: `process.env`. */
  readonly env?: NodeJS.ProcessEnv
  readonly onProgress?: (progress: StackProgress) => void
}

/** What is needed to stop a stack from another process. */
export interface StackRecord {
  readonly processes: readonly ProcessRecord[]
  readonly dataDirectory: string
  readonly composeProject: string | undefined
}

export interface Stack {
  /** `host:port` each. */
  readonly kafkaBrokers: readonly string[]
  /** The base of the Confluent-compatible API. */
  readonly registryUrl: string
  readonly databaseUrl: string
  /** Log file by part; a server that was running before has none. */
  readonly logs: Readonly<Partial<Record<StackPart, string>>>
  readonly record: StackRecord
  /** Everything that was started has ended, and its data is removed, when this resolves. */
  stop(): Promise<void>
}

export const USUAL_PORTS: Readonly<Record<StackPart, number>> = {
  kafka: 9092,
  registry: 8081,
  postgres: 5432,
}

const ANSWER_DEADLINE_MS = 5_000
/** The first time Docker has the images to fetch before anything in them can start. */
const CONTAINER_DEADLINE_MS = 120_000

const scratchDirectories = new Set<string>()
process.on('exit', () => {
  for (const directory of scratchDirectories) {
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  }
})

/**
 * Kafka, Apicurio Registry and Postgres, ready for use. A part that KAFKA_BROKERS, SCHEMA_REGISTRY_URL or
 * DATABASE_URL names is taken as it is. Kafka and the registry run on Java, or in Docker where there is no Java.
 * @throws StackError with a message for the person at the terminal; whatever was started by then is stopped.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const group = new ProcessGroup()
  options.group?.defer(() => group.stop())
  try {
    return await new StackStart(group, options).run()
  } catch (error) {
    await group.stop()
    throw error
  }
}

/** The variables by which services, tests and a second stack find this one. */
export function stackEnvironment(stack: Pick<Stack, 'kafkaBrokers' | 'registryUrl' | 'databaseUrl'>): {
  readonly KAFKA_BROKERS: string
  readonly SCHEMA_REGISTRY_URL: string
  readonly DATABASE_URL: string
} {
  return {
    KAFKA_BROKERS: stack.kafkaBrokers.join(','),
    SCHEMA_REGISTRY_URL: stack.registryUrl,
    DATABASE_URL: stack.databaseUrl,
  }
}

/** One start: its choices and what has come of them so far. */
class StackStart {
  readonly #group: ProcessGroup
  readonly #options: StackOptions
  readonly #env: NodeJS.ProcessEnv
  readonly #startedAt = performance.now()
  readonly #logs: Partial<Record<StackPart, string>> = {}
  readonly #parts = new Set<Promise<unknown>>()
  #composeProject: string | undefined

  constructor(group: ProcessGroup, options: StackOptions) {
    this.#group = group
    this.#options = options
    this.#env = options.env ?? process.env
  }

  async run(): Promise<Stack> {
    const dataDirectory = await this.#makeDataDirectory()
    const [[brokers, registryUrl], databaseUrl] = await Promise.all([
      this.#kafkaAndRegistry(dataDirectory),
      this.#part(this.#postgres(dataDirectory)),
    ])
    const group = this.#group
    return {
      kafkaBrokers: brokers.split(','),
      registryUrl,
      databaseUrl,
      logs: this.#logs,
      record: {
        processes: group.processes.map(child => child.record).filter(record => record !== undefined),
        dataDirectory,
        composeProject: this.#composeProject,
      },
      stop: () => group.stop(),
    }
  }

  #part<T>(starting: Promise<T>): Promise<T> {
    this.#parts.add(starting)
    return starting
  }

  /** In the system's folder for such things, because Postgres must get there as another user when root starts it. */
  async #makeDataDirectory(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'tributary-stack-'))
    await chmod(directory, 0o711)
    if (this.#options.outlivesParent !== true) scratchDirectories.add(directory)
    this.#group.defer(async () => {
      await rm(directory, { recursive: true, force: true, maxRetries: 3 })
      scratchDirectories.delete(directory)
    })
    // When one part has failed the others may still be making folders in there.
    this.#group.defer(async () => {
      await Promise.allSettled(this.#parts)
    })
    return directory
  }

  async #kafkaAndRegistry(dataDirectory: string): Promise<[string, string]> {
    const givenBrokers = this.#env['KAFKA_BROKERS'] || undefined
    const givenUrl = this.#env['SCHEMA_REGISTRY_URL'] || undefined
    const checks: Promise<void>[] = []
    if (givenBrokers !== undefined) {
      checks.push(this.#checkGiven('kafka', givenBrokers, kafkaAnswers(givenBrokers.split(','))))
    }
    if (givenUrl !== undefined) checks.push(this.#checkGiven('registry', givenUrl, registryAnswers(givenUrl)))
    await Promise.all(checks)
    if (givenBrokers !== undefined && givenUrl !== undefined) return [givenBrokers, givenUrl]

    const needs = { kafka: givenBrokers === undefined, registry: givenUrl === undefined }
    const java = await this.#resolveJava(needs)
    if (java === undefined) {
      const started = await this.#part(this.#inContainers(needs))
      return [givenBrokers ?? started.kafka, givenUrl ?? started.registry]
    }
    return await Promise.all([
      givenBrokers ?? this.#part(this.#kafkaOnJava(java.java, java.classPath, dataDirectory)),
      givenUrl ?? this.#part(this.#registryOnJava(java.java, java.distribution)),
    ])
  }

  /** Undefined when Docker has to do. One Maven after the other: its local repository is not made for two. */
  async #resolveJava(needs: {
    kafka: boolean
    registry: boolean
  }): Promise<{ java: string; classPath: string; distribution: string } | undefined> {
    const maven = {
      group: this.#group,
      env: this.#env,
      logDirectory: this.#options.logDirectory,
    }
    const fetching = (part: StackPart) => () => this.#options.onProgress?.({ kind: 'fetching', part })
    try {
      return {
        java: await findJava(this.#env),
        classPath: needs.kafka
          ? await kafkaClassPath({ ...maven, onFetch: fetching('kafka') }, this.#options.kafkaVersion)
          : '',
        distribution: needs.registry
          ? await registryDistribution({ ...maven, onFetch: fetching('registry') })
          : '',
      }
    } catch (error) {
      const isMissing =
        error instanceof StackError && (error.code === 'STACK_JAVA' || error.code === 'STACK_MAVEN')
      if (isMissing && (await isDockerRunning(this.#env))) return undefined
      throw error
    }
  }

  async #kafkaOnJava(java: string, classPath: string, dataDirectory: string): Promise<string> {
    const { broker } = await startKafka({
      group: this.#group,
      java,
      classPath,
      port: await this.#port('kafka'),
      dataDirectory: join(dataDirectory, 'kafka'),
      logFile: this.#log('kafka'),
      outlivesParent: this.#options.outlivesParent ?? false,
    })
    this.#announce('kafka', broker)
    return broker
  }

  async #registryOnJava(java: string, distribution: string): Promise<string> {
    const { url } = await startRegistry({
      group: this.#group,
      java,
      distribution,
      port: await this.#port('registry'),
      logFile: this.#log('registry'),
      outlivesParent: this.#options.outlivesParent ?? false,
    })
    this.#announce('registry', url)
    return url
  }

  async #inContainers(needs: {
    kafka: boolean
    registry: boolean
  }): Promise<Record<'kafka' | 'registry', string>> {
    const parts = (['kafka', 'registry'] as const).filter(part => needs[part])
    const [kafkaPort, registryPort] = await Promise.all([this.#port('kafka'), this.#port('registry')])
    const project = `tributary-${randomBytes(4).toString('hex')}`
    this.#composeProject = project
    this.#group.defer(() => composeDown(project, this.#env))
    for (const part of parts) this.#options.onProgress?.({ kind: 'fetching', part })
    const logFile = join(this.#options.logDirectory, 'docker.log')
    for (const part of parts) this.#logs[part] = logFile
    await composeUp({
      group: this.#group,
      project,
      services: parts,
      env: { ...this.#env, KAFKA_PORT: String(kafkaPort), REGISTRY_PORT: String(registryPort) },
      logFile,
      outlivesParent: this.#options.outlivesParent ?? false,
    })
    const addresses = {
      kafka: `127.0.0.1:${kafkaPort}`,
      registry: `http://127.0.0.1:${registryPort}${CONFLUENT_API_PATH}`,
    }
    const probes = { kafka: kafkaAnswers([addresses.kafka]), registry: registryAnswers(addresses.registry) }
    await Promise.all(
      parts.map(async part => {
        if (!(await this.#answersWithin(probes[part], CONTAINER_DEADLINE_MS))) {
          throw new StackError(
            'STACK_NOT_READY',
            `The container of ${part} did not get ready within ${CONTAINER_DEADLINE_MS / 1_000} s: read ${logFile} for the reason.`,
          )
        }
        this.#announce(part, addresses[part])
      }),
    )
    return addresses
  }

  async #postgres(dataDirectory: string): Promise<string> {
    const given = this.#env['DATABASE_URL'] || undefined
    if (given !== undefined) {
      await this.#checkGiven('postgres', given, postgresAnswers(given))
      return given
    }
    const { url } = await startPostgres({
      group: this.#group,
      port: await this.#port('postgres'),
      dataDirectory: join(dataDirectory, 'postgres'),
      logFile: this.#log('postgres'),
      outlivesParent: this.#options.outlivesParent ?? false,
    })
    this.#announce('postgres', url)
    return url
  }

  async #checkGiven(part: StackPart, address: string, probe: Probe): Promise<void> {
    if (!(await this.#answersWithin(probe, ANSWER_DEADLINE_MS))) {
      const variable = { kafka: 'KAFKA_BROKERS', registry: 'SCHEMA_REGISTRY_URL', postgres: 'DATABASE_URL' }[
        part
      ]
      throw new StackError(
        'STACK_UNREACHABLE',
        `${variable} names ${withoutPassword(address)}, which does not answer: start that server, or unset ${variable} to have one started here.`,
      )
    }
    this.#announce(part, withoutPassword(address))
  }

  async #answersWithin(probe: Probe, deadlineMs: number): Promise<boolean> {
    const deadline = AbortSignal.timeout(deadlineMs)
    while (!deadline.aborted && !this.#group.isStopping) {
      if (await probe(deadline).catch(() => false)) return true
      await sleep(100)
    }
    return false
  }

  #port(part: StackPart): Promise<number> {
    return this.#options.ports === 'usual' ? usualOrFreePort(USUAL_PORTS[part]) : freePort()
  }

  #log(part: StackPart): string {
    const file = join(this.#options.logDirectory, `${part}.log`)
    this.#logs[part] = file
    return file
  }

  #announce(part: StackPart, address: string): void {
    const seconds = (performance.now() - this.#startedAt) / 1_000
    this.#options.onProgress?.({ kind: 'ready', part, address, seconds })
  }
}

function withoutPassword(address: string): string {
  if (!URL.canParse(address)) return address
  const url = new URL(address)
  if (url.password !== '') url.password = '***'
  return url.href
}
