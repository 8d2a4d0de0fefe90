/**
 * 53 bits of a text, mixed as in cyrb53 (two multiplicative hashes of 32 bits, which are then mixed with each other). Not
 * cryptographic, and that is enough: what differs must hash differently, and nobody gains by a collision in their own data.
 */
export function hash53(text: string, seed: number): number {
  let a = 0xdeadbeef ^ seed
  let b = 0x41c6ce57 ^ seed
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    a = Math.imul(a ^ unit, 2_654_435_761)
    b = Math.imul(b ^ unit, 1_597_334_677)
  }
  const high = Math.imul(b ^ (b >>> 16), 2_246_822_507) ^ Math.imul(a ^ (a >>> 13), 3_266_489_909)
  const low = Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909)
  return 4_294_967_296 * (high & 0x1fffff) + (low >>> 0)
}

/** Never 0. `seed`: the same values of two users differ in their hashes, so that a reader of hashes cannot group users by them. */
export function valueHash(name: string, value: unknown, seed: number): number {
  // JSON of nothing but a text begins with a quotation mark, which is spared its escaping here.
  const text = typeof value === 'string' ? `"${value}` : JSON.stringify(value)
  return hash53(`${name}=${text}`, seed) || 1
}
