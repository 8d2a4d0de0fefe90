import type { TopologyError } from '../../errors.ts'
import type { Seeker } from './leader-finder.ts'
import type { LeaderSender } from './leader-sender.ts'
import type { PartitionSequence } from './partition-sequence.ts'

/** One partition that a producer writes to. */
export class SendingPartition implements Seeker {
  readonly topic: string
  readonly partition: number
  readonly sequence: PartitionSequence
  /** Everything that was to be sent has been rejected. */
  isGone = false
  failures = 0
  /** Undefined while it is looked for: then nothing is sent. */
  leader: LeaderSender | undefined
  /** Why a batch has to be sent again, until all answers are in. */
  lastError: TopologyError | undefined
  /** Since when the brokers have said that it does not exist, on the monotonic clock. */
  missingSinceMs: number | undefined

  constructor(topic: string, partition: number, sequence: PartitionSequence) {
    this.topic = topic
    this.partition = partition
    this.sequence = sequence
  }
}
