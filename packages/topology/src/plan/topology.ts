import { compileGraph } from './compile.ts'
import type { CompiledTopology } from './compiled.ts'
import { describeAsText } from './describe-text.ts'
import { describeGraph, type TopologyDescription } from './describe.ts'
import { analyse, type Graph } from './graph.ts'
import { describeAsMermaid } from './mermaid.ts'
import type { Plan } from './node.ts'

/** A validated topology: what an application or a test driver runs, and what can be looked at. */
export class Topology {
  readonly name: string
  readonly compiled: CompiledTopology
  readonly #graph: Graph

  /** @internal */
  constructor(plan: Plan) {
    this.name = plan.name
    this.#graph = analyse(plan)
    this.compiled = compileGraph(this.#graph)
  }

  /** In the format of Kafka Streams' own `Topology.describe()`, so that tools for it take ours as well. */
  describe(): string {
    return describeAsText(describeGraph(this.#graph))
  }

  /** A Mermaid flow chart. */
  toMermaid(): string {
    return describeAsMermaid(describeGraph(this.#graph))
  }

  /** For `JSON.stringify`: the same for the same topology, so that a change shows as a difference. */
  toJSON(): TopologyDescription {
    return describeGraph(this.#graph)
  }
}
