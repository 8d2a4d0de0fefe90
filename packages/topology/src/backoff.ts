/**
 * How long to wait before attempt `attempts + 1`: exponential with full jitter, so that many waiting callers do not come
 * back together. `attempts` counts the failures so far, from 1.
 */
export function backoffMs(
  attempts: number,
  policy: { readonly baseMs: number; readonly maxMs: number },
  random: () => number,
): number {
  const ceiling = Math.min(policy.maxMs, policy.baseMs * 2 ** Math.min(attempts - 1, 30))
  return Math.round(random() * ceiling)
}
