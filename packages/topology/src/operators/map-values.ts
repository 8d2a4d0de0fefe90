import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { MapValuesNode } from '../plan/node.ts'

export function mapValues(node: MapValuesNode, wiring: TaskWiring, downstream: RecordHandler): RecordHandler {
  const { name, mapper } = node
  const { context } = wiring
  const counts = wiring.counts(name)
  return (key, value) => {
    wiring.enter(name)
    const result = mapper(value, key, context)
    counts.out += 1
    downstream(key, result)
  }
}
