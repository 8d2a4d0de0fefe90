import type {
  Admin,
  FetchedBatch,
  Fetcher,
  FetcherOptions,
  FetchListener,
} from '../../../src/client/ports.ts'
import { TopologyError } from '../../../src/errors.ts'
import { formatTopicPartition, type TopicPartition } from '../../../src/record.ts'
import { createFakeClient, type FakeClient, type FakeTopic } from '../../../src/testing/fake-client.ts'

/** A fake Kafka whose fetchers and offsets fail when the test says so, and that tells what was asked of it. */
export interface FaultyClient extends FakeClient {
  /** As a fetcher reports it: the partition is not fetched any more. */
  breakFetch(topic: string, partition: number, error: Error): void
  /** From now on no response is delivered. */
  silence(): void
  isFetched(topic: string, partition: number): boolean
  isPaused(topic: string, partition: number): boolean
  /** The offsets that a partition was assigned at. */
  readonly assignedAt: number[]
  readonly batches: FetchedBatch[]
  /** The next `listOffsets` rejects with it. */
  readonly offsetFailures: Error[]
  /** What the next `listOffsets` for the latest offset answers, for each partition asked for. */
  readonly latestAnswers: number[]
  readonly closedFetchers: number
}

interface FetchLog {
  readonly assignedAt: number[]
  readonly batches: FetchedBatch[]
  isSilent: boolean
}

interface Assigned {
  readonly fetcher: Fetcher
  readonly listener: FetchListener
  isPaused: boolean
}

export function outOfRange(): TopologyError {
  return new TopologyError('TOPOLOGY_OFFSET_OUT_OF_RANGE', 'no such offset')
}

export function unavailable(): TopologyError {
  return new TopologyError('TOPOLOGY_BROKER_UNAVAILABLE', 'away', { retry: { kind: 'backoff' } })
}

export function forbidden(): TopologyError {
  return new TopologyError('TOPOLOGY_AUTHORIZATION_FAILED', 'may not read the topic')
}

class FaultyFetcher implements Fetcher {
  readonly #inner: Fetcher
  readonly #assigned: Map<string, Assigned>
  readonly #log: FetchLog
  readonly #onClose: () => void

  constructor(inner: Fetcher, assigned: Map<string, Assigned>, log: FetchLog, onClose: () => void) {
    this.#inner = inner
    this.#assigned = assigned
    this.#log = log
    this.#onClose = onClose
  }

  assign(partition: TopicPartition, offset: number, listener: FetchListener): void {
    this.#assigned.set(nameOf(partition), { fetcher: this, listener, isPaused: false })
    this.#log.assignedAt.push(offset)
    this.#inner.assign(partition, offset, {
      onBatch: batch => {
        if (this.#log.isSilent) return
        this.#log.batches.push(batch)
        listener.onBatch(batch)
      },
      onError: (failed, error) => {
        this.#assigned.delete(nameOf(failed))
        listener.onError(failed, error)
      },
    })
  }

  unassign(partition: TopicPartition): void {
    this.#assigned.delete(nameOf(partition))
    this.#inner.unassign(partition)
  }

  pause(partition: TopicPartition): void {
    this.#setPaused(partition, true)
    this.#inner.pause(partition)
  }

  resume(partition: TopicPartition): void {
    this.#setPaused(partition, false)
    this.#inner.resume(partition)
  }

  close(): Promise<void> {
    this.#onClose()
    return this.#inner.close()
  }

  #setPaused(partition: TopicPartition, isPaused: boolean): void {
    const assigned = this.#assigned.get(nameOf(partition))
    if (assigned !== undefined) assigned.isPaused = isPaused
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return formatTopicPartition(topic, partition)
}

export function createFaultyClient(topics: readonly FakeTopic[]): FaultyClient {
  const kafka = createFakeClient({ topics })
  const assigned = new Map<string, Assigned>()
  const log: FetchLog = { assignedAt: [], batches: [], isSilent: false }
  const offsetFailures: Error[] = []
  const latestAnswers: number[] = []
  let closedFetchers = 0
  const admin: Admin = {
    ...kafka.admin,
    async listOffsets(partitions, spec, isolation) {
      const failure = offsetFailures.shift()
      if (failure !== undefined) throw failure
      const answer = spec === 'latest' ? latestAnswers.shift() : undefined
      return answer === undefined
        ? kafka.admin.listOffsets(partitions, spec, isolation)
        : partitions.map(() => answer)
    },
  }
  return {
    ...kafka,
    admin,
    createFetcher: (options?: FetcherOptions) =>
      new FaultyFetcher(kafka.createFetcher(options), assigned, log, () => {
        closedFetchers += 1
      }),
    breakFetch(topic, partition, error) {
      const { fetcher, listener } = assigned.get(formatTopicPartition(topic, partition))!
      fetcher.unassign({ topic, partition })
      listener.onError({ topic, partition }, error)
    },
    isFetched: (topic, partition) => assigned.has(formatTopicPartition(topic, partition)),
    isPaused: (topic, partition) => assigned.get(formatTopicPartition(topic, partition))?.isPaused === true,
    silence() {
      log.isSilent = true
    },
    assignedAt: log.assignedAt,
    batches: log.batches,
    offsetFailures,
    latestAnswers,
    get closedFetchers() {
      return closedFetchers
    },
  }
}
