import type { History, HistoryPoint, Snapshot, Verdict } from '../snapshot.ts'

const EVERY_MS = 2_000
/** Half an hour. */
const MAX_POINTS = 900
const RANK: readonly Verdict[] = ['OK', 'WARN', 'REWIND', 'STALL', 'STOP']

/** How the applications were over the last half hour. */
export class HistoryRing {
  readonly #points = new Map<string, HistoryPoint[]>()
  #latestMs = 0

  add(snapshot: Snapshot): void {
    if (snapshot.atMs - this.#latestMs < EVERY_MS - 200) return
    this.#latestMs = snapshot.atMs
    for (const { name, lagRecords, lagMs, inPerSecond } of snapshot.applications) {
      const verdicts = snapshot.instances
        .filter(instance => instance.application === name && instance.isReachable)
        .flatMap(instance => instance.partitions.flatMap(({ verdict }) => verdict ?? []))
      const verdict = verdicts.toSorted((a, b) => RANK.indexOf(b) - RANK.indexOf(a))[0]
      const points = this.#points.get(name) ?? []
      this.#points.set(name, [
        ...points.slice(-(MAX_POINTS - 1)),
        { atMs: snapshot.atMs, lagRecords, lagMs, inPerSecond, verdict },
      ])
    }
  }

  all(): History {
    return Object.fromEntries(this.#points)
  }
}
