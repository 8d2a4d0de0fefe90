/** What is to be brought into Braze, and by how many processes. */
export interface Load {
  /** In the busiest three seconds. */
  readonly peakEventsPerSecond: number
  /** Means of consecutive hours of the clock; after the last one the first comes again. At least one. */
  readonly hours: readonly number[]
  /** Attributes objects that an event brings with it, before any is folded or suppressed. */
  readonly attributesPerEvent: number
  /** Of the attributes objects, from 0 to 1: not sent, because nothing in them has changed. */
  readonly suppressedShare: number
  /** Of those that are left, from 0 to 1: folded into another one of the same user in the same request. */
  readonly foldedShare: number
  /** Objects in a request when there are enough of them. */
  readonly fill: number
  readonly lingerMs: number
  /** From a request to its answer. */
  readonly latencyMs: number
  /** Of both limits, from 0 to 0.5: only for requests with an event in them. */
  readonly urgentReserve: number
  readonly replicas: number
  /** Of the sink's topic; undefined: not known. */
  readonly partitions: number | undefined
  /** Objects that wait already; undefined: none. */
  readonly backlog: number | undefined
}

/** Of the company, for `/users/track`. */
export interface Limits {
  readonly perWindow: number
  /** Undefined: the contract has no hourly limit. */
  readonly perHour: number | undefined
}

/** Braze's burst limits are requests in three seconds: https://www.braze.com/docs/api/api_limits. */
export const WINDOW_SECONDS = 3
export const HOUR_SECONDS = 3_600

/** A request's place in the window is taken from before it is sent until three seconds after its answer. */
export function placeSeconds({ latencyMs }: Load): number {
  return WINDOW_SECONDS + latencyMs / 1_000
}
