import type { Serde } from './serde/serde.ts'

/** A topic of events. Its role is a type: a table cannot be made of it by mistake. */
export interface StreamTopic<K, V> {
  readonly kind: 'stream'
  readonly name: string
  readonly key: Serde<K>
  readonly value: Serde<V>
}

/** A compacted topic of rows: the latest value of a key is its row, `null` deletes it. */
export interface TableTopic<K, V> {
  readonly kind: 'table'
  readonly name: string
  readonly key: Serde<K>
  readonly value: Serde<V>
}

export interface TopicOptions<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
}

/** Describes a topic of events. @example `const bookings = streamTopic('bookings', { key: string(), value: avro(Booking) })` */
export function streamTopic<K, V>(name: string, options: TopicOptions<K, V>): StreamTopic<K, V> {
  return { kind: 'stream', name, key: options.key, value: options.value }
}

/** Describes a compacted topic of rows. @example `const customers = tableTopic('customers', { key: string(), value: avro(Customer) })` */
export function tableTopic<K, V>(name: string, options: TopicOptions<K, V>): TableTopic<K, V> {
  return { kind: 'table', name, key: options.key, value: options.value }
}

export type AnyTopic = StreamTopic<unknown, unknown> | TableTopic<unknown, unknown>
