import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { ForeachNode } from '../plan/node.ts'

export function foreach(node: ForeachNode, wiring: TaskWiring): RecordHandler {
  const { name, action } = node
  const { context } = wiring
  return (key, value) => {
    wiring.enter(name)
    action(value, key, context)
  }
}
