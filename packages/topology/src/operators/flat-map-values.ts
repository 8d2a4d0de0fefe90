import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { FlatMapValuesNode } from '../plan/node.ts'

export function flatMapValues(
  node: FlatMapValuesNode,
  wiring: TaskWiring,
  downstream: RecordHandler,
): RecordHandler {
  const { name, mapper } = node
  const { context } = wiring
  return (key, value) => {
    wiring.enter(name)
    for (const item of mapper(value, key, context)) {
      downstream(key, item)
      // A generator runs on between the items, and the steps behind have named themselves meanwhile.
      wiring.enter(name)
    }
  }
}
