import type { BatchProducer, ProduceBatch } from '../client/ports.ts'
import { APP_OPTIONS, type AppOptions } from '../config.ts'
import { TopologyError } from '../errors.ts'
import { Counters, type CounterSnapshot } from '../observability/counters.ts'
import { checkOptions, integer, type OptionInput, type OptionTable } from '../option-table.ts'
import type { CompiledTopology } from '../plan/compiled.ts'
import type { NodeId } from '../plan/node.ts'
import type { RecordHeaders } from '../record.ts'
import { DeliveryStage } from '../runtime/delivery/delivery-stage.ts'
import { NO_LIMITS } from '../runtime/output-limits.ts'
import { RecordCollector } from '../runtime/record-collector.ts'
import { openCodecs, type TopologyCodecs } from '../runtime/start-up.ts'
import { Task } from '../runtime/task.ts'
import type { TaskEnvironment } from '../runtime/task-environment.ts'
import type { TopicCodecs } from '../runtime/task-source.ts'
import { InMemorySchemaRegistry } from '../serde/in-memory-schema-registry.ts'
import type { StreamTopic, TableTopic } from '../topic.ts'
import { partitionForKey } from '../wire/murmur2.ts'
import { RecordBatchWriter } from '../wire/record-batch-writer.ts'
import { openOutsideCodecs, type OutsideCodecs } from './outside-codecs.ts'
import { settled, TestClock } from './test-clock.ts'
import { TestLog, type LoggedRecord } from './test-log.ts'
import { TestTables, type TestTableTopic } from './test-tables.ts'

/** What the driver needs of a topology: `builder.build()` has it. */
export interface Topology {
  readonly compiled: CompiledTopology
}

export interface TestRecord<K, V> {
  readonly key: K
  readonly value: V
  readonly partition: number
  readonly offset: number
  readonly timestampMs: number
  readonly headers: RecordHeaders
}

export interface PutOptions {
  /** Default: the driver's time. */
  readonly timestampMs?: number
  readonly headers?: RecordHeaders
  /** Default: where Java's murmur2 puts the key. */
  readonly partition?: number
}

export interface TestInputTopic<K, V> {
  /** Processed before the call returns, up to asynchronous steps. `null` is a tombstone. */
  put(key: K | null, value: V | null, options?: PutOptions): void
  /** Bytes as they are, malformed ones included. */
  putRaw(key: Uint8Array | null, value: Uint8Array | null, options?: PutOptions): void
}

export interface TestOutputTopic<K, V> {
  /** What has been written since the last call, in the order of writing. */
  take(): TestRecord<K, V>[]
}

export interface DeadLetterRecord extends LoggedRecord {
  /** Headers as text, the last of a name. */
  readonly headerTexts: Readonly<Record<string, string>>
}

export interface DriverOptions {
  /** Of every topic. Default 3: not a power of two, so that a wrong hash shows. */
  readonly partitions: number
  readonly startTimeMs: number
}

const DRIVER_OPTIONS: OptionTable<DriverOptions> = {
  partitions: integer({ fallback: 3, min: 1, max: 1_000 }),
  startTimeMs: integer({ fallback: 1_700_000_000_000, min: 0, max: Number.MAX_SAFE_INTEGER }),
}

const APP_DEFAULTS: AppOptions = checkOptions('the test driver', APP_OPTIONS)
const DEAD_LETTERS = 'dead-letters'

/**
 * Runs a topology without a broker: the tasks that the application runs, over topics in memory, several partitions and a
 * clock that stands still. Steps without promises are through when `put` returns; `settle` waits for asynchronous ones.
 *
 * @example
 * ```ts
 * const driver = await TopologyTestDriver.create(topology)
 * driver.table(customers).put('c1', ada)
 * driver.input(bookings).put('c1', booking)
 * assert.deepEqual(driver.output(events).take(), [...])
 * ```
 */
export class TopologyTestDriver {
  readonly clock: TestClock
  readonly #partitions: number
  readonly #logs = new Map<string, TestLog>()
  readonly #taken = new Map<string, number>()
  readonly #tasks: readonly Task[]
  readonly #ready = new Set<Task>()
  readonly #counters = new Counters()
  readonly #deliveries: ReadonlyMap<NodeId, DeliveryStage>
  readonly #outside: OutsideCodecs
  readonly #collector: RecordCollector
  readonly #tables: TestTables
  #isRunning = false
  #failure: Error | undefined

