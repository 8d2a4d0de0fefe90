import type { RecordContext } from '../record.ts'
import type { AnyTopic, StreamTopic, TableTopic } from '../topic.ts'

/*
 * The type-level side of the DSL. Where a call must not compile, the type that refuses it has one member whose name says
 * why: a compiler prints the name of a missing member, and nothing else of what we could tell the author.
 *
 * `KStream` is covariant, so that a helper for `KStream<K, Event>` takes a `KStream<K, BookingEvent>`. A conditional type
 * over a class's own parameters would make it invariant; methods that need one take them from `this` instead.
 */

/** A test of a record. A type guard, of the value or of the key, narrows the stream. */
export type RecordPredicate<K, V> = (value: V, key: K, context: RecordContext) => boolean

type ValueGuard<K, V, S extends V> = (value: V, key: K, context: RecordContext) => value is S
type KeyGuard<K, V, S extends K> = (value: V, key: K, context: RecordContext) => key is S

/** What a predicate lets through. */
export type PassedValue<K, V, P> = P extends ValueGuard<K, V, infer S> ? S : V
export type PassedKey<K, V, P> = P extends KeyGuard<K, V, infer S> ? S : K

/** What a predicate rejects. A plain one says nothing about it. */
export type RejectedValue<K, V, P> = P extends ValueGuard<K, V, infer S> ? Without<V, S> : V
export type RejectedKey<K, V, P> = P extends KeyGuard<K, V, infer S> ? Without<K, S> : K

/** What the guards among the branches leave over. */
export type RemainingValue<K, V, Branches> = Without<
  V,
  { [Name in keyof Branches]: Branches[Name] extends ValueGuard<K, V, infer S> ? S : never }[keyof Branches]
>

/** A guard that takes everything leaves `T`, not `never`: a stream of `never` would fit every topic. */
type Without<T, S> = [Exclude<T, S>] extends [never] ? T : Exclude<T, S>

/** A step whose function returns a promise, which nobody would wait for. */
export interface AsyncFunctionNotAllowed {
  readonly 'this step does not wait: use enrich() for asynchronous work': never
}
export type Synchronous<R> = R extends PromiseLike<unknown> ? AsyncFunctionNotAllowed : R

/** A join of a stream and a table with different keys, which would never find a row. */
export interface JoinKeyMismatch<StreamKey, TableKey> {
  readonly 'the stream has another key type than the table: use selectKey() and repartition()': [
    StreamKey,
    TableKey,
  ]
}

/** An inner join of a stream whose key may be null, which would drop such records. */
export interface JoinKeyMayBeNull<StreamKey> {
  readonly 'the key may be null: filter such records, or use leftJoin()': StreamKey
}

type SameKey<StreamKey, TableKey> = [StreamKey, TableKey] extends [TableKey, StreamKey]
  ? unknown
  : JoinKeyMismatch<StreamKey, TableKey>

/** `unknown` where an inner join is sound. A global table is joined by a mapped key instead. */
export type InnerJoinable<Scope, StreamKey, TableKey> = Scope extends 'global'
  ? unknown
  : [StreamKey] extends [NonNullable<StreamKey>]
    ? SameKey<StreamKey, TableKey>
    : JoinKeyMayBeNull<StreamKey>

/** As `InnerJoinable`; a left join passes a record without a key on. */
export type LeftJoinable<Scope, StreamKey, TableKey> = Scope extends 'global'
  ? unknown
  : SameKey<NonNullable<StreamKey>, TableKey>

/** A topic, or several, from which one is chosen for each record by its name in this object. */
export type SinkTarget = AnyTopic | TopicsByName
export type TopicsByName = Readonly<Record<string, AnyTopic>>

/** What the target takes: by its topic's serdes, and with several topics what each of them takes. */
export type SinkKey<Target> = TakenByAll<WritersOf<Target>, 'key'>
export type SinkValue<Target> = TakenByAll<WritersOf<Target>, 'value'>

type WritersOf<Target> = Target extends AnyTopic
  ? WriterOf<Target>
  : { [Name in keyof Target]: WriterOf<Target[Name]> }[keyof Target]

interface Writer<K, V> {
  readonly key: (key: K) => void
  readonly value: (value: V) => void
}

/** A table topic takes `null` as well, which deletes the row. */
type WriterOf<Topic> =
  Topic extends StreamTopic<infer K, infer V>
    ? Writer<K, V>
    : Topic extends TableTopic<infer K, infer Row>
      ? Writer<K, Row | null>
      : never

/** Functions are contravariant: what a union of them takes is the intersection of their parameters. */
type TakenByAll<Writers extends Writer<never, never>, Part extends 'key' | 'value'> = Writers[Part] extends (
  part: infer T,
) => void
  ? T
  : never
