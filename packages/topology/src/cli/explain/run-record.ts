import type { BatchProducer, FetchedBatch, KafkaClient, ProduceBatch } from '../../client/ports.ts'
import type { Clock } from '../../clock.ts'
import { APP_OPTIONS, type AppOptions } from '../../config.ts'
import { Counters } from '../../observability/counters.ts'
import { checkOptions } from '../../option-table.ts'
import type { CompiledSubTopology, CompiledTopology } from '../../plan/compiled.ts'
import { readOutputLimits, type OutputLimits, NO_LIMITS } from '../../runtime/output-limits.ts'
import { RecordCollector } from '../../runtime/record-collector.ts'
import { openCodecs, type TopologyCodecs } from '../../runtime/start-up.ts'
import { Task } from '../../runtime/task.ts'
import type { TaskEnvironment } from '../../runtime/task-environment.ts'
import type { SchemaRegistry } from '../../serde/schema-registry.ts'
import { setBaseOffset } from '../../wire/batch-header.ts'
import { readHeaders, RecordCursor } from '../../wire/record-batch-reader.ts'
import { RecordBatchWriter } from '../../wire/record-batch-writer.ts'
import type { CliContext } from '../context.ts'
import type { StoredRecord } from '../read-topic.ts'
import { CurrentTables } from './current-tables.ts'
import { tracedChain } from './traced-chain.ts'
import { type StepTrace, Tracer } from './tracer.ts'

/** What an application would write. */
export interface Output extends Omit<StoredRecord, 'offset'> {
  readonly topic: string
}

/** A record's way through one sub-topology. */
export interface RecordRun {
  readonly subTopology: number
  readonly topic: string
  readonly partition: number
  /** Null for a record that this explanation has put into a repartition topic. */
  readonly offset: number | null
  readonly steps: readonly StepTrace[]
}

const APP_DEFAULTS: AppOptions = checkOptions('explain', APP_OPTIONS)
export const DEAD_LETTERS = 'dead-letters'

interface Opened {
  readonly codecs: TopologyCodecs
  readonly partitions: ReadonlyMap<string, number>
  readonly limits: ReadonlyMap<string, OutputLimits>
}

export interface ExplainerOptions {
  readonly topology: CompiledTopology
  readonly kafka: KafkaClient
  readonly registry: SchemaRegistry | undefined
  readonly context: CliContext
  readonly clock: Clock
  readonly isCalling: boolean
}

/**
 * Runs single records through the tasks of an application, with the rows that its tables have now. Nothing is written: what
 * would be is kept.
 */
export class Explainer {
  readonly tables: CurrentTables
  readonly codecs: TopologyCodecs
  readonly outputs: Output[] = []
  readonly #options: ExplainerOptions
  readonly #opened: Opened
  /** Nobody reads them: a task counts whatever it does. */
  readonly #counters = new Counters()

  static async open(options: ExplainerOptions): Promise<Explainer> {
    const { topology, kafka, registry } = options
    const codecs = await openCodecs(topology, registry)
    const written = topology.subTopologies.flatMap(({ sinks }) => sinks.map(({ topic }) => topic))
    const read = topology.subTopologies.flatMap(({ sources }) => sources.map(({ topic }) => topic))
    const topics = [...new Set([...read, ...written])]
    const descriptions = await kafka.admin.describeTopics(topics)
    const partitions = new Map(topics.map((topic, i) => [topic, descriptions[i]?.partitions]))
    const largest = Math.max(1, ...[...partitions.values()].map(count => count ?? 1))
    const existing = topics.filter(topic => partitions.get(topic) !== undefined)
    return new Explainer(options, {
      codecs,
      // A repartition topic that is not there yet would be created with as many.
      partitions: new Map(Array.from(partitions, ([topic, count]) => [topic, count ?? largest])),
      limits: await readOutputLimits(kafka.admin, existing),
    })
  }

  private constructor(options: ExplainerOptions, opened: Opened) {
    this.#options = options
    this.#opened = opened
    this.codecs = opened.codecs
    const { topology, kafka, registry, context } = options
    this.tables = new CurrentTables(topology, { kafka, registry, context })
  }

  /** Through every sub-topology that reads the topic, and on through repartition topics. */
  async run(topic: string, record: StoredRecord): Promise<readonly RecordRun[]> {
    const runs: RecordRun[] = []
    const next: { readonly topic: string; readonly record: StoredRecord; readonly isOwn: boolean }[] = [
      { topic, record, isOwn: false },
    ]
    for (let at = 0; at < next.length; at += 1) {
      const { topic: from, record: given, isOwn } = next[at] as (typeof next)[number]
      for (const chain of this.#readersOf(from)) {
        const written = this.outputs.length
        const steps = await this.#runThrough(chain, from, given)
        const { partition, offset } = given
        runs.push({ subTopology: chain.id, topic: from, partition, offset: isOwn ? null : offset, steps })
        for (const output of this.outputs.slice(written)) {
          const isRead = this.#options.topology.repartitions.some(each => each.topic === output.topic)
          if (isRead) next.push({ topic: output.topic, record: { ...output, offset: 0 }, isOwn: true })
        }
      }
    }
    return runs
  }

