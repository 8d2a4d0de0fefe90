import { TopologyError } from '../errors.ts'
import type { AnyTopic } from '../topic.ts'
import { sourceNameOf } from './derived-names.ts'
import type { Graph } from './graph.ts'
import type { Plan, PlanNode } from './node.ts'
import { checkSameTopic, writtenTopics } from './topic-use.ts'

type Structure = Pick<Graph, 'plan' | 'node' | 'consumers'>

/** Every part of the plan is of use, and says the same about a topic as every other. Throws TOPOLOGY_PLAN_INVALID. */
export function checkUses(structure: Structure): void {
  const { plan } = structure
  checkNames(structure)
  if (!plan.nodes.some(node => node.kind === 'source')) {
    throw planInvalid(`${plan.name} reads no stream: begin with stream()`)
  }
  const topics = new Map<string, AnyTopic>()
  const joined = new Set(plan.nodes.map(node => (node.kind === 'join' ? node.table : undefined)))
  for (const node of plan.nodes) {
    for (const topic of topicsOf(plan, node)) {
      const before = topics.get(topic.name)
      if (before === undefined) topics.set(topic.name, topic)
      else checkSameTopic(plan.name, before, topic)
    }
    const isUsed =
      node.kind === 'table' ? joined.has(node.id) : isEnd(node) || structure.consumers(node.id).length > 0
    if (!isUsed) throw planInvalid(`${plan.name}: ${uselessness(node)}`)
  }
}

function checkNames({ plan }: Structure): void {
  const names = new Set<string>()
  for (const node of plan.nodes) {
    const own =
      node.kind === 'table' || node.kind === 'repartition' ? [node.name, sourceNameOf(node)] : [node.name]
    for (const name of own) {
      if (names.has(name)) throw planInvalid(`${plan.name} has two steps named ${name}`)
      names.add(name)
    }
  }
}

function topicsOf(plan: Plan, node: PlanNode): readonly AnyTopic[] {
  return node.kind === 'source' || node.kind === 'table' ? [node.topic] : writtenTopics(plan, node)
}

/** Whether a stream may end here. A branch without steps is the author's way to discard: its records are counted. */
function isEnd(node: PlanNode): boolean {
  switch (node.kind) {
    case 'sink':
    case 'deliver':
    case 'foreach':
    case 'peek':
    case 'branch':
      return true
    default:
      return false
  }
}

function uselessness(node: PlanNode): string {
  if (node.kind === 'table') return `no join uses the table ${node.name}, which would be loaded for nothing`
  return `nothing takes what comes out of ${node.name}: end the stream with to(), deliver() or foreach()`
}

function planInvalid(message: string): TopologyError {
  return new TopologyError('TOPOLOGY_PLAN_INVALID', message)
}
