import { TopologyError } from '../errors.ts'
import type { NodeId, Plan, PlanNode } from '../plan/node.ts'
import type { Serde } from '../serde/serde.ts'
import { checkName } from './options.ts'

/** Where a stream stands in the plan: its node, and the prefix of the names that are derived after it. */
export interface PlanPosition {
  readonly node: NodeId
  readonly prefix: string
}

/** What stays known of a stream's serdes: undefined once a step has made new keys or values. */
export interface StreamSerdes {
  readonly key: Serde<unknown> | undefined
  readonly value: Serde<unknown> | undefined
}

type WithoutIdentity<T> = T extends PlanNode ? Omit<T, 'id' | 'name'> : never
/** A node as the DSL describes it, before it has a name and a number. */
export type NodeDraft = WithoutIdentity<PlanNode>

/**
 * The append-only list of nodes behind a builder, and the only place that names them.
 *
 * A derived name is `<branch>.<step>-<n>`: the n-th step of its sort in its own branch. A branch begins at a source, at an
 * outcome of a split and at every step that the author named; a second step on one and the same stream begins the branch
 * `<stream>:2`. So a stream that is added elsewhere, or a step in another branch, renames nothing.
 */
export class PlanBuilder {
  readonly name: string
  readonly #nodes: PlanNode[] = []
  readonly #names = new Set<string>()
  readonly #uses = new Map<NodeId, number>()
  readonly #steps = new Map<string, number>()

  constructor(name: string) {
    this.name = name
  }

  node(id: NodeId): PlanNode {
    const node = this.#nodes[id]
    if (node === undefined) throw new TopologyError('TOPOLOGY_PLAN_INVALID', `${this.name} has no node ${id}`)
    return node
  }

  /** A node that no stream leads to, or whose name follows from its own nature: sources, tables, outcomes of a split. */
  addNamed(name: string, draft: NodeDraft): PlanPosition {
    return { node: this.#append(name, draft), prefix: name }
  }

  /** The next step after `input`. `method` is what the author called. */
  addStep(input: PlanPosition, method: string, given: string | undefined, draft: NodeDraft): PlanPosition {
    const branch = this.#continue(input)
    if (given !== undefined) {
      checkName(`${method}() after ${this.node(input.node).name}`, given)
      return { node: this.#append(given, draft), prefix: given }
    }
    const series = `${branch}.${method}`
    const count = (this.#steps.get(series) ?? 0) + 1
    this.#steps.set(series, count)
    return { node: this.#append(`${series}-${count}`, draft), prefix: branch }
  }

  /** Counts a use of a stream by a step that is named after another one: the other inputs of a merge. */
  addUse(input: PlanPosition): void {
    this.#continue(input)
  }

  /** Streams and tables of two topologies cannot meet. */
  checkSame(where: string, other: unknown): void {
    if (other === this) return
    throw new TopologyError(
      'TOPOLOGY_PLAN_INVALID',
      `${where}: the other side was not made by the builder of ${this.name}; all parts of a topology come from one builder`,
    )
  }

  snapshot(): Plan {
    return { name: this.name, nodes: [...this.#nodes] }
  }

  #continue(input: PlanPosition): string {
    const uses = (this.#uses.get(input.node) ?? 0) + 1
    this.#uses.set(input.node, uses)
    return uses === 1 ? input.prefix : `${this.node(input.node).name}:${uses}`
  }

  #append(name: string, draft: NodeDraft): NodeId {
    if (this.#names.has(name)) {
      throw new TopologyError(
        'TOPOLOGY_PLAN_INVALID',
        `${this.name} has two steps named ${name}: give one of them another name with the option "name"`,
      )
    }
    this.#names.add(name)
    const id = this.#nodes.length
    this.#nodes.push({ id, name, ...draft } as PlanNode)
    return id
  }
}
