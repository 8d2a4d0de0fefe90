import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { FilterNode } from '../plan/node.ts'

export function filter(node: FilterNode, wiring: TaskWiring, downstream: RecordHandler): RecordHandler {
  const { name, predicate, negated } = node
  const { context } = wiring
  const counts = wiring.counts(name)
  return (key, value) => {
    wiring.enter(name)
    if (!predicate(value, key, context) !== negated) {
      wiring.drop(name, 'filtered')
      return
    }
    counts.out += 1
    downstream(key, value)
  }
}
