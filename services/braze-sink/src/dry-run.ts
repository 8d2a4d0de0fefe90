import {
  brazeDryRun,
  type BrazeDestination,
  type ComposedRequest,
  type DryRunOptions,
} from '@tributary/sink-braze'
import {
  createApp,
  createSpectator,
  spectatorRegistry,
  type AppConfig,
  type KafkaClient,
  type RecordContext,
  type SchemaRegistry,
  type Topology,
  type UnwrittenRecord,
} from '@tributary/topology'
import type { DryRunArguments } from './arguments.ts'

export interface DryRunParts extends DryRunArguments {
  readonly kafka: KafkaClient
  readonly registry: SchemaRegistry
  readonly logger: NonNullable<AppConfig['logger']>
  readonly braze: DryRunOptions
  /** The sink's topology, with what stands in for Braze. */
  readonly topology: (destination: BrazeDestination) => Pick<Topology, 'compiled'>
  /** Takes one line. Nothing more is put together before the promise resolves. */
  readonly print: (line: string) => void | Promise<void>
  /** Aborted: it ends with what has been read so far. */
  readonly signal: AbortSignal
}

/** What is finished is known from commits, which are made for that alone. */
const COMMIT_INTERVAL_MS = 50

/** Prints what the sink would send, and leaves no trace. Rejects when the topology cannot run. */
export async function dryRun(parts: DryRunParts): Promise<void> {
  const { kafka, follow, limit, signal, print } = parts
  const report = new Report(print)
  const destination = brazeDryRun(parts.braze, request => report.request(request))
  const topology = parts.topology(destination)
  const spectator = createSpectator(kafka, {
    until: follow ? 'never' : 'end',
    ...(limit === undefined ? {} : { maxRecords: limit }),
    onRecord: record => report.unwritten(record, `${topology.compiled.name}-dead-letters`),
  })
  const app = createApp(topology, {
    kafka: spectator.client,
    registry: spectatorRegistry(parts.registry),
    logger: parts.logger,
    commitIntervalMs: COMMIT_INTERVAL_MS,
  })
  const interrupted = new Promise<void>(resolve => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
  try {
    await Promise.race([app.start(), interrupted])
    await Promise.race([spectator.finished, interrupted, app.ended])
  } finally {
    await app.close()
  }
  await report.end(destination)
}

/** `marketing-events-3@1207`: topic, partition, offset. */
function place({ topic, partition, offset }: Pick<RecordContext, 'topic' | 'partition' | 'offset'>): string {
  return `${topic}-${partition}@${offset}`
}

class Report {
  readonly #print: DryRunParts['print']
  #requests = 0
  #objects = 0
  #bytes = 0
  #rejected = 0

  constructor(print: DryRunParts['print']) {
    this.#print = print
  }

  async request({ endpoint, body, bytes, objects, records }: ComposedRequest): Promise<void> {
    this.#requests += 1
    this.#objects += objects
    this.#bytes += bytes
    const places = Object.entries(records).map(([array, ofArray]) => [
      array,
      ofArray.map(of => of.map(place)),
    ])
    await this.#line({
      kind: 'request',
      endpoint,
      objects,
      bytes,
      records: Object.fromEntries(places) as unknown,
      body: JSON.parse(body) as unknown,
    })
  }

  /** Of what would have been written, dead letters are worth a line; what is remembered of users is not. */
  unwritten({ topic, headers }: UnwrittenRecord, deadLetters: string): void {
    if (topic !== deadLetters) return
    this.#rejected += 1
    const texts = new Map(headers.map(([name, value]) => [name, value?.toString() ?? '']))
    const text = (name: string): string => texts.get(name) ?? ''
    void this.#line({
      kind: 'rejected',
      record: `${text('__streams.errors.topic')}-${text('__streams.errors.partition')}@${text('__streams.errors.offset')}`,
      code: text('tributary.errors.code'),
      step: text('tributary.errors.step'),
      reason: text('__streams.errors.message'),
    })
  }

  async end({ stats }: BrazeDestination): Promise<void> {
    await this.#line({
      kind: 'summary',
      requests: this.#requests,
      objects: this.#objects,
      bytes: this.#bytes,
      meanFill: this.#requests === 0 ? 0 : Number((this.#objects / this.#requests).toFixed(1)),
      rejected: this.#rejected,
      shaping: stats.shaping,
    })
  }

  async #line(line: object): Promise<void> {
    await this.#print(`${JSON.stringify(line)}\n`)
  }
}
