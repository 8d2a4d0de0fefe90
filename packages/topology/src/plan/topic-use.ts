import { TopologyError } from '../errors.ts'
import { streamTopic, type AnyTopic } from '../topic.ts'
import { repartitionTopic } from './derived-names.ts'
import type { Plan, PlanNode } from './node.ts'

/** The topics that a step writes. A sink that chooses among several may list one of them under two names. */
export function writtenTopics(plan: Plan, node: PlanNode): readonly AnyTopic[] {
  if (node.kind === 'repartition') return [streamTopic(repartitionTopic(plan, node), node)]
  return node.kind === 'sink' ? [...node.topics.values()] : []
}

/**
 * One topic has one description in an application: the same role and the same serdes wherever it is read or written, or
 * else one step would write what another cannot read.
 */
export function checkSameTopic(application: string, first: AnyTopic, second: AnyTopic): void {
  if (first === second) return
  const difference =
    first.kind !== second.kind
      ? `as a ${first.kind} topic and as a ${second.kind} topic`
      : first.key !== second.key
        ? `with two key serdes, ${first.key.name} and ${second.key.name}`
        : first.value !== second.value
          ? `with two value serdes, ${first.value.name} and ${second.value.name}`
          : undefined
  if (difference === undefined) return
  throw new TopologyError(
    'TOPOLOGY_PLAN_INVALID',
    `${application} describes the topic '${first.name}' twice, ${difference}: share one description`,
  )
}
