import type { PlanBuilder } from './plan-builder.ts'
import type { NodeId } from '../plan/node.ts'
import type { TableTopic } from '../topic.ts'

/**
 * The rows of a compacted topic, as a stream looks them up: `'partitioned'` holds the rows of the partitions that the task
 * reads, `'global'` all rows in every process.
 */
export class Table<Scope extends 'partitioned' | 'global', out K, out V> {
  readonly scope: Scope
  readonly name: string
  readonly topic: TableTopic<K, V>
  /** @internal */
  readonly plan: PlanBuilder
  /** @internal */
  readonly node: NodeId

  /** @internal */
  constructor(
    scope: Scope,
    topic: TableTopic<K, V>,
    at: { readonly plan: PlanBuilder; readonly node: NodeId },
  ) {
    this.scope = scope
    this.topic = topic
    this.plan = at.plan
    this.node = at.node
    this.name = at.plan.node(at.node).name
  }
}

/** A table that is partitioned like the streams that join it: by the stream's own key. */
export type KTable<K, V> = Table<'partitioned', K, V>

/** A table that every process holds whole: joined by any key that the stream's value gives. */
export type GlobalKTable<K, V> = Table<'global', K, V>
