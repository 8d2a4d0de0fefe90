import type {
  FlatMapNode,
  FlatMapValuesNode,
  KeyValue,
  KeyValueMapper,
  PeekNode,
  Predicate,
  SplitNode,
  ValueMapper,
} from '../plan/node.ts'
import type { RecordContext } from '../record.ts'
import type { AnyTopic } from '../topic.ts'
import { deliverDraft } from './deliver-step.ts'
import { enrichDraft } from './enrich-step.ts'
import type {
  InnerJoinable,
  LeftJoinable,
  PassedKey,
  PassedValue,
  RecordPredicate,
  RejectedKey,
  RejectedValue,
  RemainingValue,
  SinkKey,
  SinkTarget,
  SinkValue,
  Synchronous,
} from './inference.ts'
import { joinDraft } from './join-step.ts'
import { checkFunction, nameRule, stepOptions } from './options.ts'
import type { NodeDraft, PlanBuilder, PlanPosition, StreamSerdes } from './plan-builder.ts'
import { repartitionDraft } from './repartition-step.ts'
import { sinkDraft } from './sink-step.ts'
import { splitBranches } from './split-step.ts'
import type {
  ChoiceOptions,
  DeliverOptions,
  EnrichOptions,
  InnerJoinOptions,
  LeftJoinOptions,
  RepartitionOptions,
  SplitOptions,
  StepOptions,
} from './step-options.ts'
import type { Table } from './table.ts'

/** What the author gave to a step that has one function. */
interface StepCall {
  readonly author: unknown
  readonly options: StepOptions | undefined
}
type WithoutInput<T> = T extends { readonly input: unknown } ? Omit<T, 'input'> : never
type StepDraft = WithoutInput<NodeDraft>

const NO_SERDES: StreamSerdes = { key: undefined, value: undefined }
const NAME_ONLY: { readonly table: { readonly name: typeof nameRule } } = { table: { name: nameRule } }

/**
 * Records of key `K` and value `V`. Each method appends one step to the plan and returns what comes out of it; a stream may
 * be used several times, and its steps then see each record in the order of their definition. Functions take the value
 * first and must not keep the context.
 *
 * Every method throws TOPOLOGY_CONFIG_INVALID for options that it does not know or that are out of range, and
 * TOPOLOGY_PLAN_INVALID for a name that is already taken.
 *
 * @example
 * bookings
 *   .filter(booking => booking.status === 'completed')
 *   .join(customers, { joiner: (booking, customer) => ({ ...booking, email: customer.email }) })
 *   .to(marketingEvents)
 */
export class KStream<out K, out V> {
  readonly #plan: PlanBuilder
  readonly #at: PlanPosition
  readonly #serdes: StreamSerdes

  /** @internal */
  constructor(plan: PlanBuilder, at: PlanPosition, serdes: StreamSerdes) {
    this.#plan = plan
    this.#at = at
    this.#serdes = serdes
  }

  /** Keeps the records for which the predicate holds; the others are counted. A type guard narrows the stream. */
  filter<KS, VS, P extends RecordPredicate<KS, VS>>(
    this: KStream<KS, VS>,
    predicate: P,
    options?: StepOptions,
  ): KStream<PassedKey<KS, VS, P>, PassedValue<KS, VS, P>> {
    const draft = { kind: 'filter', predicate: predicate as unknown as Predicate, negated: false } as const
    return this.#step('filter', { author: predicate, options }, draft, this.#serdes)
  }

  /** Keeps the records for which the predicate does not hold; the others are counted. */
  filterNot<KS, VS, P extends RecordPredicate<KS, VS>>(
    this: KStream<KS, VS>,
    predicate: P,
    options?: StepOptions,
  ): KStream<RejectedKey<KS, VS, P>, RejectedValue<KS, VS, P>> {
    const draft = { kind: 'filter', predicate: predicate as unknown as Predicate, negated: true } as const
    return this.#step('filterNot', { author: predicate, options }, draft, this.#serdes)
  }

  /** Makes a new key and a new value. A partitioned join behind it needs a `repartition`. */
  map<K2, V2>(
    mapper: (value: V, key: K, context: RecordContext) => KeyValue<K2, V2>,
    options?: StepOptions,
  ): KStream<K2, V2> {
    const draft = { kind: 'map', mapper: mapper as KeyValueMapper } as const
    return this.#step('map', { author: mapper, options }, draft, NO_SERDES)
  }

  mapValues<R>(
    mapper: (value: V, key: K, context: RecordContext) => R,
    options?: StepOptions,
  ): KStream<K, R> {
    const draft = { kind: 'mapValues', mapper: mapper as ValueMapper } as const
    return this.#step('mapValues', { author: mapper, options }, draft, this.#keySerdeOnly())
  }

