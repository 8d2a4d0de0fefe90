import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { JoinNode, ValueMapper } from '../plan/node.ts'
import { joinRow } from './join-row.ts'

/**
 * Joins by a mapped key; the output keeps the stream's own, which may be null. Both joins drop a record without a value
 * before the mapper sees it; where the mapper gives no key, the inner join drops and the left one joins with undefined.
 */
export function joinGlobalTable(
  node: JoinNode,
  keyMapper: ValueMapper,
  { wiring, downstream }: { readonly wiring: TaskWiring; readonly downstream: RecordHandler },
): RecordHandler {
  const { name } = node
  const { context } = wiring
  const isInner = node.outer === 'inner'
  const join = joinRow(node, wiring, downstream)
  return (key, value) => {
    if (value === null || value === undefined) {
      wiring.drop(name, 'null-value')
      return
    }
    wiring.enter(name)
    const mapped = keyMapper(value, key, context)
    if (isInner && (mapped === null || mapped === undefined)) {
      wiring.drop(name, 'null-key')
      return
    }
    join(key, value, mapped)
  }
}
