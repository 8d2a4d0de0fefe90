import { TopologyError } from '../errors.ts'
import type { AnyTopic } from '../topic.ts'
import { memoryNameOf, sourceNameOf } from './derived-names.ts'
import type { Graph } from './graph.ts'
import type { DeliverNode, Plan, PlanNode } from './node.ts'
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
  checkDeliveries(plan)
}

/** A destination that shares something out among the processes has one share, and a memory has one writer. */
function checkDeliveries(plan: Plan): void {
  const shared = new Map<DeliverNode['destination'], string>()
  for (const node of plan.nodes) {
    if (node.kind !== 'deliver') continue
    const { destination, memory, name } = node
    const other = shared.get(destination)
    if (other !== undefined && destination.onAssignment !== undefined) {
      throw planInvalid(
        `${plan.name}: ${other} and ${name} have one destination, ${destination.name}, which shares something out by the ` +
          `partitions of its step (onAssignment): give each step a destination of its own`,
      )
    }
    shared.set(destination, name)
    if (memory === undefined) continue
    const user = plan.nodes.find(
      each => each !== node && usedTopics(plan, each).some(topic => topic.name === memory.name),
    )
    if (user === undefined) continue
    throw planInvalid(
      `${plan.name}: ${name} remembers in the topic '${memory.name}', which ${user.name} uses too; the memory of a step is ` +
        `read and written by that step alone`,
    )
  }
}

function usedTopics(plan: Plan, node: PlanNode): readonly AnyTopic[] {
  return node.kind === 'deliver' && node.memory !== undefined ? [node.memory] : topicsOf(plan, node)
}

function checkNames({ plan }: Structure): void {
  const names = new Set<string>()
  for (const node of plan.nodes) {
    const own = [node.name]
    if (node.kind === 'table' || node.kind === 'repartition') own.push(sourceNameOf(node))
    if (node.kind === 'deliver' && node.memory !== undefined) own.push(memoryNameOf(node))
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
