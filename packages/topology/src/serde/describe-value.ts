const LONGEST_TEXT = 40

function shorten(text: string): string {
  return text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text
}

/**
 * What a value is, for messages: `undefined`, `the number 1.5`, `an array of 2`. Of a text only the length, because messages
 * end in logs and dead letters, and a text may be a customer's.
 */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'undefined':
      return 'undefined'
    case 'string':
      return `a string of ${value.length}`
    case 'number':
      return `the number ${Object.is(value, -0) ? '-0' : value}`
    case 'bigint':
      return `the bigint ${shorten(`${value}`)}n`
    case 'boolean':
      return `the boolean ${value}`
    case 'symbol':
      return 'a symbol'
    case 'function':
      return 'a function'
    case 'object':
      return describeObject(value)
  }
}

function describeObject(value: object | null): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return `an array of ${value.length}`
  if (Buffer.isBuffer(value)) return `a Buffer of ${value.length} bytes`
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? 'an invalid Date' : `the Date ${value.toISOString()}`
  if (value instanceof Uint8Array) return `a Uint8Array of ${value.length} bytes`
  if (value instanceof Map || value instanceof Set) return `a ${value.constructor.name}`
  const keys = Object.keys(value)
  return keys.length === 0 ? 'an empty object' : `an object with ${shorten(keys.join(', '))}`
}
