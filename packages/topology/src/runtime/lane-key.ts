/**
 * What a key is told apart by where the order of records is kept: equal keys give equal text. Undefined for a record without a
 * key, which has no order.
 */
export function laneKeyOf(key: unknown): string | undefined {
  if (key === null || key === undefined) return undefined
  if (typeof key === 'string') return key
  return JSON.stringify(key, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part))
}
