import { TopologyError } from '../errors.ts'
import type { NodeId, Plan, PlanNode, RepartitionNode, SourceNode, TableNode } from './node.ts'
import { checkJoins } from './join-rules.ts'
import { checkUses } from './use-rules.ts'

/** Steps that records pass through in one task: connected, and cut at each repartition. */
export interface SubTopology {
  readonly id: number
  /** Where records come in: topics, and repartitions that are read back. */
  readonly sources: readonly (SourceNode | RepartitionNode)[]
  readonly tables: readonly TableNode[]
  /** Everything behind the sources, in order of definition; repartitions stand here where they are written. */
  readonly steps: readonly PlanNode[]
}

/** A validated plan and what follows from it. */
export interface Graph {
  readonly plan: Plan
  readonly subTopologies: readonly SubTopology[]
  readonly globalTables: readonly TableNode[]
  node(id: NodeId): PlanNode
  /** The steps that take a node's output, in order of their definition. */
  consumers(id: NodeId): readonly PlanNode[]
}

/**
 * Validates a plan and finds its sub-topologies. Throws TOPOLOGY_PLAN_INVALID and TOPOLOGY_REPARTITION_REQUIRED. There can be
 * no cycles: a node's inputs stand before it.
 */
export function analyse(plan: Plan): Graph {
  const consumers = new Map<NodeId, PlanNode[]>()
  for (const node of plan.nodes) {
    for (const input of inputsOf(node)) {
      const list = consumers.get(input)
      if (list === undefined) consumers.set(input, [node])
      else list.push(node)
    }
  }
  const structure = {
    plan,
    node(id: NodeId): PlanNode {
      const node = plan.nodes[id]
      if (node === undefined) {
        throw new TopologyError('TOPOLOGY_PLAN_INVALID', `${plan.name} has no node ${id}`)
      }
      return node
    },
    consumers: (id: NodeId): readonly PlanNode[] => consumers.get(id) ?? [],
  }
  checkUses(structure)
  checkJoins(structure)
  return {
    ...structure,
    subTopologies: findSubTopologies(plan),
    globalTables: plan.nodes.filter(node => node.kind === 'table').filter(table => table.scope === 'global'),
  }
}

/** The streams that a node takes records from. A join's table is no input: its rows never flow. */
export function inputsOf(node: PlanNode): readonly NodeId[] {
  switch (node.kind) {
    case 'source':
    case 'table':
      return []
    case 'merge':
      return node.inputs
    default:
      return [node.input]
  }
}

/** A repartition belongs to two sub-topologies: the one that writes it and the one that reads it back. */
const readSide = (id: NodeId): string => `${id} read`
const writeSide = (id: NodeId): string => `${id}`

function findSubTopologies(plan: Plan): readonly SubTopology[] {
  const groups = new DisjointSets()
  const outputOf = (id: NodeId): string =>
    plan.nodes[id]?.kind === 'repartition' ? readSide(id) : writeSide(id)
  for (const node of plan.nodes) {
    for (const input of inputsOf(node)) groups.unite(outputOf(input), writeSide(node.id))
    if (node.kind !== 'join') continue
    const table = plan.nodes[node.table]
    if (table?.kind === 'table' && table.scope === 'partitioned') {
      groups.unite(writeSide(table.id), writeSide(node.id))
    }
  }
  const found = new Map<
    string,
    { sources: SubTopology['sources'][number][]; tables: TableNode[]; steps: PlanNode[] }
  >()
  const groupOf = (side: string): NonNullable<ReturnType<typeof found.get>> => {
    const root = groups.find(side)
    let group = found.get(root)
    if (group === undefined) {
      group = { sources: [], tables: [], steps: [] }
      found.set(root, group)
    }
    return group
  }
  for (const node of plan.nodes) {
    if (node.kind === 'table' && node.scope === 'global') continue
    const group = groupOf(writeSide(node.id))
    if (node.kind === 'source') group.sources.push(node)
    else if (node.kind === 'table') group.tables.push(node)
    else group.steps.push(node)
    if (node.kind === 'repartition') groupOf(readSide(node.id)).sources.push(node)
  }
  return [...found.values()].map((group, id) => ({ id, ...group }))
}

class DisjointSets {
  readonly #parents = new Map<string, string>()

  find(member: string): string {
    let root = member
    for (let parent = this.#parents.get(root); parent !== undefined; parent = this.#parents.get(root))
      root = parent
    return root
  }

  unite(first: string, second: string): void {
    const a = this.find(first)
    const b = this.find(second)
    if (a !== b) this.#parents.set(b, a)
  }
}
