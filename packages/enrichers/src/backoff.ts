/**
 * Full jitter: a random wait between nothing and an exponentially growing, capped bound. Spreads callers that
 * failed together best of the usual variants (AWS Architecture Blog, "Exponential Backoff And Jitter").
 * @param attempt how many attempts have failed so far, from 1
 */
export function fullJitterMs(
  attempt: number,
  bounds: { readonly baseMs: number; readonly maxMs: number },
  random: () => number,
): number {
  const bound = Math.min(bounds.maxMs, bounds.baseMs * 2 ** Math.min(attempt - 1, 30))
  return Math.floor(random() * bound)
}
