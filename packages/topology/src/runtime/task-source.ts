import type { RecordHandler } from '../plan/compiled.ts'
import type { Codec } from '../serde/serde.ts'
import { OffsetTracker } from './offset-tracker.ts'
import { PartitionBuffer } from './partition-buffer.ts'

export interface TopicCodecs {
  readonly key: Codec<unknown>
  readonly value: Codec<unknown>
}

/** One source partition of a task: what was fetched, what of it is finished, what was committed. */
export class TaskSource {
  readonly topic: string
  readonly partition: number
  readonly codecs: TopicCodecs
  readonly handler: RecordHandler
  readonly buffer: PartitionBuffer = new PartitionBuffer()
  readonly tracker: OffsetTracker
  /** The offset that the group has; `undefined` before the first commit. */
  committed: number | undefined
  highWatermark = -1
  /** A schema that the next record needs is being fetched. */
  isWaitingForSchema = false
  /** The registry does not know the schema of the next record. */
  schemaFailure: { readonly schemaId: number; readonly error: Error } | undefined
  isPaused = false
  readonly onPosition: (nextOffset: number) => void

  constructor(options: {
    readonly topic: string
    readonly partition: number
    readonly codecs: TopicCodecs
    readonly handler: RecordHandler
    readonly startOffset: number
    readonly committed: number | undefined
  }) {
    this.topic = options.topic
    this.partition = options.partition
    this.codecs = options.codecs
    this.handler = options.handler
    this.tracker = new OffsetTracker(options.startOffset)
    this.committed = options.committed
    this.onPosition = nextOffset => this.tracker.advance(nextOffset)
  }

  /** Records between the position and the end of the partition, or -1 before the first response. */
  get lag(): number {
    return this.highWatermark < 0 ? -1 : Math.max(0, this.highWatermark - this.tracker.committable)
  }
}
