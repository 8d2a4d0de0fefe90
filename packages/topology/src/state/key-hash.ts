/**
 * MurmurHash3 (x86, 32 bits, seed 0) of `bytes[start, end)` as a signed 32-bit number. Not Kafka's murmur2: the keys of one
 * partition agree in their murmur2 modulo the partition count, so that a table indexed by it would use a fraction of its
 * slots. All bits of this one are used: the index takes the high ones for the segment and the low ones for the slot.
 */
export function hashKey(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  const lastBlock = start + (length & ~3)
  let hash = 0
  let at = start
  for (; at < lastBlock; at += 4) {
    const block = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    hash = mix(hash, block)
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  let tail = 0
  for (let shift = 0; at < end; at += 1, shift += 8) tail |= bytes[at]! << shift
  if ((length & 3) !== 0) hash = mix(hash, tail)
  hash ^= length
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}

function mix(hash: number, block: number): number {
  const scrambled = Math.imul(block, 0xcc9e2d51)
  return hash ^ Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593)
}
