import { type Reader, Writer } from '@platformatic/kafka'
import type { RawRequest } from './broker-link.ts'

const API_KEY = 0
/** Flexible, by topic name; understood by brokers from 2.4 on. */
const VERSION = 9
const ALL_REPLICAS = -1

export interface BatchToProduce {
  readonly topic: string
  readonly partition: number
  readonly records: Buffer
}

export interface ProducedPartition {
  readonly topic: string
  readonly partition: number
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly baseOffset: number
}

/** One record batch per partition: Kafka takes no more. */
export function produceRequest(
  batches: readonly BatchToProduce[],
  timeoutMs: number,
  transactionalId: string | null,
): RawRequest<readonly ProducedPartition[]> {
  const payload = Writer.create()
    .appendString(transactionalId)
    .appendInt16(ALL_REPLICAS)
    .appendInt32(timeoutMs)
    .appendArray([...Map.groupBy(batches, ({ topic }) => topic)], (writer, [topic, parts]) => {
      writer.appendString(topic).appendArray(parts, (partWriter, { partition, records }) => {
        partWriter
          .appendInt32(partition)
          .appendUnsignedVarInt(records.length + 1)
          .append(records)
      })
    })
    .appendTaggedFields()
  return { apiKey: API_KEY, version: VERSION, payload, parse: parseAnswer }
}

function parseAnswer(reader: Reader): readonly ProducedPartition[] {
  const produced: ProducedPartition[] = []
  reader.readArray(() => {
    const topic = reader.readString()
    reader.readArray(() => produced.push(parsePartition(reader, topic)))
  })
  return produced
}

function parsePartition(reader: Reader, topic: string): ProducedPartition {
  const partition = reader.readInt32()
  const errorCode = reader.readInt16()
  const baseOffset = Number(reader.readInt64())
  reader.skip(16)
  const recordMessages = reader.readArray(() => {
    reader.skip(4)
    return reader.readNullableString()
  })
  const errorMessage = reader.readNullableString() ?? recordMessages.find(message => message !== null) ?? null
  return { topic, partition, errorCode, errorMessage, baseOffset }
}
