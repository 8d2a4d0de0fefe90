import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { MapNode } from '../plan/node.ts'

export function map(node: MapNode, wiring: TaskWiring, downstream: RecordHandler): RecordHandler {
  const { name, mapper } = node
  const { context } = wiring
  const counts = wiring.counts(name)
  return (key, value) => {
    wiring.enter(name)
    const result = mapper(value, key, context)
    counts.out += 1
    downstream(result.key, result.value)
  }
}
