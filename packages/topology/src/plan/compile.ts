import { chooseTopic } from '../operators/choose-topic.ts'
import { fanOut } from '../operators/fan-out.ts'
import { filter } from '../operators/filter.ts'
import { flatMap } from '../operators/flat-map.ts'
import { flatMapValues } from '../operators/flat-map-values.ts'
import { foreach } from '../operators/foreach.ts'
import { joinGlobalTable } from '../operators/join-global-table.ts'
import { joinTable } from '../operators/join-table.ts'
import { map } from '../operators/map.ts'
import { mapValues } from '../operators/map-values.ts'
import { peek } from '../operators/peek.ts'
import { repartition } from '../operators/repartition.ts'
import { selectKey } from '../operators/select-key.ts'
import { split } from '../operators/split.ts'
import type { StepCounts } from '../observability/counters.ts'
import type {
  CompiledRepartition,
  CompiledSink,
  CompiledSource,
  CompiledStep,
  CompiledSubTopology,
  CompiledTable,
  CompiledTopology,
  RecordHandler,
  TaskWiring,
} from './compiled.ts'
import { memoryNameOf, repartitionTopic, sourceNameOf } from './derived-names.ts'
import { analyse, type Graph, type SubTopology } from './graph.ts'
import { writtenTopics } from './topic-use.ts'
import type {
  JoinNode,
  NodeId,
  Plan,
  PlanNode,
  RepartitionNode,
  SinkNode,
  SourceNode,
  TableNode,
} from './node.ts'

/** Turns a plan into what a task runs. Throws what `analyse` throws. */
export function compile(plan: Plan): CompiledTopology {
  return compileGraph(analyse(plan))
}

export function compileGraph(graph: Graph): CompiledTopology {
  const { plan, subTopologies } = graph
  return {
    name: plan.name,
    steps: compileSteps(plan),
    subTopologies: subTopologies.map(part => compileSubTopology(graph, part)),
    globalTables: graph.globalTables.map(compileTable),
    repartitions: subTopologies.flatMap(part =>
      part.steps
        .filter(node => node.kind === 'repartition')
        .map((node): CompiledRepartition => ({
          node: node.id,
          topic: repartitionTopic(plan, node),
          partitions: node.partitions,
          writer: part.id,
        })),
    ),
    deliveries: plan.nodes.filter(node => node.kind === 'deliver'),
  }
}

function compileSteps(plan: Plan): readonly CompiledStep[] {
  const { nodes } = plan
  const nameOf = (id: NodeId): string => {
    const node = nodes.find(candidate => candidate.id === id) as PlanNode
    return node.kind === 'repartition' ? sourceNameOf(node) : node.name
  }
  return nodes.flatMap((node): readonly CompiledStep[] => {
    if (node.kind === 'table') return []
    const { name, kind } = node
    const ids = node.kind === 'source' ? [] : node.kind === 'merge' ? node.inputs : [node.input]
    const step: CompiledStep = {
      name,
      kind,
      inputs: ids.map(nameOf),
      topic: node.kind === 'source' ? node.topic.name : undefined,
      table: node.kind === 'join' ? nameOf(node.table) : undefined,
      isLeftJoin: node.kind === 'join' && node.outer === 'left',
    }
    if (node.kind !== 'repartition') return [step]
    const topic = repartitionTopic(plan, node)
    return [step, { ...step, name: sourceNameOf(node), kind: 'source', inputs: [], topic }]
  })
}

function compileSubTopology(graph: Graph, part: SubTopology): CompiledSubTopology {
  const sources = part.sources.map(node => compileSource(graph.plan, node))
  return {
    id: part.id,
    sources,
    tables: part.tables.map(compileTable),
    sinks: part.steps.flatMap(node => compileSink(graph.plan, node)),
    deliveries: part.steps.filter(node => node.kind === 'deliver'),
    memories: part.steps.flatMap(compileMemory),
    hasAsyncSteps: part.steps.some(canOutliveCall),
    build(wiring) {
      const downstream = buildSteps(graph, part, wiring)
      return new Map(sources.map(source => [source.topic, downstream(source.node)]))
    },
  }
}

function canOutliveCall(node: PlanNode): boolean {
  return (
    node.kind === 'enrich' ||
    node.kind === 'deliver' ||
    (node.kind === 'join' && node.parkForMs !== undefined)
  )
}

/** Builds each step once, those at the end first: a step's consumers stand behind it in the plan. */
function buildSteps(graph: Graph, part: SubTopology, wiring: TaskWiring): (id: NodeId) => RecordHandler {
  const handlers = new Map<NodeId, RecordHandler>()
  const handlerOf = (id: NodeId): RecordHandler => handlers.get(id) as RecordHandler
  const downstream = (id: NodeId): RecordHandler =>
    fanOut(graph.consumers(id).map(consumer => handlerOf(consumer.id)))
  const { probe } = wiring
  for (const node of part.steps.toReversed()) {
    const built = (step: PlanNode): RecordHandler => buildStep(graph, step, { wiring, downstream, handlerOf })
    handlers.set(node.id, probe === undefined ? built(node) : probe.handler(node, built(probe.step(node))))
  }
  return downstream
}

