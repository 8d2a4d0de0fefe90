const HOUR_MS = 3_600_000
/** Of an hour's requests, those that are there when it begins. The rest comes evenly while the hour passes. */
export const HOUR_OPENING = 0.25

/**
 * Requests per hour of the clock, for one of several processes that share the limit without speaking to each other.
 *
 * A process has a quota, which changes as it gains and loses partitions. With the quota that it has at the turn of an hour it
 * gets a quarter of that at once; three quarters of the quota accrue evenly over the hour, for the time that it has it. What
 * was gained this way is its own until the hour ends. A partition counts for at most one process at a time, so over all
 * processes an hour yields at most HOUR_OPENING + (1 - HOUR_OPENING) of the limit, however partitions move.
 *
 * A request that is under way when the hour turns may be counted by Braze on either side, so it counts on both. `spanMs`
 * before the turn no more requests may be under way than the opening of the next hour covers, because the partitions may be
 * gone by then: whoever has them next gets their opening only when every such request has ended.
 *
 * Times are milliseconds since the epoch. A clock that is set back yields nothing twice: it stands still until it has caught up.
 */
export class HourBudget {
  /** The longest time that a request is under way. */
  readonly #spanMs: number
  #atMs: number
  #quota: number
  /** Request-milliseconds, so that what accrues is a whole number or a quarter of one, and sums are exact. */
  #credit = 0
  #used = 0

  /** @param quota requests per hour. The process may have been started again within the hour, so it begins with nothing. */
  constructor(quota: number, { nowMs, spanMs }: { readonly nowMs: number; readonly spanMs: number }) {
    this.#quota = quota
    this.#atMs = nowMs
    this.#spanMs = spanMs
  }

  get used(): number {
    return this.#used
  }

  /** Requests that were gained in this hour, spent or not. */
  get gained(): number {
    return Math.floor(this.#credit / HOUR_MS)
  }

  /** @param underWay requests that are under way as the time passes */
  advance(nowMs: number, underWay: number): void {
    if (nowMs <= this.#atMs) return
    if (nowMs >= this.#turnMs) {
      this.#atMs = Math.floor(nowMs / HOUR_MS) * HOUR_MS
      this.#credit = this.#quota * HOUR_OPENING * HOUR_MS
      this.#used = underWay
    }
    this.#credit += this.#quota * (1 - HOUR_OPENING) * (nowMs - this.#atMs)
    this.#atMs = nowMs
  }

  /** From the moment of the last `advance` on. */
  setQuota(quota: number): void {
    this.#quota = quota
  }

  /** Takes back what was gained for a quota that was never really this process's. */
  forfeit(): void {
    this.#credit = 0
  }

  take(): void {
    this.#used += 1
  }

  giveBack(): void {
    this.#used -= 1
  }

  /**
   * How long until one more request may go, as of the last `advance`; 0 for now. After that time it is to be asked again.
   * @param reserve the part of what was gained that this request may not touch
   */
  waitMs(underWay: number, reserve: number): number {
    const toTurnMs = this.#turnMs - this.#atMs
    if (toTurnMs <= this.#spanMs && underWay >= Math.floor(this.#quota * HOUR_OPENING)) return toTurnMs
    const { gained } = this
    if (this.#used < gained - Math.floor(gained * reserve)) return 0
    if (this.#quota === 0) return toTurnMs
    const missing = this.#neededFor(this.#used + 1, reserve) * HOUR_MS - this.#credit
    return Math.min(toTurnMs, Math.max(1, Math.ceil(missing / (this.#quota * (1 - HOUR_OPENING)))))
  }

  /** What must have been gained so that `requests` of it are free beside the reserve. */
  #neededFor(requests: number, reserve: number): number {
    let needed = requests
    while (needed - Math.floor(needed * reserve) < requests) needed = requests + Math.floor(needed * reserve)
    return needed
  }

  get #turnMs(): number {
    return (Math.floor(this.#atMs / HOUR_MS) + 1) * HOUR_MS
  }
}
