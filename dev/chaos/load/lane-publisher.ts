import { setTimeout as sleep } from 'node:timers/promises'
import { Producer } from '@platformatic/kafka'
import { partitionForKey } from '@tributary/topology'
import { PARTITIONS } from '../../demo/kafka/topics.ts'

export interface OutgoingRecord {
  readonly topic: string
  readonly key: Buffer
  readonly value: Buffer | null
  readonly headers?: Readonly<Record<string, string>>
}

const EVERY_MS = 50
const MOST_PER_REQUEST = 500
const REQUEST_TIMEOUT_MS = 5_000

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

  push(record: OutgoingRecord): void {
    const { topic, key } = record
    const partition = partitionForKey(key, 0, key.length, PARTITIONS)
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
      const records = lane.splice(0, MOST_PER_REQUEST)
      if (records.length > 0) await this.#send(records, partition)
      await sleep(EVERY_MS)
    }
  }

  async #send(records: readonly OutgoingRecord[], partition: number): Promise<void> {
    try {
      await this.#producer.send({
        messages: records.map(({ topic, key, value, headers = {} }) => ({
          topic,
          key,
          // The client's types know no tombstone; what it writes is one.
          value: value as Buffer,
          headers: new Map(
            Object.entries(headers).map(([name, text]) => [Buffer.from(name), Buffer.from(text)]),
          ),
          partition,
        })),
      })
      this.acknowledged += records.length
    } catch {
      this.unacknowledged += records.length
    }
  }
}
