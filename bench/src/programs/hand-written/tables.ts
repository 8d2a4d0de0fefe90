import { Consumer, MessagesStreamModes } from '@platformatic/kafka'
import type { ProgramPlace } from '../program.ts'

/** Reads a topic to where it ends now and keeps its rows. */
export async function loadTable<T>(
  place: Pick<ProgramPlace, 'broker' | 'group'>,
  topic: string,
  decode: (value: Buffer) => T,
): Promise<Map<string, T>> {
  const consumer = new Consumer({
    clientId: 'bench-hand-written',
    groupId: `${place.group}-${topic}`,
    bootstrapBrokers: [place.broker],
    maxBytesPerPartition: 1_048_576,
  })
  const ends = (await consumer.listOffsets({ topics: [topic] })).get(topic)!
  const waiting = new Set(Array.from(ends.keys()).filter(partition => ends[partition]! > 0n))
  const rows = new Map<string, T>()
  if (waiting.size > 0) {
    const stream = await consumer.consume({
      topics: [topic],
      mode: MessagesStreamModes.EARLIEST,
      autocommit: false,
    })
    for await (const { key, value, partition, offset } of stream) {
      rows.set(key.toString(), decode(value))
      if (offset + 1n >= ends[partition]!) waiting.delete(partition)
      if (waiting.size === 0) break
    }
  }
  await consumer.close(true)
  return rows
}