  /** Opens every serde, so schemas are checked as at a real start. */
  static async create(
    topology: Topology,
    options: OptionInput<DriverOptions> = {},
  ): Promise<TopologyTestDriver> {
    const checked = checkOptions('TopologyTestDriver', DRIVER_OPTIONS, options)
    const { compiled } = topology
    const registry = new InMemorySchemaRegistry()
    const outside = await openOutsideCodecs(compiled, registry)
    const codecs = await openCodecs(compiled, registry)
    const tables = await TestTables.open(compiled, checked.partitions, registry)
    return new TopologyTestDriver(compiled, checked, { outside, codecs, tables })
  }

  private constructor(
    topology: CompiledTopology,
    options: DriverOptions,
    opened: { readonly outside: OutsideCodecs; readonly codecs: TopologyCodecs; readonly tables: TestTables },
  ) {
    this.clock = new TestClock(options.startTimeMs)
    this.#partitions = options.partitions
    this.#outside = opened.outside
    this.#tables = opened.tables
    this.#collector = this.#createCollector()
    this.#deliveries = this.#createDeliveries(topology)
    this.#tasks = this.#createTasks(topology, opened.codecs)
    const partitions = Array.from({ length: options.partitions }, (_, partition) => partition)
    for (const { destination } of topology.deliveries) {
      destination.onAssignment?.({ partitions, partitionCount: options.partitions })
    }
  }

  /** Where to put records of a topic that the topology reads as a stream. */
  input<K, V>(topic: StreamTopic<K, V>): TestInputTopic<K, V> {
    const codecs = this.#codecsOf(topic.name, this.#outside.sources, 'reads')
    const putRaw = (key: Uint8Array | null, value: Uint8Array | null, options: PutOptions = {}): void => {
      this.#put(topic.name, key, value, options)
    }
    return {
      putRaw,
      put: (key, value, options) =>
        putRaw(
          key === null ? null : codecs.key.encode(key),
          value === null ? null : codecs.value.encode(value),
          options,
        ),
    }
  }

