/** One header of a Kafka record. Names may repeat; order is kept. */
export type RecordHeader = readonly [name: string, value: Buffer | null]
export type RecordHeaders = readonly RecordHeader[]

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** `topic-partition`, the form that Kafka's own tools print. Used as a map key and in messages. */
export function formatTopicPartition(topic: string, partition: number): string {
  return `${topic}-${partition}`
}

/**
 * Where the record that is being processed came from. The engine reuses one object for all records of a task:
 * read what you need during the call, and copy what you keep.
 */
export interface RecordContext {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** Milliseconds since the epoch. Outputs carry the timestamp and the headers of the record that caused them. */
  readonly timestampMs: number
  /** Decoded on first access. */
  readonly headers: RecordHeaders
}
