import { createKafkaClient, type FetchedBatch } from '@tributary/topology'
import avsc from 'avsc'
import { RecordCursor } from '../../../packages/topology/src/wire/record-batch-reader.ts'
import type { MarketingEvent } from '../job/event.ts'
import { schemaText } from '../job/schemas.ts'

export interface Arrival {
  /** On the clock of `performance.now()`. */
  readonly atMs: number
  readonly key: string
  readonly event: MarketingEvent
}

const FRAME_BYTES = 5

/** Reads a topic's committed records as they become visible, with the time of each. */
export class Arrivals {
  readonly #type = avsc.Type.forSchema(JSON.parse(schemaText('marketing-event')) as avsc.Schema)
  readonly #cursor = new RecordCursor()
  readonly #client
  readonly #onArrival: (arrival: Arrival) => void
  #failure: Error | undefined

  constructor(
    broker: string,
    topic: { readonly name: string; readonly partitions: number },
    onArrival: (arrival: Arrival) => void,
  ) {
    this.#onArrival = onArrival
    // Of its own, so that no answer waits behind one to the producer.
    this.#client = createKafkaClient({ brokers: [broker], clientId: 'bench-arrivals' })
    const fetcher = this.#client.createFetcher()
    for (let partition = 0; partition < topic.partitions; partition += 1) {
      fetcher.assign({ topic: topic.name, partition }, 0, {
        onBatch: batch => this.#take(batch),
        onError: (_, error) => (this.#failure = error),
      })
    }
  }

  /** @throws what the fetcher has failed with */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  async close(): Promise<void> {
    await this.#client.close()
  }

  #take({ records, startOffset }: FetchedBatch): void {
    const atMs = performance.now()
    const cursor = this.#cursor
    cursor.reset(records, startOffset)
    while (cursor.next()) {
      const key = records.toString('utf8', cursor.keyStart, cursor.keyEnd)
      const event = this.#type.fromBuffer(
        records.subarray(cursor.valueStart + FRAME_BYTES, cursor.valueEnd),
      ) as MarketingEvent
      this.#onArrival({ atMs, key, event })
    }
  }
}
