import type { Fetcher } from '../../client/ports.ts'
import type { StoredRecord } from '../read-topic.ts'
import { PartitionStream } from '../read-topic.ts'
import type { PlannedLetter } from './replay-plan.ts'

interface Lane {
  readonly stream: PartitionStream
  readonly wanted: ReadonlySet<number>
  /** Read before their turn. */
  readonly waiting: Map<number, StoredRecord>
}

/** Hands out letters in any order. What is read on the way to one and wanted later is kept until then. */
export class OrderedReader {
  readonly #lanes: ReadonlyMap<number, Lane>

  constructor(
    fetcher: Fetcher,
    topic: string,
    letters: readonly PlannedLetter[],
    signal: AbortSignal | undefined,
  ) {
    this.#lanes = new Map(
      Array.from(
        Map.groupBy(letters, ({ partition }) => partition),
        ([partition, members]) => {
          const wanted = new Set(members.map(({ offset }) => offset))
          let [from, to] = [Number.POSITIVE_INFINITY, 0]
          for (const offset of wanted) {
            from = Math.min(from, offset)
            to = Math.max(to, offset + 1)
          }
          const stream = new PartitionStream(fetcher, topic, { partition, from, to }, signal)
          return [partition, { stream, wanted, waiting: new Map() }]
        },
      ),
    )
  }

  /** Undefined when it is gone since the topic was looked through. */
  async take({ partition, offset }: PlannedLetter): Promise<StoredRecord | undefined> {
    const lane = this.#lanes.get(partition)
    if (lane === undefined) return undefined
    const { stream, wanted, waiting } = lane
    while (!waiting.has(offset)) {
      const records = await stream.next()
      if (records === undefined) return undefined
      for (const record of records) if (wanted.has(record.offset)) waiting.set(record.offset, record)
    }
    const record = waiting.get(offset)
    waiting.delete(offset)
    return record
  }
}
