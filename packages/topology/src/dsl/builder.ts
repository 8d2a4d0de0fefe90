import { TopologyError } from '../errors.ts'
import type { OffsetReset, PlanNode } from '../plan/node.ts'
import { Topology } from '../plan/topology.ts'
import { checkSameTopic } from '../plan/topic-use.ts'
import type { AnyTopic, StreamTopic, TableTopic } from '../topic.ts'
import { checkName, nameRule, rule, show, stepOptions } from './options.ts'
import { PlanBuilder, type NodeDraft, type PlanPosition } from './plan-builder.ts'
import type { SourceOptions, StepOptions } from './step-options.ts'
import { KStream } from './stream.ts'
import { Table, type GlobalKTable, type KTable } from './table.ts'
import { checkTopic } from './topic-check.ts'

const OFFSET_RESET = rule<OffsetReset>(`'earliest' | 'latest' | { durationMs }`, isOffsetReset)

interface Reading {
  readonly at: PlanPosition
  readonly role: string
  readonly topic: AnyTopic
  /** What else must be the same when the topic is read again. */
  readonly settings: string
}

/**
 * Begins a topology. The application id names the consumer group, the internal topics and the dead-letter topic.
 *
 * Throws TOPOLOGY_CONFIG_INVALID for an id that Kafka does not take.
 *
 * @example
 * const builder = topology('marketing-events')
 * builder.stream(bookings).join(builder.table(customers), { joiner: toMarketingEvent }).to(marketingEvents)
 * const marketing = builder.build()
 */
export function topology(applicationId: string): TopologyBuilder {
  return new TopologyBuilder(applicationId)
}

export class TopologyBuilder {
  readonly #plan: PlanBuilder
  readonly #readings = new Map<string, Reading>()

  constructor(applicationId: string) {
    checkName('topology()', applicationId)
    this.#plan = new PlanBuilder(applicationId)
  }

  /**
   * Reads a topic of events. Read twice, it is one source with two uses.
   *
   * The types are those of the topic's serdes, which no null reaches: a record without a key has the key `null` at run
   * time, and a tombstone the value `null`, whatever `K` and `V` say. Steps see such records like any other, as in Kafka
   * Streams. Where a topic has them, filter them, or widen the type: `const events: KStream<string | null, Event> = …`.
   */
  stream<K, V>(topic: StreamTopic<K, V>, options?: SourceOptions): KStream<K, V> {
    const where = `${this.#plan.name}: stream()`
    checkTopic(where, topic, ['stream'])
    const table = { name: nameRule, offsetReset: OFFSET_RESET }
    const { name, offsetReset = 'earliest' } = stepOptions<SourceOptions>(where, { table }, options)
    const settings = `offsetReset ${typeof offsetReset === 'string' ? offsetReset : `by duration ${offsetReset.durationMs} ms`}`
    const draft: NodeDraft = { kind: 'source', topic, offsetReset }
    const at = this.#read('stream', { topic, draft, settings }, name)
    return new KStream(this.#plan, at, { key: topic.key, value: topic.value })
  }

  /**
   * Reads a compacted topic as a table that is partitioned like the streams that join it: the topics need the same number
   * of partitions and the same partitioner, which is checked at start.
   */
  table<K, V>(topic: TableTopic<K, V>, options?: StepOptions): KTable<K, V> {
    return this.#table('partitioned', topic, options)
  }

  /** Reads a compacted topic as a table that every process holds whole. */
  globalTable<K, V>(topic: TableTopic<K, V>, options?: StepOptions): GlobalKTable<K, V> {
    return this.#table('global', topic, options)
  }

  /**
   * The validated topology of the steps so far.
   *
   * Throws TOPOLOGY_PLAN_INVALID for a plan that cannot be run as it stands, and TOPOLOGY_REPARTITION_REQUIRED for a
   * partitioned join behind a step that changes the key.
   */
  build(): Topology {
    return new Topology(this.#plan.snapshot())
  }

  #table<Scope extends 'partitioned' | 'global', K, V>(
    scope: Scope,
    topic: TableTopic<K, V>,
    options: StepOptions | undefined,
  ): Table<Scope, K, V> {
    const method = scope === 'global' ? 'globalTable' : 'table'
    const where = `${this.#plan.name}: ${method}()`
    checkTopic(where, topic, ['table'])
    const { name } = stepOptions<StepOptions>(where, { table: { name: nameRule } }, options)
    const draft: NodeDraft = { kind: 'table', scope, topic }
    const at = this.#read(method, { topic, draft, settings: '' }, name)
    return new Table(scope, topic, { plan: this.#plan, node: at.node })
  }

  #read(
    role: string,
    source: { readonly topic: AnyTopic; readonly draft: NodeDraft; readonly settings: string },
    name: string | undefined,
  ): PlanPosition {
    const { topic, draft, settings } = source
    const before = this.#readings.get(topic.name)
    if (before === undefined) {
      const at = this.#plan.addNamed(name ?? topic.name, draft)
      this.#readings.set(topic.name, { at, role, topic, settings })
      return at
    }
    checkSameTopic(this.#plan.name, before.topic, topic)
    const first: PlanNode = this.#plan.node(before.at.node)
    const refusal =
      before.role !== role
        ? `once with ${before.role}() and once with ${role}(): one reader would not know how far the other is`
        : before.settings !== settings
          ? `once with ${before.settings} and once with ${settings}: a topic has one source`
          : name !== undefined && name !== first.name
            ? `once as ${first.name} and once as ${name}: a topic has one source`
            : undefined
    if (refusal === undefined) return before.at
    throw new TopologyError(
      'TOPOLOGY_PLAN_INVALID',
      `${this.#plan.name} reads the topic ${show(topic.name)} ${refusal}`,
    )
  }
}

function isOffsetReset(value: unknown): boolean {
  if (value === 'earliest' || value === 'latest') return true
  if (typeof value !== 'object' || value === null || Object.keys(value).join() !== 'durationMs') return false
  const { durationMs } = value as { readonly durationMs: unknown }
  return Number.isSafeInteger(durationMs) && (durationMs as number) >= 0
}