  #readersOf(topic: string): readonly CompiledSubTopology[] {
    return this.#options.topology.subTopologies.filter(({ sources }) =>
      sources.some(source => source.topic === topic),
    )
  }

  async #runThrough(
    chain: CompiledSubTopology,
    topic: string,
    record: StoredRecord,
  ): Promise<readonly StepTrace[]> {
    const { clock, isCalling, context } = this.#options
    await this.tables.load(chain, record.partition)
    const tracer = new Tracer()
    const pace = new Pace()
    const collector = this.#collector(pace)
    const task = new Task({
      subTopology: tracedChain(chain, {
        tracer,
        clock,
        isCalling,
        table: id => this.tables.reader(id, record.partition, tracer),
        onCall: change => pace.called(change),
      }),
      partition: record.partition,
      environment: this.#environment(collector, pace),
      table: id => this.tables.reader(id, record.partition, tracer),
      memory: () => {
        throw new Error('A delivery that is only shown remembers nothing')
      },
    })
    for (const source of chain.sources) task.addSource(source.topic, record.offset, undefined)
    task.accept(asFetched(topic, record))
    const onAbort = (): void => pace.wake()
    context.signal?.addEventListener('abort', onAbort)
    try {
      for (;;) {
        context.signal?.throwIfAborted()
        const woken = pace.begin()
        task.process(Number.POSITIVE_INFINITY)
        // What an answer leads to comes in microtasks.
        await new Promise<void>(resolve => setImmediate(resolve))
        await collector.flush()
        if (pace.failure !== undefined) throw pace.failure
        if (pace.isReady) continue
        const isWaiting = [...task.sources].some(source => source.isWaitingForSchema)
        if (!isWaiting && pace.calls === 0) return tracer.roots
        await woken
      }
    } finally {
      context.signal?.removeEventListener('abort', onAbort)
      task.abort()
      collector.discard()
    }
  }

  #collector(pace: Pace): RecordCollector {
    const { partitions, limits } = this.#opened
    const producer: BatchProducer = {
      send: batch => {
        this.outputs.push(...recordsIn(batch))
        return Promise.resolve({ baseOffset: -1 })
      },
      close: () => Promise.resolve(),
    }
    const { batchBytes, lingerMs, maxPendingBytes, maxRecordBytes } = APP_DEFAULTS
    return new RecordCollector({
      producer,
      counters: this.#counters,
      clock: this.#options.clock,
      partitionsOf: topic => partitions.get(topic) ?? 1,
      limitsOf: topic => limits.get(topic) ?? NO_LIMITS,
      batchBytes,
      lingerMs,
      maxPendingBytes,
      maxRecordBytes,
      onFailure: error => pace.failed(error),
      onSpace: () => undefined,
    })
  }

  #environment(collector: RecordCollector, pace: Pace): TaskEnvironment {
    const { codecs } = this.#opened
    const { onMalformedRecord, onNullKey, onProcessingFailure, onProductionFailure } = APP_DEFAULTS
    return {
      collector,
      onReady: () => pace.ready(),
      onFailure: error => pace.failed(error),
      clock: this.#options.clock,
      random: () => 1,
      counters: this.#counters,
      sourceCodecs: codecs.sources,
      sinkCodecs: codecs.sinks,
      deliveries: new Map(),
      deadLetterTopic: DEAD_LETTERS,
      policies: {
        deserialization: onMalformedRecord,
        nullKey: onNullKey,
        processing: onProcessingFailure,
        production: onProductionFailure,
      },
      maxBufferedBytes: Number.POSITIVE_INFINITY,
      maxInFlightRecords: Number.POSITIVE_INFINITY,
      maxInFlightBytes: Number.POSITIVE_INFINITY,
      holdsOutputs: false,
      flow: { pause: () => undefined, resume: () => undefined },
    }
  }
}

/** When a task that nobody else drives is to go on. */
class Pace {
  calls = 0
  isReady = false
  failure: Error | undefined
  #woken = Promise.withResolvers<void>()

  /** Resolves at the next event from now on. */
  begin(): Promise<void> {
    this.isReady = false
    this.#woken = Promise.withResolvers()
    return this.#woken.promise
  }

  wake(): void {
    this.#woken.resolve()
  }

  ready(): void {
    this.isReady = true
    this.wake()
  }

  called(change: 1 | -1): void {
    this.calls += change
    this.wake()
  }

  failed(error: Error): void {
    this.failure ??= error
    this.wake()
  }
}

function asFetched(topic: string, record: StoredRecord): FetchedBatch {
  const { partition, offset, key, value, timestampMs, headers } = record
  const writer = new RecordBatchWriter()
  writer.appendRecord(key, value, timestampMs, headers)
  const records = writer.seal()
  setBaseOffset(records, 0, offset)
  const end = offset + 1
  return {
    topic,
    partition,
    records,
    startOffset: offset,
    nextOffset: end,
    highWatermark: end,
    lastStableOffset: end,
  }
}

function recordsIn({ topic, partition, records }: ProduceBatch): readonly Output[] {
  const cursor = new RecordCursor()
  const found: Output[] = []
  cursor.reset(records, 0)
  while (cursor.next()) {
    const { buffer, keyStart, keyEnd, valueStart, valueEnd, timestampMs } = cursor
    found.push({
      topic,
      partition,
      timestampMs,
      key: keyStart < 0 ? null : Buffer.from(buffer.subarray(keyStart, keyEnd)),
      value: valueStart < 0 ? null : Buffer.from(buffer.subarray(valueStart, valueEnd)),
      headers: readHeaders(buffer, cursor.headersStart, cursor.headerCount),
    })
  }
  return found
}
