import { TopologyError } from '../../errors.ts'
import type { RecordHeaders, TopicPartition } from '../../record.ts'
import { readHeaders, RecordCursor } from '../../wire/record-batch-reader.ts'
import type {
  PlainProducer,
  CommitOffset,
  Fetcher,
  FetchListener,
  GroupListener,
  GroupMember,
  GroupOptions,
  KafkaClient,
  ProduceBatch,
} from '../ports.ts'
import { Reading } from './reading.ts'
import { SpectatorAdmin } from './spectator-admin.ts'

/** A record that would have been written. The bytes are copies. */
export interface UnwrittenRecord {
  readonly topic: string
  readonly partition: number
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: RecordHeaders
}

export interface SpectatorOptions {
  /** `end`: the source topics seem to end where they end at the start. */
  readonly until: 'end' | 'never'
  /** The source topics seem to end after so many records, over all partitions. Default: no limit. */
  readonly maxRecords?: number
  readonly onRecord?: (record: UnwrittenRecord) => void
}

/**
 * A client for an application that is to do its work and change nothing: no topic, no record, no group.
 *
 * It has all partitions without joining the group, from where the group stands, and what it commits is forgotten. What it
 * would write goes to `onRecord`; topics that it would create seem to be there, and empty. So an application whose work goes
 * through repartition topics gets no further than to them. It works without transactions only.
 */
export interface Spectator {
  readonly client: KafkaClient
  /** Resolves when the source topics have been worked through to where they are to end. */
  readonly finished: Promise<void>
}

/** The given client is closed with the spectator's. */
export function createSpectator(kafka: KafkaClient, options: SpectatorOptions): Spectator {
  const { until, maxRecords = Number.POSITIVE_INFINITY, onRecord = () => undefined } = options
  const reading = new Reading(maxRecords)
  const admin = new SpectatorAdmin(kafka.admin)
  const client: KafkaClient = {
    admin,
    groups: {
      describe: groupId => kafka.groups.describe(groupId),
      committed: groupId => kafka.groups.committed(groupId),
      commit: () => Promise.resolve(),
    },
    createFetcher: fetcherOptions => spectatingFetcher(kafka.createFetcher(fetcherOptions), reading, admin),
    createProducer: () => Promise.resolve(spectatingProducer(onRecord)),
    createTransactionalProducer: () =>
      Promise.reject(
        new TopologyError(
          'TOPOLOGY_STATE_INVALID',
          "A spectator takes part in no transaction; use the guarantee 'at-least-once'",
        ),
      ),
    createGroupMember: groupOptions => new SpectatingMember(kafka, groupOptions, { admin, reading, until }),
    close: () => kafka.close(),
  }
  return { client, finished: reading.finished }
}

function spectatingFetcher(fetcher: Fetcher, reading: Reading, admin: SpectatorAdmin): Fetcher {
  const onlyReal =
    (act: (partition: TopicPartition) => void) =>
    (partition: TopicPartition): void => {
      if (!admin.isImagined(partition.topic)) act(partition)
    }
  return {
    assign(partition, offset, listener) {
      if (admin.isImagined(partition.topic) || !reading.begin(partition, offset)) return
      fetcher.assign(partition, offset, cuttingListener(fetcher, reading, listener))
    },
    unassign: onlyReal(partition => fetcher.unassign(partition)),
    pause: onlyReal(partition => fetcher.pause(partition)),
    resume: onlyReal(partition => fetcher.resume(partition)),
    close: () => fetcher.close(),
  }
}

function cuttingListener(fetcher: Fetcher, reading: Reading, listener: FetchListener): FetchListener {
  return {
    onBatch(batch) {
      if (!reading.has(batch)) {
        listener.onBatch(batch)
        return
      }
      if (reading.isOver(batch)) fetcher.unassign(batch)
      else listener.onBatch(reading.take(batch))
    },
    onError: (partition, error) => listener.onError(partition, error),
  }
}

function spectatingProducer(onRecord: (record: UnwrittenRecord) => void): PlainProducer {
  return {
    send({ topic, partition, records }: ProduceBatch) {
      const cursor = new RecordCursor()
      cursor.reset(records, 0)
      while (cursor.next()) {
        const { buffer, keyStart, keyEnd, valueStart, valueEnd } = cursor
        onRecord({
          topic,
          partition,
          timestampMs: cursor.timestampMs,
          key: keyStart < 0 ? null : Buffer.from(buffer.subarray(keyStart, keyEnd)),
          value: valueStart < 0 ? null : Buffer.from(buffer.subarray(valueStart, valueEnd)),
          headers: readHeaders(buffer, cursor.headersStart, cursor.headerCount),
        })
      }
      // As the port says of a batch whose place nobody knows.
      return Promise.resolve({ baseOffset: -1 })
    },
    abandon: () => undefined,
    close: () => Promise.resolve(),
  }
}

interface MemberParts {
  readonly admin: SpectatorAdmin
  readonly reading: Reading
  readonly until: SpectatorOptions['until']
}

/** The only member of a group of its own making. The real group is asked for its offsets and hears of nothing. */
class SpectatingMember implements GroupMember {
  readonly #real: GroupMember
  readonly #topics: readonly string[]
  readonly #parts: MemberParts
  #owned: readonly TopicPartition[] = []
  #listener: GroupListener | undefined

  constructor(kafka: KafkaClient, options: GroupOptions, parts: MemberParts) {
    this.#real = kafka.createGroupMember(options)
    this.#topics = options.topics
    this.#parts = parts
  }

  async join(listener: GroupListener): Promise<void> {
    const { admin, reading, until } = this.#parts
    const descriptions = await admin.describeTopics(this.#topics)
    const owned = descriptions.flatMap(description =>
      Array.from({ length: description?.partitions ?? 0 }, (_, partition) => ({
        topic: description?.name ?? '',
        partition,
      })),
    )
    const ends = until === 'end' ? await admin.listOffsets(owned, 'latest', 'read-committed') : []
    for (const [i, partition] of owned.entries()) {
      reading.add(partition, ends[i] ?? Number.POSITIVE_INFINITY)
    }
    this.#listener = listener
    this.#owned = owned
    if (owned.length > 0) await listener.onAssigned(owned)
  }

  committed(partitions: readonly TopicPartition[]): Promise<readonly (number | undefined)[]> {
    return this.#real.committed(partitions)
  }

  committedOffsets(partitions: readonly TopicPartition[]): Promise<readonly (CommitOffset | undefined)[]> {
    return this.#real.committedOffsets(partitions)
  }

  commit(offsets: readonly CommitOffset[]): Promise<void> {
    this.#parts.reading.committed(offsets)
    return Promise.resolve()
  }

  commitThrough(offsets: readonly CommitOffset[]): Promise<void> {
    return this.commit(offsets)
  }

  async leave(): Promise<void> {
    const owned = this.#owned
    this.#owned = []
    if (owned.length > 0) await this.#listener?.onRevoked(owned)
    await this.#real.leave()
  }
}
