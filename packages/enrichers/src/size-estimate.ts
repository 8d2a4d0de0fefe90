/**
 * Roughly how many bytes of heap a result takes: two per character, eight per number, a header per object and
 * field. Good enough to bound a cache; objects seen before are not counted again, so cycles end.
 */
export function estimateBytes(value: unknown): number {
  const seen = new Set<object>()
  const toVisit: unknown[] = [value]
  let bytes = 0
  while (toVisit.length > 0) {
    const next = toVisit.pop()
    bytes += shallowBytes(next)
    if (typeof next !== 'object' || next === null || seen.has(next)) continue
    seen.add(next)
    if (ArrayBuffer.isView(next)) bytes += next.byteLength
    else if (next instanceof Map) toVisit.push(...next.keys(), ...next.values())
    else if (next instanceof Set || Array.isArray(next)) for (const item of next) toVisit.push(item)
    else for (const [name, field] of Object.entries(next)) toVisit.push(name, field)
  }
  return bytes
}

function shallowBytes(value: unknown): number {
  if (typeof value === 'string') return 16 + 2 * value.length
  return typeof value === 'object' && value !== null ? 32 : 8
}
