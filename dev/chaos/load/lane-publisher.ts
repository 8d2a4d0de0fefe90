import { setTimeout as sleep } from 'node:timers/promises'
import { Producer } from '@platformatic/kafka'
import { partitionForKey } from '@tributary/topology'
import { PARTITIONS } from '../../demo/kafka/topics.ts'
import type { DumpedRecord } from '../topic-dump.ts'

export interface OutgoingRecord {
  readonly topic: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers?: DumpedRecord['headers']
  /** Default: when it is sent. */
  readonly timestampMs?: number | undefined
}

const EVERY_MS = 50
const MOST_PER_REQUEST = 500
/** A record that is larger makes a request of its own, so that a topic that takes the one takes the other. */
const MOST_BYTES_PER_REQUEST = 1_000_000
const REQUEST_TIMEOUT_MS = 5_000
/** When a record was sent, milliseconds since the epoch, where its timestamp says something else. */
const SENT_AT_HEADER = 'chaos-sent-at'

/**
 * Writes records, each partition in its order and on its own: one whose leader is gone holds up no other. A record is sent
 * once. When its acknowledgement does not come nobody knows whether it is there, and it is left at that: what the topic
 * holds in the end is what went in.
 */
export class LanePublisher {
  readonly #producer: Producer
  readonly #lanes = new Map<string, OutgoingRecord[]>()
  readonly #running: Promise<void>[] = []
  #isEnding = false
  acknowledged = 0
  unacknowledged = 0

  constructor(brokers: readonly string[]) {
    this.#producer = new Producer({
      clientId: 'tributary-chaos',
      bootstrapBrokers: [...brokers],
      acks: -1,
      retries: false,
      timeout: REQUEST_TIMEOUT_MS,
      connectTimeout: 1_000,
      requestTimeout: REQUEST_TIMEOUT_MS,
      // Leaders move all the time here.
      metadataMaxAge: 500,
    })
  }

  /** One without a key goes to the first partition. */
  push(record: OutgoingRecord): void {
    const { topic, key } = record
    const partition = key === null ? 0 : partitionForKey(key, 0, key.length, PARTITIONS)
    const name = `${topic} ${partition}`
    let lane = this.#lanes.get(name)
    if (lane === undefined) {
      lane = []
      this.#lanes.set(name, lane)
      this.#running.push(this.#run(lane, partition))
    }
    lane.push(record)
  }

  /** Resolves when everything was sent. */
  async end(): Promise<void> {
    this.#isEnding = true
    await Promise.all(this.#running)
  }

  async close(): Promise<void> {
    this.#isEnding = true
    for (const lane of this.#lanes.values()) lane.length = 0
    await this.#producer.close(true)
  }

  async #run(lane: OutgoingRecord[], partition: number): Promise<void> {
    while (!this.#isEnding || lane.length > 0) {
      const records = lane.splice(0, countOfRequest(lane))
      if (records.length > 0) await this.#send(records, partition)
      await sleep(EVERY_MS)
    }
  }

  async #send(records: readonly OutgoingRecord[], partition: number): Promise<void> {
    const now = Date.now()
    try {
      await this.#producer.send({
        messages: records.map(({ topic, key, value, headers = [], timestampMs = now }) => ({
          topic,
          // The client's types know neither a tombstone nor the lack of a key; it writes both.
          key: key as Buffer,
          value: value as Buffer,
          headers: headersMap(timestampMs === now ? headers : [...headers, sentAt(now)]),
          timestamp: BigInt(timestampMs),
          partition,
        })),
      })
      this.acknowledged += records.length
    } catch {
      this.unacknowledged += records.length
    }
  }
}

/** The record as if its timestamp were the time at which it was sent. */
export function timedBySending(record: DumpedRecord): DumpedRecord {
  const sent = record.headers.findLast(([name]) => name === SENT_AT_HEADER)?.[1]
  return sent ? { ...record, timestamp: Number(sent.toString()) } : record
}

function sentAt(time: number): DumpedRecord['headers'][number] {
  return [SENT_AT_HEADER, Buffer.from(String(time))]
}

/** Keyed by buffers, which are never the same: a name can be there twice. */
function headersMap(headers: DumpedRecord['headers']): Map<Buffer, Buffer> {
  return new Map(headers.map(([name, value]) => [Buffer.from(name), value as Buffer]))
}

/**
 * A record with a time of its own goes alone: the client writes the times of a batch as differences from its first record's,
 * and writes a wrong one where that is years ahead.
 */
function countOfRequest(lane: readonly OutgoingRecord[]): number {
  let bytes = 0
  for (const [index, { value, timestampMs }] of lane.entries()) {
    bytes += value?.length ?? 0
    if (timestampMs !== undefined) return Math.max(1, index)
    if (index > 0 && bytes > MOST_BYTES_PER_REQUEST) return index
    if (index + 1 === MOST_PER_REQUEST) return MOST_PER_REQUEST
  }
  return lane.length
}
