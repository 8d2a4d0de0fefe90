/** One line of JSON. Bytes are hexadecimal text, 64-bit integers are decimal text. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, printable, indent)
}

/** A copy as it would be in JSON, which later changes of the original do not reach. */
export function snapshot(value: unknown): unknown {
  return value === undefined ? undefined : (JSON.parse(toJson(value) ?? 'null') as unknown)
}

function printable(this: unknown, key: string, value: unknown): unknown {
  // A Buffer has a `toJSON` of its own, which has run by now.
  const original = (this as Readonly<Record<string, unknown>>)[key]
  if (original instanceof Uint8Array) return `0x${Buffer.from(original).toString('hex')}`
  if (typeof value === 'bigint') return `${value}`
  if (value instanceof Map) return Object.fromEntries(value)
  return value
}
