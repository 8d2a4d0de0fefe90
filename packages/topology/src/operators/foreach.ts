import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { ForeachNode } from '../plan/node.ts'

export function foreach(node: ForeachNode, wiring: TaskWiring): RecordHandler {
  const { name, action } = node
  const { context } = wiring
  const counts = wiring.counts(name)
  return (key, value) => {
    wiring.enter(name)
    counts.in += 1
    action(value, key, context)
  }
}
