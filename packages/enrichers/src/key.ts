/**
 * What an answer depends on, and nothing else: it names the answer in the cache and in a gathered call.
 * Several values go into an array: `[customerId, bookedAt]`.
 */
export type EnricherKey = string | number | bigint | readonly (string | number)[] | readonly []

/** A key by value, for maps. A scalar stands for itself, so that `7` and `'7'` stay two keys. */
export type KeyIdentity = string | number | bigint

/** Parts are written with their kind and length: `['a', 'b']` and `['a,b']` cannot meet, nor can a plain string. */
export function identityOf(key: EnricherKey): KeyIdentity {
  if (typeof key !== 'object') return key
  let identity = '\u0000'
  for (const part of key) identity += typeof part === 'number' ? `n${part};` : `s${part.length}:${part};`
  return identity
}

export function isEnricherKey(value: unknown): value is EnricherKey {
  if (Array.isArray(value)) return value.every(part => typeof part === 'string' || typeof part === 'number')
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'bigint'
}

/** A key in an error's sentence. */
export function showKey(key: EnricherKey): string {
  return typeof key === 'bigint' ? `${key}n` : JSON.stringify(key)
}