  /** The rows of a table that the topology joins, loaded as far as the test has put them. */
  table<K, V>(topic: TableTopic<K, V>): TestTableTopic<K, V> {
    return this.#tables.topic(topic, () => {
      this.#run()
      this.#check()
    })
  }

  /** What the topology writes to a topic. */
  output<K, V>(topic: StreamTopic<K, V> | TableTopic<K, V>): TestOutputTopic<K, V> {
    const codecs = this.#codecsOf(topic.name, this.#outside.sinks, 'writes')
    return {
      take: () =>
        this.#take(topic.name).map(({ key, value, ...record }) => ({
          ...record,
          key: (key === null ? null : codecs.key.decode(key, 0, key.length)) as K,
          value: (value === null ? null : codecs.value.decode(value, 0, value.length)) as V,
        })),
    }
  }

  /** Dead letters since the last call. */
  takeDeadLetters(): DeadLetterRecord[] {
    return this.#take(DEAD_LETTERS).map(record => ({
      ...record,
      headerTexts: Object.fromEntries(record.headers.map(([name, value]) => [name, value?.toString() ?? ''])),
    }))
  }

  get counters(): CounterSnapshot {
    return this.#counters.snapshot()
  }

  /** Input records that are not finished: in an asynchronous step, in a delivery, parked, or behind such a record. */
  get inFlight(): number {
    return this.#tasks.reduce((sum, task) => sum + task.inFlight.count, 0)
  }

  /** Waits until every call that is under way has answered. Retries and lingering batches wait for `advance`. */
  async settle(): Promise<void> {
    do {
      await settled()
      this.#check()
    } while (this.#callsUnderWay() > 0)
    await settled()
    this.#check()
  }

  /** Lets time pass: timeouts, retries and lingering batches fall due in their order. */
  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms)
    this.#check()
  }

  /** Stops whatever is still under way. */
  async close(): Promise<void> {
    for (const task of this.#tasks) task.abort()
    for (const stage of this.#deliveries.values()) await stage.close()
  }

  #put(topic: string, key: Uint8Array | null, value: Uint8Array | null, options: PutOptions): void {
    const { timestampMs = this.clock.now(), headers = [] } = options
    const partition =
      options.partition ?? (key === null ? 0 : partitionForKey(key, 0, key.length, this.#partitions))
    const writer = new RecordBatchWriter()
    writer.append({ key, value, timestampMs, headers })
    this.#append({ topic, partition, records: writer.seal(), recordCount: 1 })
    this.#run()
    this.#check()
  }

  #append(batch: ProduceBatch): number {
    const fetched = this.#log(batch.topic).append(batch)
    for (const task of this.#tasks) {
      if (task.partition === batch.partition && task.hasSource(batch.topic)) task.accept(fetched)
    }
    return fetched.startOffset
  }

  #log(topic: string): TestLog {
    let log = this.#logs.get(topic)
    if (log === undefined) {
      log = new TestLog(topic, this.#partitions)
      this.#logs.set(topic, log)
    }
    return log
  }

  #take(topic: string): LoggedRecord[] {
    this.#check()
    const { records } = this.#log(topic)
    const from = this.#taken.get(topic) ?? 0
    this.#taken.set(topic, records.length)
    return records.slice(from)
  }

  /** Depth first until nothing is ready: outputs go to the logs, and repartition topics back into their tasks. */
  #run(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    do {
      for (const task of this.#ready) {
        this.#ready.delete(task)
        task.process(Number.POSITIVE_INFINITY)
      }
      this.#collector.flush().catch((error: unknown) => this.#failed(error as Error))
    } while (this.#ready.size > 0)
    this.#isRunning = false
  }

  #failed(error: Error): void {
    this.#failure ??= error
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  #callsUnderWay(): number {
    let calls = 0
    for (const task of this.#tasks) for (const stage of task.stages) calls += stage.callsUnderWay
    return calls
  }

  #codecsOf(topic: string, codecs: ReadonlyMap<string, TopicCodecs>, verb: string): TopicCodecs {
    const found = codecs.get(topic)
    if (found !== undefined) return found
    throw new TopologyError(
      'TOPOLOGY_TOPIC_MISSING',
      `The topology ${verb} no topic '${topic}'; it ${verb} ${[...codecs.keys()].join(', ') || 'none'}`,
    )
  }

  #createCollector(): RecordCollector {
    const producer: BatchProducer = {
      send: batch => Promise.resolve({ baseOffset: this.#append(batch) }),
      close: () => Promise.resolve(),
    }
    return new RecordCollector({
      producer,
      clock: this.clock,
      partitionsOf: () => this.#partitions,
      limitsOf: () => NO_LIMITS,
      counters: this.#counters,
      batchBytes: APP_DEFAULTS.batchBytes,
      lingerMs: APP_DEFAULTS.lingerMs,
      maxPendingBytes: APP_DEFAULTS.maxPendingBytes,
      maxRecordBytes: APP_DEFAULTS.maxRecordBytes,
      onFailure: error => this.#failed(error),
      onSpace: () => undefined,
    })
  }

  #createDeliveries(topology: CompiledTopology): ReadonlyMap<NodeId, DeliveryStage> {
    const onSpace = (): void => {
      for (const task of this.#tasks) this.#ready.add(task)
      this.#run()
    }
    return new Map(
      topology.deliveries.map(node => [
        node.id,
        new DeliveryStage(node, {
          clock: this.clock,
          random: () => 1,
          onFailure: error => this.#failed(error as Error),
          onSpace,
        }),
      ]),
    )
  }

  #createTasks(topology: CompiledTopology, codecs: TopologyCodecs): readonly Task[] {
    const environment: TaskEnvironment = {
      clock: this.clock,
      random: () => 1,
      counters: this.#counters,
      collector: this.#collector,
      sourceCodecs: codecs.sources,
      sinkCodecs: codecs.sinks,
      deliveries: this.#deliveries,
      deadLetterTopic: DEAD_LETTERS,
      policies: {
        deserialization: 'dead-letter',
        nullKey: 'dead-letter',
        processing: 'dead-letter',
        production: 'dead-letter',
      },
      maxBufferedBytes: Number.POSITIVE_INFINITY,
      maxInFlightRecords: APP_DEFAULTS.maxInFlightRecords,
      maxInFlightBytes: APP_DEFAULTS.maxInFlightBytes,
      holdsOutputs: false,
      flow: { pause: () => undefined, resume: () => undefined },
      onReady: task => {
        this.#ready.add(task)
        // An asynchronous step has answered: nobody is in `put` to go on.
        queueMicrotask(() => this.#run())
      },
      onFailure: error => this.#failed(error),
    }
    return topology.subTopologies.flatMap(subTopology =>
      Array.from({ length: this.#partitions }, (_, partition) => {
        const task = new Task({
          subTopology,
          partition,
          environment,
          table: (id, at) => this.#tables.reader(id, at),
          memory: (id, at) => this.#tables.memory(id, at),
        })
        for (const { topic } of subTopology.sources) task.addSource(topic, 0, undefined)
        return task
      }),
    )
  }
}
