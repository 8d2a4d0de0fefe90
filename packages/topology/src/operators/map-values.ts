import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { MapValuesNode } from '../plan/node.ts'

export function mapValues(node: MapValuesNode, wiring: TaskWiring, downstream: RecordHandler): RecordHandler {
  const { name, mapper } = node
  const { context } = wiring
  return (key, value) => {
    wiring.enter(name)
    downstream(key, mapper(value, key, context))
  }
}
