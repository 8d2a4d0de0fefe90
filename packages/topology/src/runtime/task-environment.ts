import type { Clock } from '../clock.ts'
import type { Counters } from '../observability/counters.ts'
import type { Tracing } from '../observability/tracing.ts'
import type { NodeId } from '../plan/node.ts'
import type { TopicPartition } from '../record.ts'
import type { DeliveryStage } from './delivery/delivery-stage.ts'
import type { RecordCollector } from './record-collector.ts'
import type { Task } from './task.ts'
import type { TopicCodecs } from './task-source.ts'

/** What happens to a record that cannot be processed. Nothing disappears without being counted (law 6). */
export type ErrorPolicy = 'dead-letter' | 'skip' | 'fail'

export interface ErrorPolicies {
  /** The key or the value cannot be decoded. */
  readonly deserialization: ErrorPolicy
  /** The record has no key where a step needs one. */
  readonly nullKey: ErrorPolicy
  /** An author's function threw. */
  readonly processing: ErrorPolicy
  /** An output does not fit its schema, is too large, or is meant for a topic that its step does not list. */
  readonly production: ErrorPolicy
}

/** What all tasks of an application share. */
export interface TaskEnvironment {
  readonly clock: Clock
  readonly random: () => number
  readonly counters: Counters
  readonly collector: RecordCollector
  readonly sourceCodecs: ReadonlyMap<string, TopicCodecs>
  /** By topic, as the plan describes each topic but once. */
  readonly sinkCodecs: ReadonlyMap<string, TopicCodecs>
  readonly deliveries: ReadonlyMap<NodeId, DeliveryStage>
  /** Undefined where nobody listens. */
  readonly tracing?: Tracing | undefined
  readonly deadLetterTopic: string
  readonly policies: ErrorPolicies
  /** Fetched bytes per source partition above which it is paused. */
  readonly maxBufferedBytes: number
  /** Records that outlive their call, per task; at the bound the task stops reading. */
  readonly maxInFlightRecords: number
  /** Their bytes, likewise. */
  readonly maxInFlightBytes: number
  /** With exactly-once: outputs wait in the task until every earlier record is finished. */
  readonly holdsOutputs: boolean
  readonly flow: { pause(partition: TopicPartition): void; resume(partition: TopicPartition): void }
  /** The task has something to do again. */
  readonly onReady: (task: Task) => void
  /** The application cannot go on. */
  readonly onFailure: (error: Error) => void
}
