import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { customerEvents } from '@tributary/marketing-events'
import { generateDemoData } from '../demo/data/demo-data.ts'
import { generateMalformed } from '../demo/data/malformed.ts'
import { inputMessages } from '../demo/kafka/input-messages.ts'
import { publish, rawMessage, type Message } from '../demo/kafka/publish.ts'
import type { ScaledService } from '../demo/options.ts'
import { ServiceProcesses, type ServiceProcess } from '../demo/services/service-processes.ts'
import { setUp, type Ground } from '../demo/set-up.ts'
import { startServices, type RunningServices } from '../demo/start-services.ts'
import type { ProcessGroup } from '../stack/process-group.ts'
import { startPrometheus, type Prometheus } from '../stack/prometheus.ts'

export interface SceneOptions {
  readonly group: ProcessGroup
  readonly logDirectory: string
  readonly say: (line: string) => void
  /** Domain events that can be published, one after the other. */
  readonly events: number
  /** Undecodable records, which `publishPoison` publishes. */
  readonly malformed: number
  readonly instances: Readonly<Record<ScaledService, number>>
  /** By service: variables beside those that the demo sets. */
  readonly env?: Readonly<Record<string, Readonly<Record<string, string>>>>
  /** The text of a file of rules. */
  readonly rules: string
}

/** Between two scrapes. */
const SCRAPE_MS = 500
const SCRAPED_DEADLINE_MS = 30_000

/** The marketplace's services on a stack of their own, and a Prometheus that watches them. */
export class Scene {
  readonly group: ProcessGroup
  readonly ground: Ground
  readonly services: RunningServices
  readonly prometheus: Prometheus
  readonly #messages: readonly Message[]
  readonly #poison: readonly Message[]
  #published = 0

  private constructor(parts: {
    readonly group: ProcessGroup
    readonly ground: Ground
    readonly services: RunningServices
    readonly prometheus: Prometheus
    readonly messages: readonly Message[]
    readonly poison: readonly Message[]
  }) {
    this.group = parts.group
    this.ground = parts.ground
    this.services = parts.services
    this.prometheus = parts.prometheus
    this.#messages = parts.messages
    this.#poison = parts.poison
  }

  /** @throws StackError, DemoError */
  static async start(options: SceneOptions): Promise<Scene> {
    const { group, logDirectory, say, events, malformed, instances, rules, env = {} } = options
    const dataDirectory = await mkdtemp(join(tmpdir(), 'tributary-scene-'))
    group.defer(() => rm(dataDirectory, { recursive: true, force: true, maxRetries: 3 }))
    const data = generateDemoData({ seed: 1, events })
    const ground = await setUp({
      group,
      logDirectory,
      data,
      say,
      ports: 'free',
      env: withoutServers(process.env),
    })
    const processes = new ServiceProcesses(group, logDirectory)
    const services = await startServices(processes, ground, { instances, env })
    const messages = inputMessages(data, ground.codecs.get(customerEvents.name)!, { seed: 1, malformed: 0 })
    const poison = generateMalformed({
      seed: 1,
      count: malformed,
      events,
      customers: data.customers,
      sample: messages[0]!.value,
    }).map(({ key, value }) => rawMessage(customerEvents.name, Buffer.from(key), value))
    const prometheus = await startPrometheus({
      group,
      logDirectory,
      dataDirectory,
      targets: {
        'activities-api': [addressOf(services.activitiesApi)],
        ...Object.fromEntries(
          Object.entries(services.scaled).map(([job, each]) => [job, each.map(addressOf)]),
        ),
      },
      rules,
      intervalMs: SCRAPE_MS,
    })
    await untilScraped(
      prometheus,
      Object.values(instances).reduce((sum, count) => sum + count, 0),
    )
    return new Scene({ group, ground, services, prometheus, messages, poison })
  }

  async publishPoison(): Promise<void> {
    await publish(this.ground.producer, this.#poison)
  }

  /** The next of the events. Resolves when the broker has them. */
  async publish(count: number): Promise<void> {
    const from = this.#published
    this.#published = Math.min(this.#messages.length, from + count)
    await publish(this.ground.producer, this.#messages.slice(from, this.#published))
  }
}

/** The first scrapes come while the services still have their start to do. */
async function untilScraped(prometheus: Prometheus, processes: number): Promise<void> {
  const deadline = performance.now() + SCRAPED_DEADLINE_MS
  while ((await prometheus.query('min_over_time(tributary_ready[5s]) == 1')).length < processes) {
    if (performance.now() > deadline) throw new Error('Prometheus does not get to scrape the services.')
    await sleep(SCRAPE_MS)
  }
}

function addressOf({ url }: Pick<ServiceProcess, 'url'>): string {
  return new URL(url).host
}

/** The scene's stack is its own, so that its topics are in nobody's way. */
function withoutServers(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { KAFKA_BROKERS: _, SCHEMA_REGISTRY_URL: __, DATABASE_URL: ___, ...rest } = env
  return rest
}
