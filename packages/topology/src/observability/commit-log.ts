import { formatTopicPartition, type TopicPartition } from '../record.ts'

/** One commit of a partition's offset. */
export interface CommitPoint {
  readonly offset: number
  /** Milliseconds since the epoch. */
  readonly timestampMs: number
  /** Records up to the end of the partition at that moment. */
  readonly lag: number
}

/** What Burrow keeps of a partition of a group, and judges it by. */
export interface CommitHistory extends TopicPartition {
  /** At most `intervals` of them, oldest first. */
  readonly commits: readonly CommitPoint[]
  readonly intervals: number
  /** Ends of the partition as they were looked at every `endsEveryMs`, oldest first, at most `intervals`. */
  readonly endOffsets: readonly number[]
  /** Records from the last commit to the end of the partition. */
  readonly currentLag: number
}

export interface CommitLogOptions {
  /** Commits that are kept per partition; Burrow's `intervals`. */
  readonly intervals: number
  /** A commit that follows its predecessor sooner replaces it and keeps its time; Burrow's `min-distance`. */
  readonly distanceMs: number
  /** Between two ends that are kept; Burrow's `offset-refresh`. Default: its default. */
  readonly endsEveryMs?: number
}

const ENDS_EVERY_MS = 10_000

interface PartitionLog {
  readonly at: TopicPartition
  commits: CommitPoint[]
  endOffsets: number[]
  endOffset: number
  lookedAtMs: number
}

/** The latest commits of every partition that this process has. */
export class CommitLog {
  readonly #options: CommitLogOptions
  readonly #partitions = new Map<string, PartitionLog>()

  constructor(options: CommitLogOptions) {
    this.#options = options
  }

  /** @param endOffset the end of the partition; -1 when it is not known yet */
  look(at: TopicPartition, endOffset: number, nowMs: number): void {
    if (endOffset < 0) return
    const log = this.#logOf(at)
    log.endOffset = endOffset
    const { intervals, endsEveryMs = ENDS_EVERY_MS } = this.#options
    if (nowMs - log.lookedAtMs < endsEveryMs) return
    log.lookedAtMs = nowMs
    log.endOffsets.push(endOffset)
    if (log.endOffsets.length > intervals) log.endOffsets.shift()
  }

  /** Reading has begun here, and nothing is committed yet: what a predecessor has left is where it stands. */
  began(at: TopicPartition, committed: number | undefined, nowMs: number): void {
    if (committed !== undefined && this.#logOf(at).commits.length === 0) this.committed(at, committed, nowMs)
  }

  /** Call `look` first: the lag is counted from there. */
  committed(at: TopicPartition, offset: number, nowMs: number): void {
    const { intervals, distanceMs } = this.#options
    const log = this.#logOf(at)
    const lag = Math.max(0, log.endOffset - offset)
    const last = log.commits.at(-1)
    if (last !== undefined && nowMs - last.timestampMs < distanceMs) {
      // With a new time each time, frequent commits would never add up to a second entry.
      log.commits[log.commits.length - 1] = { offset, timestampMs: last.timestampMs, lag }
      return
    }
    log.commits.push({ offset, timestampMs: nowMs, lag })
    if (log.commits.length > intervals) log.commits.shift()
  }

  /** The partition is someone else's. */
  forget(at: TopicPartition): void {
    this.#partitions.delete(formatTopicPartition(at.topic, at.partition))
  }

  /** Of the partitions that were committed at least once. */
  histories(): readonly CommitHistory[] {
    const { intervals } = this.#options
    return [...this.#partitions.values()].flatMap(({ at, commits, endOffsets, endOffset }) => {
      const last = commits.at(-1)
      if (last === undefined) return []
      const currentLag = Math.max(0, endOffset - last.offset)
      const { topic, partition } = at
      return [{ topic, partition, commits: [...commits], intervals, endOffsets: [...endOffsets], currentLag }]
    })
  }

  #logOf(at: TopicPartition): PartitionLog {
    const key = formatTopicPartition(at.topic, at.partition)
    let log = this.#partitions.get(key)
    if (log === undefined) {
      const { topic, partition } = at
      log = {
        at: { topic, partition },
        commits: [],
        endOffsets: [],
        endOffset: 0,
        lookedAtMs: Number.NEGATIVE_INFINITY,
      }
      this.#partitions.set(key, log)
    }
    return log
  }
}
