import type { Fetcher, FetcherOptions, FetchListener } from '../client/ports.ts'
import { formatTopicPartition, type TopicPartition } from '../record.ts'
import type { FakeLog } from './fake-log.ts'

interface FetchedPartition {
  readonly log: FakeLog
  readonly listener: FetchListener
  position: number
  isPaused: boolean
  /** The listener knows that there is nothing behind `position`. */
  isIdle: boolean
}

/** No batch, no length and no character that anybody writes. */
const RELEASED = 0xdb

/** Delivers from microtasks, in the order of assignment, one response per partition and turn. */
export class FakeFetcher implements Fetcher {
  readonly #logOf: (partition: TopicPartition) => FakeLog
  readonly #maxBytes: number
  readonly #isolation: 'read-committed' | 'read-uncommitted'
  readonly #onClose: (fetcher: FakeFetcher) => void
  readonly #partitions = new Map<string, FetchedPartition>()
  #isScheduled = false

  constructor(
    logOf: (partition: TopicPartition) => FakeLog,
    options: FetcherOptions,
    onClose: (fetcher: FakeFetcher) => void,
  ) {
    this.#logOf = logOf
    this.#maxBytes = options.maxBytesPerPartition ?? 1_048_576
    this.#isolation = options.isolation ?? 'read-uncommitted'
    this.#onClose = onClose
  }

  assign(partition: TopicPartition, offset: number, listener: FetchListener): void {
    this.#partitions.set(formatTopicPartition(partition.topic, partition.partition), {
      log: this.#logOf(partition),
      listener,
      position: offset,
      isPaused: false,
      isIdle: false,
    })
    this.schedule()
  }

  unassign(partition: TopicPartition): void {
    this.#partitions.delete(formatTopicPartition(partition.topic, partition.partition))
  }

  pause(partition: TopicPartition): void {
    const fetched = this.#partitions.get(formatTopicPartition(partition.topic, partition.partition))
    if (fetched !== undefined) fetched.isPaused = true
  }

  resume(partition: TopicPartition): void {
    const fetched = this.#partitions.get(formatTopicPartition(partition.topic, partition.partition))
    if (fetched === undefined) return
    fetched.isPaused = false
    fetched.isIdle = false
    this.schedule()
  }

  close(): Promise<void> {
    this.#partitions.clear()
    this.#onClose(this)
    return Promise.resolve()
  }

  schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(() => {
      this.#isScheduled = false
      this.#turn()
    })
  }

  /** As when a long poll ends without data: every partition at its end hears so. */
  answerIdlePolls(): void {
    for (const fetched of this.#partitions.values()) fetched.isIdle = false
    this.schedule()
  }

  #turn(): void {
    for (const [name, fetched] of Array.from(this.#partitions)) {
      // A listener called earlier in this turn may have unassigned, replaced or paused this one.
      if (this.#partitions.get(name) === fetched && !fetched.isPaused) this.#deliver(name, fetched)
    }
  }

  #deliver(name: string, fetched: FetchedPartition): void {
    const { log, listener, position } = fetched
    const { topic, partition } = log
    let response: { readonly records: Buffer; readonly nextOffset: number }
    try {
      response = log.read(position, this.#maxBytes, this.#isolation)
    } catch (error) {
      this.#partitions.delete(name)
      listener.onError({ topic, partition }, error as Error)
      return
    }
    const isIdle = response.nextOffset === position
    if (isIdle && fetched.isIdle) return
    fetched.isIdle = isIdle
    fetched.position = response.nextOffset
    if (!isIdle) this.schedule()
    const records = Buffer.from(response.records)
    listener.onBatch({
      topic,
      partition,
      records,
      nextOffset: response.nextOffset,
      startOffset: position,
      highWatermark: log.endOffset,
      lastStableOffset: log.lastStableOffset,
      // Whoever reads on is to notice.
      release: () => records.fill(RELEASED),
    })
  }
}
