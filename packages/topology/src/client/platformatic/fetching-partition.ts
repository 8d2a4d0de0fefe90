import type { FetchListener } from '../ports.ts'
import type { Seeker } from './leader-finder.ts'
import type { LeaderFetch } from './leader-fetch.ts'

/** One assignment of a partition to a fetcher, from `assign` to `unassign`. A later one is another object. */
export class FetchingPartition implements Seeker {
  readonly topic: string
  readonly partition: number
  readonly listener: FetchListener
  /** The next offset to ask for. */
  position: number
  isPaused = false
  /** In a request that is under way. */
  isAsked = false
  isGone = false
  failures = 0
  leaderEpoch = -1
  leader: LeaderFetch | undefined
  /** When the listener was last called. */
  heardAtMs: number = -Infinity

  constructor(topic: string, partition: number, position: number, listener: FetchListener) {
    this.topic = topic
    this.partition = partition
    this.position = position
    this.listener = listener
  }
}
