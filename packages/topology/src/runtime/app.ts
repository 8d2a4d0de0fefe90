import type { KafkaClient } from '../client/ports.ts'
import { systemClock, type Clock } from '../clock.ts'
import { checkAppOptions, type AppConfig, type AppOptions, type Logger } from '../config.ts'
import { TopologyError } from '../errors.ts'
import { formatTopicPartition } from '../record.ts'
import { CommitLog, type CommitHistory } from '../observability/commit-log.ts'
import { Counters, type CounterSnapshot } from '../observability/counters.ts'
import { EventLoopWatch, type EventLoopDelay } from '../observability/event-loop-watch.ts'
import type { MetricFamily } from '../observability/metric.ts'
import type { CompiledTopology } from '../plan/compiled.ts'
import { outlineOf, type TopologyOutline } from '../plan/outline.ts'
import type { SchemaRegistry } from '../serde/schema-registry.ts'
import { appMetrics } from './app-metrics.ts'
import { Lifecycle, type AppState } from './lifecycle.ts'
import { openApplication, type OpenApplication } from './open-application.ts'
import type { DeliveryStats } from './delivery/delivery-stage.ts'
import type { TaskSource } from './task-source.ts'
import type { TableProgress, TableStats } from './tables/tables.ts'

export interface SourceStats {
  readonly topic: string
  readonly partition: number
  /** The next offset to process. */
  readonly position: number
  readonly committed: number | undefined
  /** Unfinished records up to the high watermark; -1 before the first response. */
  readonly lag: number
  /** Fetched and not yet processed. */
  readonly bufferedBytes: number
  /** Nothing more is fetched until the buffer has emptied. */
  readonly isPaused: boolean
  /** How old the oldest unfinished record is by its timestamp; 0 when there is none. */
  readonly lagMs: number
  /** The end of the partition; -1 before the first response. */
  readonly highWatermark: number
  /** Since a commit last changed the group's offset, or since reading began. */
  readonly commitAgeMs: number
}

export interface TaskStats {
  readonly id: string
  readonly inFlight: number
  readonly inFlightBytes: number
  /** Records that wait for their rows; they are in flight as well. */
  readonly parked: number
  readonly sources: readonly SourceStats[]
}

export interface AppStats {
  readonly state: AppState
  readonly tasks: readonly TaskStats[]
  readonly tables: readonly TableStats[]
  readonly counters: CounterSnapshot
  readonly deliveries: Readonly<Record<string, DeliveryStats>>
  readonly commits: number
  /** Of transactions, whose work was repeated. */
  readonly aborts: number
  /** Since the last call of `stats`. */
  readonly eventLoopDelayMs: EventLoopDelay
}

export interface Readiness {
  readonly isReady: boolean
  /** Why not, in words for an operator. */
  readonly reasons: readonly string[]
}

export interface AppEvents {
  onStateChange?(state: AppState, previous: AppState): void
  /** While tables load, and whenever one changes its state. */
  onTableProgress?(progress: TableProgress): void
}

const SILENT: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

/** What the parts of a running application are made from. */
export interface AppEnvironment {
  readonly topology: CompiledTopology
  readonly options: AppOptions
  readonly kafka: KafkaClient
  readonly registry: SchemaRegistry | undefined
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly counters: Counters
  readonly commitLog: CommitLog
  readonly events: AppEvents
  /** Aborts when the application closes or fails, also while it starts. */
  readonly closing: AbortSignal
  readonly onFailure: (error: Error) => void
}

export interface AppParts {
  /** Makes the client and the registry that the configuration describes. */
  connect(
    config: AppConfig,
    options: AppOptions,
  ): { readonly kafka: KafkaClient; readonly registry: SchemaRegistry | undefined }
}

/**
 * One process that runs a topology. Several with the same topology name share the work: Kafka's consumer group spreads the
 * partitions over them.
 */
export class App {
  readonly #topology: CompiledTopology
  readonly #options: AppOptions
  readonly #config: AppConfig
  readonly #parts: AppParts
  readonly #events: AppEvents
  readonly #logger: Logger
  readonly #counters = new Counters()
  readonly #commitLog: CommitLog
  readonly #lifecycle: Lifecycle
  readonly #clock: Clock
  readonly #loop: EventLoopWatch
  readonly #ended = Promise.withResolvers<void>()
  readonly #closed = new AbortController()
  #open: OpenApplication | undefined
  #kafka: KafkaClient | undefined
  #closing: Promise<void> | undefined
  #failure: Error | undefined

