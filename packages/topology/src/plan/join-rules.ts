import { TopologyError } from '../errors.ts'
import type { Graph } from './graph.ts'
import type { JoinNode, NodeId, RepartitionNode, SourceNode, TableNode } from './node.ts'

type Structure = Pick<Graph, 'plan' | 'node' | 'consumers'>

/**
 * A partitioned join finds a row only in the record's own partition. So no step before it may change the key without a
 * repartition, and the key's bytes, which decide over the partition, must be written alike on both sides. Global tables are
 * exempt. What cannot be seen here, partition counts and the partitioner in use, is compared at start.
 */
export function checkJoins(structure: Structure): void {
  for (const join of structure.plan.nodes) {
    if (join.kind !== 'join') continue
    const table = structure.node(join.table)
    if (table.kind !== 'table') {
      throw new TopologyError(
        'TOPOLOGY_PLAN_INVALID',
        `${structure.plan.name}: ${join.name} joins ${table.name}, which is no table`,
      )
    }
    if (table.scope === 'global') continue
    for (const origin of keyOrigins(structure, join, table)) checkKeySerde(structure, origin, { join, table })
  }
}

/** Where the keys of a join's records were written: walks up to the sources. Throws TOPOLOGY_REPARTITION_REQUIRED. */
function keyOrigins(
  structure: Structure,
  join: JoinNode,
  table: TableNode,
): ReadonlySet<SourceNode | RepartitionNode> {
  const origins = new Set<SourceNode | RepartitionNode>()
  const seen = new Set<NodeId>()
  const next: NodeId[] = [join.input]
  for (let id = next.pop(); id !== undefined; id = next.pop()) {
    if (seen.has(id)) continue
    seen.add(id)
    const node = structure.node(id)
    switch (node.kind) {
      case 'source':
      case 'repartition':
        origins.add(node)
        break
      case 'map':
      case 'flatMap':
      case 'selectKey':
        throw new TopologyError(
          'TOPOLOGY_REPARTITION_REQUIRED',
          `${structure.plan.name}: ${node.name} changes the key before ${join.name} looks it up in the table ` +
            `${table.name}, so a record and its row may be in different partitions. Put repartition({ name: … }) ` +
            `between the two, or join a global table`,
        )
      case 'merge':
        next.push(...node.inputs)
        break
      case 'table':
        break
      default:
        next.push(node.input)
    }
  }
  return origins
}

function checkKeySerde(
  structure: Structure,
  origin: SourceNode | RepartitionNode,
  { join, table }: { readonly join: JoinNode; readonly table: TableNode },
): void {
  const serde = origin.kind === 'source' ? origin.topic.key : origin.key
  if (serde.name === table.topic.key.name) return
  throw new TopologyError(
    'TOPOLOGY_PLAN_INVALID',
    `${structure.plan.name}: ${join.name} joins records of ${origin.name}, whose keys are written as ${serde.name}, with ` +
      `the table ${table.name}, whose keys are written as ${table.topic.key.name}: equal keys have different bytes and so ` +
      `different partitions. Use one key serde, by repartition({ name: …, key: … }) if the topics are not yours`,
  )
}
