import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { RepartitionNode } from '../plan/node.ts'

/** Writes to the internal topic. A record without a key has no partition of its own: it ends here, by policy. */
export function repartition(node: RepartitionNode, wiring: TaskWiring, write: RecordHandler): RecordHandler {
  const { name } = node
  return (key, value) => {
    if (key === null || key === undefined) wiring.missesKey(name)
    else write(key, value)
  }
}
