import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { FlatMapNode } from '../plan/node.ts'

export function flatMap(node: FlatMapNode, wiring: TaskWiring, downstream: RecordHandler): RecordHandler {
  const { name, mapper } = node
  const { context } = wiring
  const counts = wiring.counts(name)
  return (key, value) => {
    wiring.enter(name)
    counts.in += 1
    for (const item of mapper(value, key, context)) {
      counts.out += 1
      downstream(item.key, item.value)
      // A generator runs on between the items, and the steps behind have named themselves meanwhile.
      wiring.enter(name)
    }
  }
}
