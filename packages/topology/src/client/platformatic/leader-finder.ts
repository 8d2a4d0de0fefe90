import type { TopologyError } from '../../errors.ts'
import type { Cluster, Leader } from './cluster.ts'
import { translateError } from './errors.ts'
import { reportRetry, retryDelayMs } from './retry.ts'

/** A partition in search of its leader. */
export interface Seeker {
  readonly topic: string
  readonly partition: number
  /** In a row. They decide how long the next search waits; the first search (0) starts at once and may use what is known. */
  failures: number
  /** Nobody is interested any more. */
  readonly isGone: boolean
}

export interface LeaderFinderEvents<S extends Seeker> {
  found(seeker: S, leader: Leader): void
  /** Whether to search again. Not asked about a failure that cannot pass: `gaveUp` follows. */
  shouldRetry(seeker: S, error: TopologyError): boolean
  gaveUp(seeker: S, error: TopologyError): void
}

/** Finds leaders for many partitions with one metadata request at a time, and searches again with backoff. */
export class LeaderFinder<S extends Seeker> {
  readonly #cluster: Cluster
  readonly #events: LeaderFinderEvents<S>
  readonly #waiting = new Map<S, () => void>()
  #seekers = new Set<S>()
  #isSearching = false
  #isClosed = false

  constructor(cluster: Cluster, events: LeaderFinderEvents<S>) {
    this.#cluster = cluster
    this.#events = events
  }

  find(seeker: S): void {
    const enter = (): void => {
      this.#waiting.delete(seeker)
      this.#seekers.add(seeker)
      void this.#search()
    }
    if (this.#isClosed) return
    this.#waiting.get(seeker)?.()
    if (seeker.failures === 0) enter()
    else
      this.#waiting.set(seeker, this.#cluster.settings.clock.schedule(retryDelayMs(seeker.failures), enter))
  }

  close(): void {
    this.#isClosed = true
    for (const cancel of this.#waiting.values()) cancel()
    this.#waiting.clear()
    this.#seekers.clear()
  }

  /** Never rejects. */
  async #search(): Promise<void> {
    if (this.#isSearching) return
    this.#isSearching = true
    // Whoever asks in the same turn shares the first request.
    await Promise.resolve()
    while (this.#seekers.size > 0 && !this.#isClosed) {
      const seekers = [...this.#seekers]
      this.#seekers = new Set()
      const failure = await this.#refreshFor(seekers)
      if (this.#isClosed) break
      for (const seeker of seekers) if (!seeker.isGone) this.#conclude(seeker, failure)
    }
    this.#isSearching = false
  }

  async #refreshFor(seekers: readonly S[]): Promise<TopologyError | undefined> {
    const topics = new Set<string>()
    for (const { topic, partition, failures } of seekers)
      if (failures > 0 || this.#cluster.leader(topic, partition) === undefined) topics.add(topic)
    if (topics.size === 0) return undefined
    try {
      await this.#cluster.refresh([...topics])
      return undefined
    } catch (error) {
      return translateError(error, 'Looking for the leaders of partitions')
    }
  }

  #conclude(seeker: S, failure: TopologyError | undefined): void {
    const { topic, partition } = seeker
    const leader = failure === undefined ? this.#cluster.leader(topic, partition) : undefined
    if (leader !== undefined) {
      this.#events.found(seeker, leader)
      return
    }
    const error = failure ?? this.#cluster.leaderlessError(topic, partition)
    if (error.retry.kind === 'never' || !this.#events.shouldRetry(seeker, error)) {
      this.#events.gaveUp(seeker, error)
      return
    }
    seeker.failures += 1
    reportRetry(
      this.#cluster.settings.logger,
      { topic, partition, failures: seeker.failures, error },
      'a leader is not found yet',
    )
    this.find(seeker)
  }
}
