import type { Producer } from '@platformatic/kafka'
import { partitionForKey } from '@tributary/topology'
import type { TopicCodecs } from './schemas.ts'
import { PARTITIONS } from './topics.ts'

export interface Message {
  readonly topic: string
  readonly key: Buffer
  readonly value: Buffer
  /** Java's choice for the key: the client's own default is another one for half of the keys. */
  readonly partition: number
}

/** Far below what a broker takes in one request for one partition, which the client does not look at. */
const MESSAGES_PER_REQUEST = 500

export function toMessage(
  topic: string,
  codecs: TopicCodecs,
  { key, value }: { key: string; value: unknown },
): Message {
  // Copied: the next call of `encode` overwrites what this one returned.
  return rawMessage(topic, Buffer.from(codecs.key.encode(key)), Buffer.from(codecs.value.encode(value)))
}

export function rawMessage(topic: string, key: Buffer, value: Buffer): Message {
  return { topic, key, value, partition: partitionForKey(key, 0, key.length, PARTITIONS) }
}

/** In their order, a request at a time. */
export async function publish(
  producer: Producer,
  messages: readonly Message[],
  onPublished: (count: number) => void = () => {},
): Promise<void> {
  for (let start = 0; start < messages.length; start += MESSAGES_PER_REQUEST) {
    const some = messages.slice(start, start + MESSAGES_PER_REQUEST)
    await producer.send({ messages: some })
    onPublished(start + some.length)
  }
}
