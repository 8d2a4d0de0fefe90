import type { CompiledSubTopology, TableReader } from '../plan/compiled.ts'
import type { NodeId } from '../plan/node.ts'
import { MOST_WARMED } from '../state/table-store.ts'
import type { RecordCursor } from '../wire/record-batch-reader.ts'

const keys = { starts: new Int32Array(MOST_WARMED), ends: new Int32Array(MOST_WARMED) }

/**
 * What a task does with the records that come next: their rows in its partitioned tables are brought into the processor's
 * caches, for a record is joined there by its own key. It answers how many of them it has looked at. Only a hint: what a
 * record is joined with is decided when its turn comes.
 */
export function lookAheadFor(
  { tables }: CompiledSubTopology,
  table: (id: NodeId) => TableReader,
): ((cursor: RecordCursor) => number) | undefined {
  const warms = tables.flatMap(({ node, isMemory }) => (isMemory === true ? [] : (table(node).warm ?? [])))
  if (warms.length === 0) return undefined
  return cursor => {
    const count = cursor.keysAhead(keys.starts, keys.ends)
    for (const warm of warms) warm(cursor.buffer, keys, count)
    return count
  }
}
