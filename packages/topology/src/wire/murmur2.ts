const SEED = 0x9747b28c
const M = 0x5bd1e995

/**
 * The 32-bit hash of `bytes[start, end)`, signed, as `org.apache.kafka.common.utils.Utils.murmur2` computes it: every
 * Java producer places keys with it, so topics that are joined have to agree on it.
 */
export function murmur2(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  let hash = SEED ^ length
  let position = start
  for (const last = end - 4; position <= last; position += 4) {
    let k =
      bytes[position]! |
      (bytes[position + 1]! << 8) |
      (bytes[position + 2]! << 16) |
      (bytes[position + 3]! << 24)
    k = Math.imul(k, M)
    k ^= k >>> 24
    hash = Math.imul(hash, M) ^ Math.imul(k, M)
  }
  const rest = end - position
  if (rest > 0) {
    if (rest === 3) hash ^= bytes[position + 2]! << 16
    if (rest >= 2) hash ^= bytes[position + 1]! << 8
    hash = Math.imul(hash ^ bytes[position]!, M)
  }
  hash ^= hash >>> 13
  hash = Math.imul(hash, M)
  return hash ^ (hash >>> 15)
}

/** The partition of a key: the hash with its sign bit masked off, as Java's `toPositive`, modulo the partition count. */
export function partitionForKey(bytes: Uint8Array, start: number, end: number, partitions: number): number {
  return (murmur2(bytes, start, end) & 0x7fffffff) % partitions
}
