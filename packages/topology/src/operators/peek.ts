import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { PeekNode } from '../plan/node.ts'

export function peek(node: PeekNode, wiring: TaskWiring, downstream: RecordHandler): RecordHandler {
  const { name, action } = node
  const { context } = wiring
  return (key, value) => {
    wiring.enter(name)
    action(value, key, context)
    downstream(key, value)
  }
}
