import { TopologyError } from '../../errors.ts'
import { formatTopicPartition } from '../../record.ts'
import type { BufferPool } from '../../wire/buffer-pool.ts'
import type { BrokerLink } from './broker-link.ts'
import { checksum } from './checksum.ts'
import type { Cluster } from './cluster.ts'
import { ErrorCode, isMoved } from './error-codes.ts'
import { brokerError, translateError } from './errors.ts'
import { type FetchAnswer, type FetchedPartition, type FetchLimits, fetchRequest } from './fetch-request.ts'
import { offsetBehind, usableRecords } from './fetched-records.ts'
import type { FetchingPartition } from './fetching-partition.ts'

export interface LeaderFetchOptions {
  readonly cluster: Cluster
  readonly nodeId: number
  readonly limits: FetchLimits
  /** For the records of answers. */
  readonly pool: BufferPool
  readonly maxWaitMs: number
  /** The partition has to be asked for elsewhere, or later. */
  readonly onMoved: (partition: FetchingPartition, error: TopologyError) => void
  /** The partition cannot be fetched any more. */
  readonly onFailed: (partition: FetchingPartition, error: TopologyError) => void
}

interface Lane {
  readonly link: BrokerLink
  isAsking: boolean
  /** When the broker answers at the latest, on the monotonic clock. */
  answersByMs: number
}

interface Delivery {
  readonly partition: FetchingPartition
  readonly fetched: FetchedPartition
  readonly startOffset: number
  readonly nextOffset: number
}

/** What a partition may wait that is resumed while the others' long poll is under way. */
const SHORT_WAIT_MS = 50

/**
 * Fetches from one broker, one request under way for each partition at most. The next request leaves before the answer to
 * the last one is worked on.
 *
 * A long poll cannot be changed once it is sent, and the broker answers one request of a connection after the other. So
 * there are two connections: the first has the long poll; partitions that are assigned or resumed meanwhile are asked for
 * on the second with a short wait, until the first comes back and takes them in.
 */
export class LeaderFetch {
  readonly partitions: Set<FetchingPartition> = new Set()
  readonly #options: LeaderFetchOptions
  readonly #long: Lane
  readonly #short: Lane
  #isScheduled = false
  #isClosed = false

  constructor(options: LeaderFetchOptions) {
    this.#options = options
    const lane = (): Lane => ({
      link: options.cluster.openLink(options.nodeId),
      isAsking: false,
      answersByMs: 0,
    })
    this.#long = lane()
    this.#short = lane()
  }

