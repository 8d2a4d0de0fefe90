import { setTimeout as sleep } from 'node:timers/promises'
import { Admin, ListOffsetTimestamps } from '@platformatic/kafka'
import { customerEvents } from '@tributary/marketing-events'
import { PARTITIONS } from '../demo/kafka/topics.ts'

/** What the group had committed at a moment, by partition; -1 where nothing. */
export interface CommitSample {
  /** Milliseconds since the epoch: when it was asked for, and when the answer was there. */
  readonly askedAt: number
  readonly answeredAt: number
  readonly offsets: readonly number[]
}

const EVERY_MS = 400
const GROUP = 'marketing-events'
const REQUEST_TIMEOUT_MS = 4_000

/** Looks at the group's committed offsets all the time, past the faults of the network. */
export class CommitWatch {
  readonly samples: CommitSample[] = []
  readonly #brokers: readonly string[]
  #admin: Admin
  #isClosed = false

  constructor(brokers: readonly string[]) {
    this.#brokers = brokers
    this.#admin = this.#open()
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.sample()
      await sleep(EVERY_MS)
    }
  }

  /** Undefined while nobody can tell: the coordinator may just be moving. */
  async sample(): Promise<CommitSample | undefined> {
    const askedAt = Date.now()
    try {
      const [group] = await this.#admin.listConsumerGroupOffsets({ groups: [GROUP] })
      const offsets = Array.from({ length: PARTITIONS }, () => -1)
      for (const { name, partitions } of group?.topics ?? []) {
        if (name !== customerEvents.name) continue
        for (const { partitionIndex, committedOffset } of partitions) {
          offsets[partitionIndex] = Number(committedOffset)
        }
      }
      const sample = { askedAt, answeredAt: Date.now(), offsets }
      this.samples.push(sample)
      return sample
    } catch {
      await this.#reopen()
      return undefined
    }
  }

  /** Where the input ends, by partition. */
  async inputEnds(): Promise<readonly number[] | undefined> {
    try {
      const [topic] = await this.#admin.listOffsets({
        topics: [
          {
            name: customerEvents.name,
            partitions: Array.from({ length: PARTITIONS }, (_, partitionIndex) => ({
              partitionIndex,
              timestamp: ListOffsetTimestamps.LATEST,
            })),
          },
        ],
      })
      const ends = Array.from({ length: PARTITIONS }, () => 0)
      for (const { partitionIndex, offset } of topic?.partitions ?? []) ends[partitionIndex] = Number(offset)
      return ends
    } catch {
      await this.#reopen()
      return undefined
    }
  }

  /** The broker that leads a partition of a topic. */
  async leaderOf(topic: string, partition: number): Promise<number | undefined> {
    try {
      const { topics } = await this.#admin.metadata({ topics: [topic], forceUpdate: true })
      return topics.get(topic)?.partitions[partition]?.leader
    } catch {
      return undefined
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#admin.close().catch(() => undefined)
  }

  /** The client may hold on to a broker or a coordinator that is gone. */
  async #reopen(): Promise<void> {
    await this.#admin.close().catch(() => undefined)
    if (!this.#isClosed) this.#admin = this.#open()
  }

  #open(): Admin {
    return new Admin({
      clientId: 'tributary-chaos-watch',
      bootstrapBrokers: [...this.#brokers],
      connectTimeout: 1_000,
      timeout: REQUEST_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      retries: false,
    })
  }
}
