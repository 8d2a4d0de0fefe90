import type { TaskWiring, RecordHandler } from '../plan/compiled.ts'
import type { JoinNode } from '../plan/node.ts'
import { missedRow } from './join-miss.ts'

/** Joins a record with the row of `tableKey`, which only a left join's record may lack. */
export type RowJoin = (key: unknown, value: unknown, tableKey: unknown) => void

/** What both kinds of tables have in common once it is known what to ask them for. */
export function joinRow(node: JoinNode, wiring: TaskWiring, downstream: RecordHandler): RowJoin {
  const { name, joiner, parkForMs } = node
  const { context } = wiring
  const counts = wiring.counts(name)
  const table = wiring.table(node.table)
  const onRow = (key: unknown, value: unknown, row: unknown): void => {
    const joined = joiner(value, row, key, context)
    counts.out += 1
    downstream(key, joined)
  }
  const onMiss = missedRow(node, wiring)
  const isInner = node.outer === 'inner'
  const onNoRow: RowJoin = (key, value, tableKey) => {
    counts.misses += 1
    if (isInner) onMiss(tableKey)
    else onRow(key, value, undefined)
  }
  if (parkForMs === undefined) {
    return (key, value, tableKey) => {
      const row = isKey(tableKey) ? table.get(tableKey) : undefined
      if (row === undefined) onNoRow(key, value, tableKey)
      else onRow(key, value, row)
    }
  }
  const parking = wiring.park(node, parkForMs, { onRow, onNoRow })
  return (key, value, tableKey) => {
    const hasToWait = parking.isWaiting(key)
    const row = hasToWait || !isKey(tableKey) ? undefined : table.get(tableKey)
    if (row !== undefined) onRow(key, value, row)
    else if (hasToWait || isKey(tableKey)) parking.add(key, value, tableKey)
    else onNoRow(key, value, tableKey)
  }
}

function isKey(key: unknown): boolean {
  return key !== null && key !== undefined
}
