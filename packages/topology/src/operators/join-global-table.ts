import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { JoinNode, ValueMapper } from '../plan/node.ts'
import { missedRow } from './join-miss.ts'

/**
 * Joins by a mapped key; the output keeps the stream's own, which may be null. Both joins drop a record without a value
 * before the mapper sees it; where the mapper gives no key, the inner join drops and the left one joins with undefined.
 */
export function joinGlobalTable(
  node: JoinNode,
  keyMapper: ValueMapper,
  { wiring, downstream }: { readonly wiring: TaskWiring; readonly downstream: RecordHandler },
): RecordHandler {
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
    wiring.enter(name)
    const mapped = keyMapper(value, key, context)
    const hasKey = mapped !== null && mapped !== undefined
    if (!hasKey && isInner) {
      wiring.drop(name, 'null-key')
      return
    }
    const row = hasKey ? table.get(mapped) : undefined
    if (row === undefined && isInner) onMiss(mapped)
    else downstream(key, joiner(value, row, key, context))
  }
}
