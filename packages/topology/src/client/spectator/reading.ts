import { formatTopicPartition, type TopicPartition } from '../../record.ts'
import type { CommitOffset, FetchedBatch } from '../ports.ts'
import { cutBatch } from './cut-batch.ts'

interface Progress {
  /** Offsets from here on are not handed over. */
  to: number
  position: number
  /** Everything below it has been worked through. */
  finished: number
}

/** How much of the source topics is handed over, and whether it has been worked through. */
export class Reading {
  readonly #partitions = new Map<string, Progress>()
  readonly #finished = Promise.withResolvers<void>()
  #left: number

  constructor(maxRecords: number) {
    this.#left = maxRecords
  }

  /** Resolves when everything that is to be handed over has been, and is committed. */
  get finished(): Promise<void> {
    return this.#finished.promise
  }

  /** A partition is read up to but not including `to`; it is not known yet from where. */
  add(partition: TopicPartition, to: number): void {
    this.#partitions.set(formatTopicPartition(partition.topic, partition.partition), {
      to,
      position: Number.NaN,
      finished: Number.NaN,
    })
  }

  has(partition: TopicPartition): boolean {
    return this.#of(partition) !== undefined
  }

  /** Answers whether there is anything to fetch. */
  begin(partition: TopicPartition, offset: number): boolean {
    const progress = this.#of(partition)
    if (progress === undefined) return true
    progress.position = offset
    progress.finished = Number.isNaN(progress.finished) ? offset : progress.finished
    this.#check()
    return !this.isOver(partition)
  }

  /** Nothing more of the partition will be handed over. */
  isOver(partition: TopicPartition): boolean {
    const progress = this.#of(partition)
    return progress !== undefined && (this.#left === 0 || progress.position >= progress.to)
  }

  take(batch: FetchedBatch): FetchedBatch {
    const progress = this.#of(batch)
    if (progress === undefined) return batch
    const cut = cutBatch(batch, progress.to, this.#left)
    this.#left -= cut.count
    progress.position = cut.batch.nextOffset
    return cut.batch
  }

  committed(offsets: readonly CommitOffset[]): void {
    for (const offset of offsets) {
      const progress = this.#of(offset)
      if (progress !== undefined) progress.finished = offset.offset
    }
    this.#check()
  }

  #of({ topic, partition }: TopicPartition): Progress | undefined {
    return this.#partitions.get(formatTopicPartition(topic, partition))
  }

  #check(): void {
    for (const { to, position, finished } of this.#partitions.values()) {
      // Not reached when it is not known yet where to begin (NaN).
      const isRead = this.#left === 0 ? position >= 0 : position >= to
      if (!isRead || finished < position) return
    }
    this.#finished.resolve()
  }
}
