import { repartitionTopic, sourceNameOf } from './derived-names.ts'
import { inputsOf, type Graph } from './graph.ts'
import { writtenTopics } from './topic-use.ts'
import type { JoinNode, NodeId, OffsetReset, PlanNode, RetryPolicy, SinkNode, TableNode } from './node.ts'

/** What `toJSON()` gives: names instead of numbers, functions left out. */
export interface TopologyDescription {
  readonly name: string
  readonly subTopologies: readonly SubTopologyDescription[]
  readonly globalTables: readonly TableDescription[]
}

export interface SubTopologyDescription {
  readonly id: number
  readonly sources: readonly SourceDescription[]
  readonly tables: readonly TableDescription[]
  readonly steps: readonly StepDescription[]
}

export interface SourceDescription {
  readonly name: string
  readonly topic: string
  readonly key: string
  readonly value: string
  readonly offsetReset: OffsetReset
  readonly isRepartition: boolean
  readonly outputs: readonly string[]
}

export interface TableDescription {
  readonly name: string
  readonly topic: string
  readonly key: string
  readonly value: string
}

export interface StepDescription {
  readonly name: string
  readonly kind: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** For a join: the table whose rows it looks up. */
  readonly table?: string
  /** Written by this step: one, or those that it chooses from for each record. */
  readonly topics?: readonly string[]
  /** What the step's options came to, as far as they are data. */
  readonly settings: Readonly<Record<string, unknown>>
}

export function describeGraph(graph: Graph): TopologyDescription {
  return {
    name: graph.plan.name,
    subTopologies: graph.subTopologies.map(part => ({
      id: part.id,
      sources: part.sources.map(node => describeSource(graph, node)),
      tables: part.tables.map(describeTable),
      steps: part.steps.map(node => describeStep(graph, node)),
    })),
    globalTables: graph.globalTables.map(describeTable),
  }
}

function describeSource(
  graph: Graph,
  node: Extract<PlanNode, { kind: 'source' | 'repartition' }>,
): SourceDescription {
  const outputs = graph.consumers(node.id).map(consumer => consumer.name)
  if (node.kind === 'source') {
    const { name, topic, offsetReset } = node
    return { ...describeTopic(name, topic), offsetReset, isRepartition: false, outputs }
  }
  const { key, value } = node
  const topic = { name: repartitionTopic(graph.plan, node), key, value }
  const name = sourceNameOf(node)
  return { ...describeTopic(name, topic), offsetReset: 'earliest', isRepartition: true, outputs }
}

function describeTable(node: TableNode): TableDescription {
  return describeTopic(node.name, node.topic)
}

interface TopicAndSerdes {
  readonly name: string
  readonly key: { readonly name: string }
  readonly value: { readonly name: string }
}

function describeTopic(name: string, topic: TopicAndSerdes): TableDescription {
  return { name, topic: topic.name, key: topic.key.name, value: topic.value.name }
}

function describeStep(graph: Graph, node: PlanNode): StepDescription {
  const outputs = node.kind === 'repartition' ? [] : graph.consumers(node.id).map(consumer => consumer.name)
  const nameOfInput = (id: NodeId): string => {
    const input = graph.node(id)
    return input.kind === 'repartition' ? sourceNameOf(input) : input.name
  }
  const step = { name: node.name, kind: node.kind, inputs: inputsOf(node).map(nameOfInput), outputs }
  switch (node.kind) {
    case 'join':
      return { ...step, table: graph.node(node.table).name, settings: settingsOf(node) }
    case 'repartition':
    case 'sink': {
      const topics = new Set(writtenTopics(graph.plan, node).map(topic => topic.name))
      return { ...step, topics: [...topics], settings: settingsOf(node) }
    }
    default:
      return { ...step, settings: settingsOf(node) }
  }
}

function settingsOf(node: PlanNode): Readonly<Record<string, unknown>> {
  switch (node.kind) {
    case 'filter':
      return { negated: node.negated }
    case 'split':
      return { branches: node.branches.map(branch => branch.name) }
    case 'join':
      return describeJoin(node)
    case 'repartition':
      return { key: node.key.name, value: node.value.name, partitions: node.partitions ?? 'as the sources' }
    case 'sink':
      return describeSink(node)
    case 'enrich': {
      const { order, maxInFlight, timeoutMs, onFailure } = node
      const policy = typeof onFailure === 'string' ? onFailure : 'fallback'
      return { order, maxInFlight, timeoutMs, retry: describeRetry(node.retry), onFailure: policy }
    }
    case 'deliver': {
      const { maxBatchItems, maxBatchBytes, lingerMs, maxInFlight, maxPending, timeoutMs } = node
      return {
        destination: node.destination.name,
        maxBatchItems,
        maxBatchBytes: finite(maxBatchBytes),
        lingerMs,
        maxInFlight,
        maxPending,
        timeoutMs,
        retry: describeRetry(node.retry),
        ...(node.memory !== undefined && { memory: node.memory.name }),
      }
    }
    default:
      return {}
  }
}

function describeJoin({ outer, missing, parkForMs }: JoinNode): Readonly<Record<string, unknown>> {
  return {
    outer,
    ...(outer === 'inner' && { missing }),
    ...(parkForMs !== undefined && { parkForMs }),
  }
}

function describeSink({ topics, choose }: SinkNode): Readonly<Record<string, unknown>> {
  const choices: Record<string, unknown> = {}
  for (const [choice, { name: topic, key, value }] of topics) {
    if (choose === undefined) return { key: key.name, value: value.name }
    choices[choice] = { topic, key: key.name, value: value.name }
  }
  return { choices }
}

function describeRetry({ maxAttempts, baseMs, maxMs }: RetryPolicy): Readonly<Record<string, unknown>> {
  return { maxAttempts: finite(maxAttempts), baseMs, maxMs }
}

/** JSON has no infinity. */
function finite(value: number): number | 'unlimited' {
  return value === Infinity ? 'unlimited' : value
}
