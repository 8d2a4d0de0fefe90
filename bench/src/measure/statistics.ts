/** The middle value; the mean of the two middle ones of an even number. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** The smallest value that at least `share` (0 to 1) of the values do not exceed. NaN of none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? NaN
}

/** One measurement each, of the same round. */
export interface RoundPair {
  readonly round: number
  readonly ours: number
  readonly theirs: number
}

/** Pair by pair, so that what slowed a whole round down falls out. NaN without a round that both were in. */
export function medianRatio(pairs: readonly RoundPair[]): number {
  return median(pairs.map(({ ours, theirs }) => ours / theirs))
}

/** Outputs that became readable together. */
export interface Appended {
  readonly atMs: number
  readonly count: number
}

/** When the output had grown to this share (0 to 1) of its final count. */
export function timeOfShare(appended: readonly Appended[], share: number): number {
  const inOrder = appended.toSorted((a, b) => a.atMs - b.atMs)
  const wanted = inOrder.reduce((sum, { count }) => sum + count, 0) * share
  let seen = 0
  for (const { atMs, count } of inOrder) {
    seen += count
    if (seen >= wanted) return atMs
  }
  return NaN
}
