import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { SelectKeyNode } from '../plan/node.ts'

export function selectKey(node: SelectKeyNode, wiring: TaskWiring, downstream: RecordHandler): RecordHandler {
  const { name, mapper } = node
  const { context } = wiring
  return (key, value) => {
    wiring.enter(name)
    downstream(mapper(value, key, context), value)
  }
}