interface BuildTools {
  readonly wiring: TaskWiring
  readonly downstream: (id: NodeId) => RecordHandler
  readonly handlerOf: (id: NodeId) => RecordHandler
}

function buildStep(graph: Graph, node: PlanNode, tools: BuildTools): RecordHandler {
  const { wiring, downstream } = tools
  switch (node.kind) {
    case 'filter':
      return filter(node, wiring, downstream(node.id))
    case 'map':
      return map(node, wiring, downstream(node.id))
    case 'mapValues':
      return mapValues(node, wiring, downstream(node.id))
    case 'flatMap':
      return flatMap(node, wiring, downstream(node.id))
    case 'flatMapValues':
      return flatMapValues(node, wiring, downstream(node.id))
    case 'selectKey':
      return selectKey(node, wiring, downstream(node.id))
    case 'peek':
      return peek(node, wiring, downstream(node.id))
    case 'foreach':
      return foreach(node, wiring)
    case 'split':
      return buildSplit(graph, node, tools)
    case 'branch':
      return graph.consumers(node.id).length > 0
        ? downstream(node.id)
        : () => wiring.drop(node.name, 'filtered')
    case 'merge':
      return downstream(node.id)
    case 'repartition':
      return repartition(node, wiring, wiring.sink(node.name, repartitionTopic(graph.plan, node)))
    case 'join':
      return buildJoin(node, tools)
    case 'enrich':
      return wiring.enrich(node, downstream(node.id))
    case 'sink':
      return buildSink(node, wiring)
    case 'deliver':
      return wiring.deliver(node)
    case 'source':
    case 'table':
      throw new Error(`${node.name} is no step`)
  }
}

function buildSplit(
  graph: Graph,
  node: Extract<PlanNode, { kind: 'split' }>,
  { wiring, handlerOf }: BuildTools,
): RecordHandler {
  const outcomes = graph.consumers(node.id).filter(consumer => consumer.kind === 'branch')
  const handlerFor = (index: number | 'default'): RecordHandler | undefined => {
    const outcome = outcomes.find(branch => branch.index === index)
    return outcome === undefined ? undefined : handlerOf(outcome.id)
  }
  const unmatched = handlerFor('default') ?? (() => wiring.drop(node.name, 'unmatched-branch'))
  const branches = node.branches.map((_, index) => handlerFor(index) ?? unmatched)
  const countsFor = (index: number | 'default'): StepCounts => {
    const outcome = outcomes.find(branch => branch.index === index)
    // What nobody takes is counted as dropped.
    const isTaken = outcome !== undefined && graph.consumers(outcome.id).length > 0
    return isTaken ? wiring.counts(outcome.name) : { in: 0, out: 0, misses: 0 }
  }
  return split(node, wiring, {
    branches,
    unmatched,
    branchCounts: node.branches.map((_, index) => countsFor(index)),
    unmatchedCounts: countsFor('default'),
  })
}

function buildJoin(node: JoinNode, { wiring, downstream }: BuildTools): RecordHandler {
  const join =
    node.keyMapper === undefined
      ? joinTable(node, wiring, downstream(node.id))
      : joinGlobalTable(node, node.keyMapper, { wiring, downstream: downstream(node.id) })
  if (node.parkForMs === undefined) return join
  // What waits has come in and is nowhere else.
  const counts = wiring.counts(node.name)
  return (key, value) => {
    counts.in += 1
    join(key, value)
  }
}

function buildSink({ name, topics, choose }: SinkNode, wiring: TaskWiring): RecordHandler {
  const writers = new Map(Array.from(topics, ([choice, topic]) => [choice, wiring.sink(name, topic.name)]))
  return choose === undefined ? fanOut([...writers.values()]) : chooseTopic(name, choose, { wiring, writers })
}

function compileSource(plan: Plan, node: SourceNode | RepartitionNode): CompiledSource {
  if (node.kind === 'source') {
    const { name: topic, key, value } = node.topic
    const { id, name, offsetReset } = node
    return { node: id, name, topic, key, value, offsetReset, isRepartition: false }
  }
  return {
    node: node.id,
    name: sourceNameOf(node),
    topic: repartitionTopic(plan, node),
    key: node.key,
    value: node.value,
    // What another task wrote before this one first looked must not be skipped.
    offsetReset: 'earliest',
    isRepartition: true,
  }
}

function compileTable(node: TableNode): CompiledTable {
  const { name: topic, key, value } = node.topic
  return { node: node.id, name: node.name, topic, scope: node.scope, key, value }
}

function compileMemory(node: PlanNode): readonly CompiledTable[] {
  if (node.kind !== 'deliver' || node.memory === undefined) return []
  const { name: topic, key, value } = node.memory
  return [
    { node: node.id, name: memoryNameOf(node), topic, scope: 'partitioned', key, value, isMemory: true },
  ]
}

function compileSink(plan: Plan, node: PlanNode): readonly CompiledSink[] {
  return writtenTopics(plan, node).map(({ name: topic, key, value }) => {
    return { node: node.id, name: node.name, topic, key, value }
  })
}
