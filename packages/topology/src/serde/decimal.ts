const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/

/** The text of an unscaled number: always `scale` digits after the point. */
export function formatDecimal(unscaled: bigint, scale: number): string {
  if (scale === 0) return `${unscaled}`
  const sign = unscaled < 0n ? '-' : ''
  const digits = `${unscaled < 0n ? -unscaled : unscaled}`.padStart(scale + 1, '0')
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`
}

/** The unscaled number of a text in plain notation; undefined where it does not fit the precision and the scale. */
export function parseDecimal(text: string, precision: number, scale: number): bigint | undefined {
  const match = DECIMAL.exec(text)
  if (match === null) return undefined
  const [, sign, whole, fraction = ''] = match
  if (fraction.length > scale) return undefined
  const digits = `${whole}${fraction.padEnd(scale, '0')}`.replace(/^0+(?=\d)/, '')
  if (digits.length > precision) return undefined
  return BigInt(`${sign}${digits}`)
}

/** The bytes that a number of `precision` digits takes at most, as two's complement. */
export function decimalBytes(precision: number): number {
  return Math.ceil((precision * Math.log2(10) + 1) / 8)
}

/** Two's complement, big-endian. Undefined where more bytes than `maxBytes` carry meaning. */
export function readTwosComplement(bytes: Uint8Array, maxBytes: number): bigint | undefined {
  if (bytes.length === 0) return 0n
  const isNegative = (bytes[0] ?? 0) >= 0x80
  const padding = isNegative ? 0xff : 0
  let start = 0
  while (start < bytes.length - 1 && bytes[start] === padding) start++
  // The digit before may carry the sign alone.
  if (bytes.length - start > maxBytes) return undefined
  const hex = Buffer.from(bytes.subarray(start)).toString('hex')
  const magnitude = BigInt(`0x${hex}`)
  return isNegative ? magnitude - (1n << BigInt((bytes.length - start) * 8)) : magnitude
}

/** Two's complement in `size` bytes, or in as few as it takes. */
export function writeTwosComplement(value: bigint, size: number | undefined): Buffer | undefined {
  const needed = twosComplementBytes(value)
  if (size !== undefined && needed > size) return undefined
  const length = size ?? needed
  const hex = BigInt.asUintN(length * 8, value)
    .toString(16)
    .padStart(length * 2, '0')
  return Buffer.from(hex, 'hex')
}

function twosComplementBytes(value: bigint): number {
  let bytes = 1
  while (BigInt.asIntN(bytes * 8, value) !== value) bytes++
  return bytes
}
