import type { Plan, RepartitionNode } from './node.ts'

/** The internal topic of a repartition, named as Kafka Streams names its own. */
export function repartitionTopic(plan: Plan, node: RepartitionNode): string {
  return `${plan.name}-${node.name}-repartition`
}

/** The rows that a `deliver` step remembers, among the tables. */
export function memoryNameOf(node: { readonly name: string }): string {
  return `${node.name}-memory`
}

/** Where a repartition is read back, or a table read; the node's own name is for the writing side, or for the rows. */
export function sourceNameOf(node: { readonly name: string }): string {
  return `${node.name}-source`
}
