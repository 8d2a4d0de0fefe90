import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { SplitNode } from '../plan/node.ts'

/** The first branch whose predicate holds takes the record; `unmatched` takes what none does. */
export function split(
  node: SplitNode,
  wiring: TaskWiring,
  outcomes: { readonly branches: readonly RecordHandler[]; readonly unmatched: RecordHandler },
): RecordHandler {
  const { name } = node
  const { context } = wiring
  const predicates = node.branches.map(branch => branch.predicate)
  const { branches, unmatched } = outcomes
  return (key, value) => {
    wiring.enter(name)
    let taker = unmatched
    for (let i = 0; i < predicates.length; i += 1) {
      if (!predicates[i]!(value, key, context)) continue
      taker = branches[i]!
      break
    }
    taker(key, value)
  }
}
