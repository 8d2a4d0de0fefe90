import { TopologyError } from '../errors.ts'
import type { TaskWiring } from '../plan/compiled.ts'
import type { JoinNode } from '../plan/node.ts'
import { formatTopicPartition } from '../record.ts'

const LONGEST_KEY = 100

/** What an inner join does with a record that has no row, or has waited for one in vain, by its `missing` policy. */
export function missedRow(node: JoinNode, wiring: TaskWiring): (key: unknown) => void {
  const { name, missing, parkForMs } = node
  const { context } = wiring
  const reason = parkForMs === undefined ? 'join-miss' : 'park-timeout'
  if (missing === 'drop') return () => wiring.drop(name, reason)
  const waited = parkForMs === undefined ? '' : `, for which it has waited ${parkForMs} ms`
  return key => {
    const place = `${formatTopicPartition(context.topic, context.partition)}@${context.offset}`
    const message = `${name} has no row for the key ${keyText(key)} of ${place}${waited}`
    wiring.deadLetter(name, new TopologyError('TOPOLOGY_JOIN_MISSED', message))
  }
}

function keyText(key: unknown): string {
  const text =
    typeof key === 'string'
      ? `'${key}'`
      : JSON.stringify(key, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part))
  return text.length > LONGEST_KEY ? `${text.slice(0, LONGEST_KEY)}…` : text
}
