import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { MapNode } from '../plan/node.ts'

export function map(node: MapNode, wiring: TaskWiring, downstream: RecordHandler): RecordHandler {
  const { name, mapper } = node
  const { context } = wiring
  return (key, value) => {
    wiring.enter(name)
    const result = mapper(value, key, context)
    downstream(result.key, result.value)
  }
}
