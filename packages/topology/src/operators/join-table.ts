import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { JoinNode } from '../plan/node.ts'
import { missedRow } from './join-miss.ts'

/**
 * Joins by the stream's own key, as Kafka Streams does: both joins drop a record without a value, the inner one a record
 * without a key, too; the left one joins that with undefined.
 */
export function joinTable(node: JoinNode, wiring: TaskWiring, downstream: RecordHandler): RecordHandler {
  const { name, joiner } = node
  const { context } = wiring
  const table = wiring.table(node.table)
  const isInner = node.outer === 'inner'
  const onMiss = missedRow(node, wiring)
  return (key, value) => {
    if (value === null || value === undefined) {
      wiring.drop(name, 'null-value')
      return
    }
    const hasKey = key !== null && key !== undefined
    if (!hasKey && isInner) {
      wiring.drop(name, 'null-key')
      return
    }
    // The lookup encodes the key, which may fail: that, too, is this step's failure.
    wiring.enter(name)
    const row = hasKey ? table.get(key) : undefined
    if (row === undefined && isInner) onMiss(key)
    else downstream(key, joiner(value, row, key, context))
  }
}
