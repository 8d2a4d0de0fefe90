/*
 * Zigzag varints as Kafka writes them in records: 32-bit for lengths and counts, 64-bit for timestamp deltas. The latter
 * are numbers here: exact up to 2^52 either way, which is 142,000 years in milliseconds.
 */

export function sizeOfVarint(value: number): number {
  const zigzag = (value << 1) ^ (value >> 31)
  // Each byte holds seven bits; a zero still takes one byte.
  return zigzag === 0 ? 1 : Math.ceil((32 - Math.clz32(zigzag)) / 7)
}

/** Returns the position behind the written bytes, at most five further. */
export function writeVarint(bytes: Uint8Array, position: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  let at = position
  while (zigzag > 0x7f) {
    bytes[at] = (zigzag & 0x7f) | 0x80
    zigzag >>>= 7
    at += 1
  }
  bytes[at] = zigzag
  return at + 1
}

function isInt32(value: number): boolean {
  return (value | 0) === value
}

export function sizeOfVarlong(value: number): number {
  if (isInt32(value)) return sizeOfVarint(value)
  let zigzag = value >= 0 ? value * 2 : -value * 2 - 1
  let size = 1
  while (zigzag > 0x7f) {
    zigzag = Math.floor(zigzag / 128)
    size += 1
  }
  return size
}

/** Returns the position behind the written bytes. A 32-bit value has the same bytes as a varint. */
export function writeVarlong(bytes: Uint8Array, position: number, value: number): number {
  if (isInt32(value)) return writeVarint(bytes, position, value)
  let zigzag = value >= 0 ? value * 2 : -value * 2 - 1
  let at = position
  while (zigzag > 0x7f) {
    bytes[at] = (zigzag % 128) | 0x80
    zigzag = Math.floor(zigzag / 128)
    at += 1
  }
  bytes[at] = zigzag
  return at + 1
}

/** A signed 64-bit big-endian integer as a number: exact up to 2^53. */
export function readLong(bytes: Buffer, position: number): number {
  return bytes.readInt32BE(position) * 0x1_0000_0000 + bytes.readUInt32BE(position + 4)
}

export function writeLong(bytes: Buffer, position: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000)
  bytes.writeInt32BE(high, position)
  bytes.writeUInt32BE(value - high * 0x1_0000_0000, position + 4)
}