  /** Asks for whatever is not asked for yet, once the caller's turn is over. */
  schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#ask()
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([this.#long.link.close(), this.#short.link.close()])
  }

  #ask(): void {
    if (this.#isClosed) return
    const wanted = [...this.partitions].filter(partition => !partition.isPaused && !partition.isAsked)
    if (wanted.length === 0) return
    const { maxWaitMs, cluster } = this.#options
    if (!this.#long.isAsking) {
      this.#send(this.#long, wanted, maxWaitMs)
      return
    }
    if (this.#short.isAsking) return
    // About to end: wait for it, or the two would never come together again.
    const remainingMs = this.#long.answersByMs - cluster.settings.clock.monotonicMs()
    if (remainingMs > 0 && remainingMs <= SHORT_WAIT_MS) return
    this.#send(this.#short, wanted, Math.min(SHORT_WAIT_MS, maxWaitMs))
  }

  #send(lane: Lane, asked: readonly FetchingPartition[], waitMs: number): void {
    lane.isAsking = true
    lane.answersByMs = this.#options.cluster.settings.clock.monotonicMs() + waitMs
    for (const partition of asked) partition.isAsked = true
    const settle = (): void => {
      lane.isAsking = false
      for (const partition of asked) partition.isAsked = false
    }
    const { limits, pool } = this.#options
    lane.link.send(fetchRequest(asked, waitMs, limits, pool)).then(
      answer => {
        settle()
        if (!this.#isClosed) this.#answered(asked, answer)
      },
      (error: unknown) => {
        settle()
        if (!this.#isClosed) this.#failed(asked, error)
      },
    )
  }

  #failed(asked: readonly FetchingPartition[], cause: unknown): void {
    const error = translateError(cause, `Fetching from broker ${this.#options.nodeId}`)
    for (const partition of asked) if (this.#isMine(partition)) this.#giveBack(partition, error)
    this.#ask()
  }

  #answered(asked: readonly FetchingPartition[], answer: FetchAnswer): void {
    if (answer.errorCode !== ErrorCode.none) {
      this.#failed(asked, brokerError(answer.errorCode, `Fetching from broker ${this.#options.nodeId}`))
      return
    }
    const byName = new Map(
      asked.map(asking => [formatTopicPartition(asking.topic, asking.partition), asking]),
    )
    const deliveries: Delivery[] = []
    for (const fetched of answer.partitions) {
      const partition = byName.get(formatTopicPartition(fetched.topic, fetched.partition))
      if (partition === undefined || !this.#isMine(partition)) continue
      const delivery = this.#accept(partition, fetched)
      if (delivery !== undefined) deliveries.push(delivery)
    }
    this.#ask()
    for (const delivery of deliveries) this.#deliver(delivery)
  }

  /** Moves the position by the batches' headers alone, which is all that the next request needs. */
  #accept(partition: FetchingPartition, fetched: FetchedPartition): Delivery | undefined {
    const { errorCode, records } = fetched
    if (errorCode !== ErrorCode.none) {
      const what = `Fetching ${formatTopicPartition(partition.topic, partition.partition)}@${partition.position}`
      const error = brokerError(errorCode, what)
      if (isMoved(errorCode)) this.#options.onMoved(partition, error)
      else this.#giveBack(partition, error)
      return undefined
    }
    const startOffset = partition.position
    try {
      partition.position = offsetBehind(records, startOffset)
    } catch (error) {
      this.#options.onFailed(partition, located(error, partition, startOffset))
      return undefined
    }
    partition.failures = 0
    if (records.length > 0) {
      // To the end of the queue: a broker fills an answer in the order of the request until it is large enough.
      this.partitions.delete(partition)
      this.partitions.add(partition)
    }
    return { partition, fetched, startOffset, nextOffset: partition.position }
  }

  #deliver({ partition, fetched, startOffset, nextOffset }: Delivery): void {
    // An earlier listener of this answer may have unassigned it.
    if (partition.isGone) return
    const { cluster, maxWaitMs, pool } = this.#options
    const nowMs = cluster.settings.clock.monotonicMs()
    if (nextOffset === startOffset && nowMs - partition.heardAtMs < maxWaitMs * 0.9) return
    partition.heardAtMs = nowMs
    const { topic, highWatermark, lastStableOffset, aborted } = fetched
    try {
      const records = usableRecords(fetched.records, aborted, checksum)
      const giveBack = fetched.isPooled ? () => pool.giveBack(fetched.records) : undefined
      // Decompressed, say: what was fetched is not read any more.
      const isCopy = records.buffer !== fetched.records.buffer
      if (isCopy) giveBack?.()
      partition.listener.onBatch({
        topic,
        partition: fetched.partition,
        records,
        startOffset,
        nextOffset,
        highWatermark,
        lastStableOffset,
        release: isCopy ? undefined : giveBack,
      })
    } catch (error) {
      this.#options.onFailed(partition, located(error, partition, startOffset))
    }
  }

  #giveBack(partition: FetchingPartition, error: TopologyError): void {
    if (error.retry.kind === 'never') this.#options.onFailed(partition, error)
    else this.#options.onMoved(partition, error)
  }

  #isMine(partition: FetchingPartition): boolean {
    return !partition.isGone && partition.leader === this
  }
}

/** Says where the bytes stand that could not be read. */
function located(error: unknown, { topic, partition }: FetchingPartition, offset: number): TopologyError {
  const what = `Reading what was fetched from ${formatTopicPartition(topic, partition)}@${offset}`
  if (!TopologyError.is(error)) return translateError(error, what)
  return new TopologyError(error.code, `${what}: ${error.message}`, { retry: error.retry, cause: error })
}
