import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { JoinNode } from '../plan/node.ts'
import { joinRow } from './join-row.ts'

/**
 * Joins by the stream's own key, as Kafka Streams does: both joins drop a record without a value. A record without a key
 * is joined with undefined by the left one, and ends in the inner one by the application's policy.
 */
export function joinTable(node: JoinNode, wiring: TaskWiring, downstream: RecordHandler): RecordHandler {
  const { name } = node
  const isInner = node.outer === 'inner'
  const join = joinRow(node, wiring, downstream)
  return (key, value) => {
    if (value === null || value === undefined) {
      wiring.drop(name, 'null-value')
      return
    }
    if (isInner && (key === null || key === undefined)) {
      wiring.missesKey(name)
      return
    }
    // The lookup encodes the key, which may fail: that, too, is this step's failure.
    wiring.enter(name)
    join(key, value, key)
  }
}