  /** Emits the items in their order, each one to the end before the next. */
  flatMap<K2, V2>(
    mapper: (value: V, key: K, context: RecordContext) => Iterable<KeyValue<K2, V2>>,
    options?: StepOptions,
  ): KStream<K2, V2> {
    const draft = { kind: 'flatMap', mapper: mapper as FlatMapNode['mapper'] } as const
    return this.#step('flatMap', { author: mapper, options }, draft, NO_SERDES)
  }

  /** Emits the items in their order under the record's key, each one to the end before the next. */
  flatMapValues<R>(
    mapper: (value: V, key: K, context: RecordContext) => Iterable<R>,
    options?: StepOptions,
  ): KStream<K, R> {
    const draft = { kind: 'flatMapValues', mapper: mapper as FlatMapValuesNode['mapper'] } as const
    return this.#step('flatMapValues', { author: mapper, options }, draft, this.#keySerdeOnly())
  }

  /** Makes a new key. A partitioned join behind it needs a `repartition`. */
  selectKey<K2>(
    mapper: (value: V, key: K, context: RecordContext) => K2,
    options?: StepOptions,
  ): KStream<K2, V> {
    const draft = { kind: 'selectKey', mapper: mapper as ValueMapper } as const
    return this.#step('selectKey', { author: mapper, options }, draft, {
      key: undefined,
      value: this.#serdes.value,
    })
  }

  /** Looks at each record and passes it on. */
  peek<R>(
    action: (value: V, key: K, context: RecordContext) => Synchronous<R>,
    options?: StepOptions,
  ): KStream<K, V> {
    const draft = { kind: 'peek', action: action as PeekNode['action'] } as const
    return this.#step('peek', { author: action, options }, draft, this.#serdes)
  }

  /** Takes each record and ends the stream. */
  foreach<R>(
    action: (value: V, key: K, context: RecordContext) => Synchronous<R>,
    options?: StepOptions,
  ): void {
    const draft = { kind: 'foreach', action: action as PeekNode['action'] } as const
    this.#step('foreach', { author: action, options }, draft, NO_SERDES)
  }

  /**
   * Gives each record to the first branch whose predicate holds. What no branch takes goes to the one that `default`
   * names, or else is dropped and counted. Type guards narrow their branches, and the default branch by what they take.
   *
   * @example const { bookings, rest } = events.split({ bookings: isBooking }, { default: 'rest' })
   */
  split<
    KS,
    VS,
    const Branches extends Readonly<Record<string, RecordPredicate<KS, VS>>>,
    Default extends string = never,
  >(
    this: KStream<KS, VS>,
    branches: Branches,
    options?: SplitOptions<Default>,
  ): SplitStreams<KS, VS, Branches, Default> {
    const where = this.#where('split')
    const { entries, defaultName, name } = splitBranches(where, branches, options)
    const draft: Omit<SplitNode, 'id' | 'name'> = { kind: 'split', input: this.#at.node, branches: entries }
    const split = this.#plan.addStep(this.#at, 'split', name, draft)
    const streams: Record<string, KStream<KS, unknown>> = {}
    const addBranch = (branch: string, index: number | 'default'): void => {
      const at = this.#plan.addNamed(`${this.#plan.node(split.node).name}.${branch}`, {
        kind: 'branch',
        input: split.node,
        index,
      })
      streams[branch] = new KStream(this.#plan, at, this.#serdes)
    }
    entries.forEach((branch, index) => addBranch(branch.name, index))
    if (defaultName !== undefined) addBranch(defaultName, 'default')
    return streams as SplitStreams<KS, VS, Branches, Default>
  }

  /** Both streams' records, as they come: nothing sorts them. */
  merge<K2, V2>(other: KStream<K2, V2>, options?: StepOptions): KStream<K | K2, V | V2> {
    const where = this.#where('merge')
    const { name } = stepOptions<StepOptions>(where, NAME_ONLY, options)
    this.#plan.checkSame(where, other.#plan)
    const inputs = [this.#at.node, other.#at.node]
    const at = this.#plan.addStep(this.#at, 'merge', name, { kind: 'merge', inputs })
    this.#plan.addUse(other.#at)
    return new KStream(this.#plan, at, {
      key: this.#serdes.key === other.#serdes.key ? this.#serdes.key : undefined,
      value: this.#serdes.value === other.#serdes.value ? this.#serdes.value : undefined,
    })
  }

  /**
   * Writes to an internal topic, partitioned by the key, and reads it back: behind it a changed key lies where the rows of
   * a table with this key lie. Records without a key are dropped and counted.
   */
  repartition(options: RepartitionOptions<NonNullable<K>, V>): KStream<NonNullable<K>, V> {
    const where = this.#where('repartition')
    const { name, ...draft } = repartitionDraft(where, options, this.#serdes)
    const at = this.#plan.addStep(this.#at, 'repartition', name, { ...draft, input: this.#at.node })
    return new KStream(this.#plan, at, { key: draft.key, value: draft.value })
  }

  /**
   * Looks each record's row up and joins the two. With a partitioned table the key is the stream's own; with a global table
   * the option `key` gives it. The output keeps the stream's key. A record without a row is dropped and counted, goes to
   * the dead-letter topic, or waits for its row; one without a key or a value is dropped and counted.
   *
   * @example bookings.join(activities, { key: booking => booking.activityId, joiner: (booking, activity) => … })
   */
  join<KS, Scope extends 'partitioned' | 'global', TableKey, Row, R>(
    this: KStream<KS, unknown>,
    table: Table<Scope, TableKey, Row> & InnerJoinable<Scope, KS, TableKey>,
    options: InnerJoinOptions<Scope, K, V, TableKey, Row, R>,
  ): KStream<KS, R> {
    return this.#join('inner', table, options)
  }

  /**
   * As `join`, but a record without a row, or without a key, is joined with `undefined`, where the option `missing` says so
   * only after it has waited for its row. A record without a value is dropped and counted.
   */
  leftJoin<KS, Scope extends 'partitioned' | 'global', TableKey, Row, R>(
    this: KStream<KS, unknown>,
    table: Table<Scope, TableKey, Row> & LeftJoinable<Scope, KS, TableKey>,
    options: LeftJoinOptions<Scope, K, V, TableKey, Row, R>,
  ): KStream<KS, R> {
    return this.#join('left', table, options)
  }

  /**
   * Calls an outside system for each record and joins its answer, in the order of the records of a key. Calls are bounded in
   * number and time, and tried again with a backoff; what no retry can mend goes by `onFailure`.
   */
  enrich<Result, R, Fallback = never>(options: EnrichOptions<K, V, Result, Fallback, R>): KStream<K, R> {
    const { name, ...draft } = enrichDraft(this.#where('enrich'), options)
    const at = this.#plan.addStep(this.#at, 'enrich', name, { ...draft, input: this.#at.node })
    return new KStream(this.#plan, at, this.#keySerdeOnly())
  }

  /**
   * Writes to a topic. Of several topics, listed by names of the author's choice, each record goes to the one that `choose`
   * names; every one of them has to take the stream's keys and values, and all are checked at start. A table topic takes
   * `null` as well, which deletes the row.
   *
   * @example events.to({ germany, france }, { choose: event => (event.country === 'DE' ? 'germany' : 'france') })
   */
  to<Target extends SinkTarget>(
    this: KStream<SinkKey<Target>, SinkValue<Target>>,
    target: Target,
    ...options: Target extends AnyTopic
      ? [options?: StepOptions]
      : [options: ChoiceOptions<K, V, keyof Target & string>]
  ): void {
    const { name, ...draft } = sinkDraft(this.#where('to'), target, options[0])
    this.#plan.addStep(this.#at, 'to', name, { ...draft, input: this.#at.node })
  }

  /** Hands the records to an outside system in batches, with an outcome per item, and ends the stream. */
  deliver<T, M = unknown>(this: KStream<unknown, NoInfer<T>>, options: DeliverOptions<K, V, T, M>): void {
    const { name, ...draft } = deliverDraft(this.#where('deliver'), options)
    this.#plan.addStep(this.#at, 'deliver', name, { ...draft, input: this.#at.node })
  }

  /** How messages name a call: by what the stream comes from. */
  #where(method: string): string {
    return `${this.#plan.name}: ${method}() after ${this.#plan.node(this.#at.node).name}`
  }

  #keySerdeOnly(): StreamSerdes {
    return { key: this.#serdes.key, value: undefined }
  }

  /** A step with one function and nothing but a name for options. */
  #step<K2, V2>(method: string, call: StepCall, draft: StepDraft, serdes: StreamSerdes): KStream<K2, V2> {
    const where = this.#where(method)
    checkFunction(where, call.author)
    const { name } = stepOptions<StepOptions>(where, NAME_ONLY, call.options)
    const at = this.#plan.addStep(this.#at, method, name, { ...draft, input: this.#at.node } as NodeDraft)
    return new KStream(this.#plan, at, serdes)
  }

  #join<Scope extends 'partitioned' | 'global', R>(
    outer: 'inner' | 'left',
    table: Table<Scope, unknown, unknown>,
    options: object,
  ): KStream<K, R> {
    const method = outer === 'inner' ? 'join' : 'leftJoin'
    const where = this.#where(method)
    const { name, ...draft } = joinDraft(where, { outer, table, plan: this.#plan }, options)
    const at = this.#plan.addStep(this.#at, method, name, { ...draft, input: this.#at.node })
    return new KStream(this.#plan, at, this.#keySerdeOnly())
  }
}

/** A stream for each branch, under the branch's name. */
export type SplitStreams<K, V, Branches, Default extends string> = {
  readonly [Name in keyof Branches]: KStream<K, PassedValue<K, V, Branches[Name]>>
} & { readonly [Name in Default]: KStream<K, RemainingValue<K, V, Branches>> }
