import type { HistogramValue, MetricFamily, MetricSample } from '@tributary/topology'
import type { StatsD } from 'hot-shots'
import type { Logger as PinoLogger } from 'pino'

export interface DogStatsDAddress {
  readonly host: string
  readonly port: number
}

export interface DogStatsDOptions {
  readonly address: DogStatsDAddress
  /** Datadog's tag `service` of all series. */
  readonly service: string
  readonly families: () => readonly MetricFamily[]
  readonly logger: Pick<PinoLogger, 'warn' | 'info'>
  /** Calls back once after so many milliseconds; returns what cancels it. */
  readonly schedule: (ms: number, callback: () => void) => () => void
}

/** As long as the Datadog Agent gathers before it passes on. */
const INTERVAL_MS = 10_000
const NAMESPACE = 'tributary'

/**
 * Sends the metrics of `/metrics` to a DogStatsD server, named and shaped as the Datadog Agent's OpenMetrics check names what it
 * scrapes, so that monitors and dashboards hold for both ways: `tributary_dead_letters_total` is `tributary.dead_letters.count`,
 * a histogram is `.count`, `.sum` and cumulative `.bucket`s by `upper_bound`.
 */
export class DogStatsD {
  readonly #options: DogStatsDOptions
  readonly #client: StatsD
  /** What was sent of each total: the protocol takes increments. */
  readonly #sent = new Map<string, number>()
  #cancel: (() => void) | undefined
  #isFailing = false

  private constructor(options: DogStatsDOptions, Client: typeof StatsD) {
    this.#options = options
    this.#client = new Client({
      ...options.address,
      protocol: 'udp',
      cacheDns: true,
      globalTags: { service: options.service },
      // Of its own; the figures are the service's.
      includeDatadogTelemetry: false,
      errorHandler: error => this.#failed(error),
    })
    this.#next()
  }

  /** The client is loaded only where it is wanted. */
  static async open(options: DogStatsDOptions): Promise<DogStatsD> {
    const { StatsD } = await import('hot-shots')
    return new DogStatsD(options, StatsD)
  }

  /** Sends once more, so that nothing is lost of the end. */
  async close(): Promise<void> {
    this.#cancel?.()
    this.#send()
    await new Promise<void>(resolve => this.#client.close(() => resolve()))
  }

  /** Said once per outage: a lost packet is no reason to fill the log, and none to stop. */
  #failed(error: Error): void {
    if (this.#isFailing) return
    this.#isFailing = true
    const { host, port } = this.#options.address
    this.#options.logger.warn({ host, port, error }, 'DogStatsD cannot be reached; metrics go on at /metrics')
  }

  #next(): void {
    this.#cancel = this.#options.schedule(INTERVAL_MS, () => {
      this.#isFailing = false
      this.#send()
      this.#next()
    })
  }

  #send(): void {
    for (const { name, type, samples } of this.#options.families()) {
      const stat = `${NAMESPACE}.${name.replace(/^tributary_/, '').replace(/_total$/, '')}`
      for (const { labels, value } of samples) this.#sendSample(stat, type, { labels, value })
    }
  }

  #sendSample(stat: string, type: MetricFamily['type'], { labels, value }: MetricSample): void {
    if (typeof value !== 'number') this.#sendHistogram(stat, labels, value)
    else if (type === 'gauge') this.#client.gauge(stat, value, labels)
    else this.#add(`${stat}.count`, value, labels)
  }

  #sendHistogram(
    stat: string,
    labels: MetricSample['labels'],
    { bounds, counts, sum }: HistogramValue,
  ): void {
    let count = 0
    for (const [i, inBucket] of counts.entries()) {
      count += inBucket
      this.#add(`${stat}.bucket`, count, { ...labels, upper_bound: String(bounds[i] ?? 'inf') })
    }
    this.#add(`${stat}.count`, count, labels)
    this.#add(`${stat}.sum`, sum, labels)
  }

  #add(stat: string, total: number, labels: MetricSample['labels']): void {
    const series = `${stat} ${JSON.stringify(labels)}`
    const more = total - (this.#sent.get(series) ?? 0)
    if (more <= 0) return
    this.#sent.set(series, total)
    this.#client.increment(stat, more, labels)
  }
}