  constructor(topology: CompiledTopology, config: AppConfig, parts: AppParts, events: AppEvents = {}) {
    this.#topology = topology
    this.#config = config
    this.#parts = parts
    this.#events = events
    this.#options = checkAppOptions(topology.name, config)
    this.#logger = config.logger ?? SILENT
    this.#clock = config.clock ?? systemClock
    const { stallWarningMs, commitHistory, commitHistoryDistanceMs, commitHistoryEndsMs } = this.#options
    this.#commitLog = new CommitLog({
      intervals: commitHistory,
      distanceMs: commitHistoryDistanceMs,
      endsEveryMs: commitHistoryEndsMs,
    })
    this.#loop = new EventLoopWatch({ clock: this.#clock, logger: this.#logger, stallWarningMs })
    this.#lifecycle = new Lifecycle((state, previous) => {
      this.#logger.info({ application: topology.name, state, previous }, 'state changed')
      events.onStateChange?.(state, previous)
    })
    // A caller may look at `ended` late or never; the failure is also thrown by `start` and `close`.
    this.#ended.promise.catch(() => undefined)
  }

  get state(): AppState {
    return this.#lifecycle.state
  }

  /** Resolves when the application is closed, rejects with the reason when it has failed. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  /**
   * Checks topics, partitioning and schemas, loads the global tables, then joins the group. Rejects with the reason when the
   * topology cannot run; everything is closed again then.
   */
  async start(): Promise<void> {
    this.#lifecycle.to('starting')
    this.#loop.start()
    try {
      const { kafka, registry } = this.#parts.connect(this.#config, this.#options)
      this.#kafka = kafka
      const open = await openApplication(this.#environment(kafka, registry))
      // Closed meanwhile: nobody else knows of what has just been opened.
      if (this.#closed.signal.aborted) {
        await open.close()
        throw this.#closed.signal.reason as Error
      }
      this.#open = open
      await open.join()
      if (this.#lifecycle.state === 'starting') this.#lifecycle.to('running')
    } catch (error) {
      if (this.#closing === undefined) this.#fail(error as Error)
      await this.#closing
      throw this.#failure ?? error
    }
  }

  /** Drains what is under way, commits, leaves the group. Rejects with the reason when the application has failed. */
  async close(): Promise<void> {
    if (this.#closing === undefined) {
      if (this.#lifecycle.state === 'created') {
        this.#lifecycle.to('closed')
        this.#ended.resolve()
        return
      }
      this.#lifecycle.to('closing')
      this.#closing = this.#shutDown()
    }
    await this.#closing
    if (this.#failure !== undefined) throw this.#failure
  }

  readiness(): Readiness {
    const reasons: string[] = []
    const open = this.#open
    if (this.state !== 'running') reasons.push(`the application is ${this.state}`)
    else if (open?.group.isMember === false)
      reasons.push('the group has put this process out; it joins again')
    const silence = this.#longestSilence()
    if (silence !== undefined) reasons.push(silence)
    for (const table of open?.tables.stats() ?? []) {
      if (table.state !== 'live') reasons.push(`table ${table.table} is ${table.state}`)
    }
    for (const [step, stage] of open?.deliveries ?? []) {
      const problem = stage.problem
      if (problem !== undefined) reasons.push(`${step}: ${problem}`)
    }
    return { isReady: reasons.length === 0, reasons }
  }

  /** One partition is named: usually one broker is away, and with it many partitions. */
  #longestSilence(): string | undefined {
    const sources = (this.#open?.assignment.tasks ?? []).flatMap(task => [...task.sources])
    const silent = sources.filter(source => source.silenceMs(this.#clock) >= this.#options.brokerSilenceMs)
    const [longest] = silent.toSorted((a, b) => a.askedAtMs - b.askedAtMs)
    if (longest === undefined) return undefined
    const seconds = Math.round(longest.silenceMs(this.#clock) / 1_000)
    const others = silent.length === 1 ? '' : ` and ${silent.length - 1} more`
    return `no broker has answered for ${formatTopicPartition(longest.topic, longest.partition)}${others} for ${seconds} s`
  }

  stats(): AppStats {
    return this.#stats(this.#loop.take())
  }

  #stats(eventLoopDelayMs: EventLoopDelay): AppStats {
    const open = this.#open
    return {
      state: this.state,
      tasks: (open?.assignment.tasks ?? []).map(task => ({
        id: task.id,
        inFlight: task.inFlight.count,
        inFlightBytes: task.inFlight.bytes,
        parked: task.parked,
        sources: [...task.sources].map(source => sourceStats(source, this.#clock)),
      })),
      tables: open?.tables.stats() ?? [],
      counters: this.#counters.snapshot(),
      deliveries: Object.fromEntries(
        [...(open?.deliveries ?? [])].map(([name, stage]) => [name, stage.stats]),
      ),
      commits: open?.committer.commits ?? 0,
      aborts: open?.committer.aborts ?? 0,
      eventLoopDelayMs,
    }
  }

  /** The id of the group, which is the topology's name. */
  get applicationId(): string {
    return this.#topology.name
  }

  /** Names this process in the broker's logs and quotas. */
  get clientId(): string {
    return this.#options.clientId
  }

  /** `host:port` of those that are asked first; none where a client was given. */
  get brokers(): readonly string[] {
    const { kafka } = this.#config
    return isClient(kafka) ? [] : kafka.brokers
  }

  /** How often the commit histories take down the end of a partition. */
  get commitHistoryEndsMs(): number {
    return this.#options.commitHistoryEndsMs
  }

  /** The steps that records go through, and the tables that they meet. The same for every process of the application. */
  outline(): TopologyOutline {
    return outlineOf(this.#topology)
  }

  /** The latest commits of this process's partitions, for whoever judges them. */
  commitHistories(): readonly CommitHistory[] {
    return this.#commitLog.histories()
  }

  /** As Prometheus and its like take them; `docs/reference/metrics.md` lists them. Nothing is reset by it. */
  metrics(): readonly MetricFamily[] {
    return appMetrics({
      topology: this.#topology,
      options: this.#options,
      stats: this.#stats({ max: 0, p99: 0 }),
      isReady: this.readiness().isReady,
      counters: this.#counters,
      loopDelays: this.#loop.delays,
      open: this.#open,
    })
  }

  #environment(kafka: KafkaClient, registry: SchemaRegistry | undefined): AppEnvironment {
    return {
      topology: this.#topology,
      options: this.#options,
      kafka,
      registry,
      clock: this.#clock,
      random: this.#config.random ?? Math.random,
      logger: this.#logger,
      counters: this.#counters,
      commitLog: this.#commitLog,
      events: this.#events,
      closing: this.#closed.signal,
      onFailure: error => this.#fail(error),
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error
    this.#logger.error({ application: this.#topology.name, error }, 'the application cannot go on')
    this.#closing ??= this.#shutDown()
  }

  async #shutDown(): Promise<void> {
    this.#closed.abort(
      new TopologyError('TOPOLOGY_CLOSED', `The application ${this.#topology.name} is closed`),
    )
    try {
      await this.#open?.close()
    } catch (error) {
      this.#failure ??= error as Error
    }
    if (!isClient(this.#config.kafka)) {
      await this.#kafka
        ?.close()
        .catch((error: unknown) => this.#logger.warn({ error }, 'closing the client failed'))
    }
    this.#loop.stop()
    this.#lifecycle.to(this.#failure === undefined ? 'closed' : 'failed')
    if (this.#failure === undefined) this.#ended.resolve()
    else this.#ended.reject(this.#failure)
  }
}

function sourceStats(source: TaskSource, clock: Clock): SourceStats {
  const { topic, partition, tracker, committed, lag, buffer, isPaused, highWatermark, committedAtMs } = source
  return {
    topic,
    partition,
    position: tracker.position,
    committed,
    lag,
    bufferedBytes: buffer.bytes,
    isPaused,
    lagMs: source.lagMs(clock),
    highWatermark,
    commitAgeMs: clock.monotonicMs() - committedAtMs,
  }
}

export function isClient(kafka: AppConfig['kafka']): kafka is KafkaClient {
  return 'createFetcher' in kafka
}
