import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { PeekNode } from '../plan/node.ts'

export function peek(node: PeekNode, wiring: TaskWiring, downstream: RecordHandler): RecordHandler {
  const { name, action } = node
  const { context } = wiring
  const counts = wiring.counts(name)
  return (key, value) => {
    wiring.enter(name)
    action(value, key, context)
    counts.out += 1
    downstream(key, value)
  }
}
