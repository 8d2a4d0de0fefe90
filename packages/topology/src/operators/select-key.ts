import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { SelectKeyNode } from '../plan/node.ts'

export function selectKey(node: SelectKeyNode, wiring: TaskWiring, downstream: RecordHandler): RecordHandler {
  const { name, mapper } = node
  const { context } = wiring
  const counts = wiring.counts(name)
  return (key, value) => {
    wiring.enter(name)
    const selected = mapper(value, key, context)
    counts.out += 1
    downstream(selected, value)
  }
}
