import { crc32 } from 'node:zlib'
import { murmur2, partitionForKey } from '../../wire/murmur2.ts'

/** A way to choose the partition of a key, with a name that tells a reader who does it. */
export interface Partitioner {
  readonly name: string
  partition(key: Uint8Array, partitions: number): number
}

export const JAVA_MURMUR2: Partitioner = {
  name: "Java's murmur2",
  partition: (key, partitions) => partitionForKey(key, 0, key.length, partitions),
}

/** What other clients do unless they are told otherwise. Only to name the cause of a mismatch. */
export const FOREIGN_PARTITIONERS: readonly Partitioner[] = [
  {
    // dist/clients/producer/partitioners.js of @platformatic/kafka 2.12.1: the sign bit counts, Java masks it off.
    name: "@platformatic/kafka's default (murmur2 as an unsigned number; its compatibilityPartitioner is Java's)",
    partition: (key, partitions) => (murmur2(key, 0, key.length) >>> 0) % partitions,
  },
  {
    // rd_kafka_msg_partitioner_consistent in rdkafka_msg.c.
    name: "librdkafka's default (CRC-32; partitioner=murmur2_random is Java's)",
    partition: (key, partitions) => crc32(key) % partitions,
  },
  {
    // hashPartitioner in Sarama's partitioner.go: a signed remainder made positive.
    name: "Sarama's default (FNV-1a)",
    partition: (key, partitions) => Math.abs(fnv1a(key) % partitions),
  },
]

function fnv1a(bytes: Uint8Array): number {
  let hash = 0x811c9dc5 | 0
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash
}
