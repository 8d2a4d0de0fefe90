import type { DeliveryAssignment } from '@tributary/topology'
import { BrazeError } from './errors.ts'
import { HOUR_OPENING } from './hour-budget.ts'

/**
 * The part of a limit that belongs to one of `partitionCount` partitions: whole numbers, at most one apart, that sum to
 * exactly the limit.
 */
export function partOf(limit: number, partition: number, partitionCount: number): number {
  return (
    Math.floor(((partition + 1) * limit) / partitionCount) - Math.floor((partition * limit) / partitionCount)
  )
}

/** What a partition brings with it: requests per window and, where there is such a limit, per hour. */
interface Part {
  readonly requests: number
  readonly perHour: number
}

interface Limits {
  readonly maxRequests: number
  readonly maxRequestsPerHour: number | undefined
}

interface Gain extends Part {
  readonly fromMs: number
}

/**
 * How long a gain waits. The window (`shortMs`) is enough where the requests that a process may have under way, whichever
 * partitions they are for, fit into the smallest part that it can be left with: then its former owner, too, keeps to the part
 * that it has left. Otherwise they must have ended (`longMs`). The proof is in docs/decisions/0007.
 */
export interface Handover {
  readonly maxUnderWay: number
  readonly shortMs: number
  readonly longMs: number
}

/**
 * Which part of the limits this process may use: that of the partitions it has, so that all processes together have the
 * limit and no more. What goes is gone at once. What comes counts after the handover, when nothing that the partition's
 * former owner sent can be in Braze's window any more.
 */
export class Shares {
  readonly #limits: Limits
  readonly #handover: Handover
  readonly #held = new Map<number, Gain>()
  readonly #gains: Gain[] = []
  #partitionCount: number | undefined
  #requests: number
  #perHour: number

  /** Until the first assignment everything is this process's: it is used without an engine that assigns. */
  constructor(limits: Limits, handover: Handover) {
    this.#limits = limits
    this.#handover = handover
    this.#requests = limits.maxRequests
    this.#perHour = limits.maxRequestsPerHour ?? 0
  }

  get isAssigned(): boolean {
    return this.#partitionCount !== undefined
  }

  /** What counts of the window's limit as of the last `settle`. */
  get requests(): number {
    return this.#requests
  }

  /** The same of the hour's. */
  get perHour(): number {
    return this.#perHour
  }

  /** Of the limit, once all gains count. */
  get share(): number {
    return this.isAssigned ? this.#held.size / (this.#partitionCount ?? 1) : 1
  }

  /** When more will count; undefined when all does. */
  get nextGainMs(): number | undefined {
    return this.#gains[0]?.fromMs
  }

  /** Why nothing can ever be sent with the partitions at hand. */
  get problem(): string | undefined {
    const parts = [...this.#held.values()]
    const { maxRequests, maxRequestsPerHour } = this.#limits
    const isNone = (name: 'requests' | 'perHour'): boolean => parts.every(part => part[name] === 0)
    if (parts.length === 0) return undefined
    const spread = `falls to the ${parts.length} of ${this.#partitionCount} partitions that this process has; there must be at least as many requests as partitions`
    if (isNone('requests')) return `nothing of the limit of ${maxRequests} requests per window ${spread}`
    if (maxRequestsPerHour === undefined || !isNone('perHour')) return undefined
    return `nothing of the limit of ${maxRequestsPerHour} requests per hour ${spread}`
  }

  /**
   * The assignment as it is from now on. To be called after `settle` for the same moment.
   * @throws BrazeError BRAZE_OPTION_INVALID when it makes no sense, for then the sum over all processes would not hold
   */
  assign({ partitions, partitionCount }: DeliveryAssignment, nowMs: number): void {
    const isWithin = (partition: number): boolean => partition >= 0 && partition < partitionCount
    if (!partitions.every(isWithin)) {
      throw new BrazeError(
        'BRAZE_OPTION_INVALID',
        `An assignment of the partitions ${partitions.join(', ')} out of ${partitionCount} makes no sense`,
      )
    }
    // Another number of partitions cuts the limit differently: nothing that was held is the same any more.
    if (partitionCount !== this.#partitionCount) this.#held.clear()
    this.#partitionCount = partitionCount
    const wanted = new Set(partitions)
    for (const partition of this.#held.keys()) if (!wanted.has(partition)) this.#held.delete(partition)
    for (const partition of wanted) {
      if (!this.#held.has(partition)) this.#held.set(partition, this.#gain(partition, nowMs))
    }
    this.#requests = 0
    this.#perHour = 0
    this.#gains.length = 0
    for (const gain of this.#held.values()) {
      if (gain.fromMs <= nowMs) this.#count(gain)
      else this.#gains.push(gain)
    }
    this.#gains.sort((a, b) => a.fromMs - b.fromMs)
  }

  /** Lets the gains count whose time has come; `onGain` hears of each after it does. */
  settle(nowMs: number, onGain: (fromMs: number) => void): void {
    for (let gain = this.#gains[0]; gain !== undefined && gain.fromMs <= nowMs; gain = this.#gains[0]) {
      this.#gains.splice(0, 1)
      this.#count(gain)
      onGain(gain.fromMs)
    }
  }

  #gain(partition: number, nowMs: number): Gain {
    const count = this.#partitionCount ?? 1
    return {
      requests: partOf(this.#limits.maxRequests, partition, count),
      perHour: partOf(this.#limits.maxRequestsPerHour ?? 0, partition, count),
      fromMs: nowMs + this.#handoverMs(count),
    }
  }

  #handoverMs(partitionCount: number): number {
    const { maxRequests, maxRequestsPerHour = Infinity } = this.#limits
    const { maxUnderWay, shortMs, longMs } = this.#handover
    // Of an hour only its opening is there as it turns, and what is under way then counts in both.
    const smallest = Math.floor(Math.min(maxRequests, maxRequestsPerHour * HOUR_OPENING) / partitionCount)
    return maxUnderWay <= smallest ? shortMs : longMs
  }

  #count({ requests, perHour }: Part): void {
    this.#requests += requests
    this.#perHour += perHour
  }
}
