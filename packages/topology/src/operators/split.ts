import type { StepCounts } from '../observability/counters.ts'
import type { RecordHandler, TaskWiring } from '../plan/compiled.ts'
import type { SplitNode } from '../plan/node.ts'

/** The first branch whose predicate holds takes the record; `unmatched` takes what none does. */
export function split(
  node: SplitNode,
  wiring: TaskWiring,
  outcomes: {
    readonly branches: readonly RecordHandler[]
    readonly unmatched: RecordHandler
    readonly branchCounts: readonly StepCounts[]
    readonly unmatchedCounts: StepCounts
  },
): RecordHandler {
  const { name } = node
  const { context } = wiring
  const predicates = node.branches.map(branch => branch.predicate)
  const { branches, unmatched, branchCounts, unmatchedCounts } = outcomes
  return (key, value) => {
    wiring.enter(name)
    let taker = unmatched
    let counts = unmatchedCounts
    for (let i = 0; i < predicates.length; i += 1) {
      if (!predicates[i]!(value, key, context)) continue
      taker = branches[i]!
      counts = branchCounts[i]!
      break
    }
    counts.out += 1
    taker(key, value)
  }
}
