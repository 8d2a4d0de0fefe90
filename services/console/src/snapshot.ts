/* What the pages are given: once a second, whole. Times are milliseconds since the epoch by the server's clock. */

export interface Snapshot {
  readonly atMs: number
  /** What is wrong, the worst first. */
  readonly problems: readonly Problem[]
  readonly applications: readonly ApplicationView[]
  readonly instances: readonly InstanceView[]
}

export interface Problem {
  readonly severity: 'critical' | 'warning'
  /** One sentence that stands alone. */
  readonly text: string
  /** What that means, or what to look at. */
  readonly advice: string
  /** Where the pages show more. */
  readonly page: string
}

/** All instances of one application together. */
export interface ApplicationView {
  /** The id of the consumer group. */
  readonly name: string
  readonly instances: number
  readonly partitions: number
  readonly lagRecords: number
  readonly lagMs: number
  /** Records per second over the last ten. */
  readonly inPerSecond: number
  readonly outPerSecond: number
  readonly deadLettersLastMinute: number
  /** Since their start, over the processes that are there now. */
  readonly deadLetters: number
  readonly slo: SloView | undefined
}

export interface SloView {
  readonly objective: number
  /** The part of the time since the processes' start in which the consumer was well. */
  readonly good: number
}

export type Verdict = 'OK' | 'WARN' | 'STOP' | 'STALL' | 'REWIND'

export interface InstanceView {
  readonly name: string
  /** Undefined as long as it has never answered. */
  readonly service: string | undefined
  readonly application: string | undefined
  readonly isReachable: boolean
  /** Why it does not answer. */
  readonly failure: string | undefined
  /** When its figures are from; undefined as long as there are none. */
  readonly seenAtMs: number | undefined
  readonly state: string
  readonly isReady: boolean
  readonly reasons: readonly string[]
  readonly partitions: readonly PartitionView[]
  readonly inFlight: number
  readonly inPerSecond: number
  readonly outPerSecond: number
  readonly residentBytes: number | undefined
  readonly startedAtMs: number | undefined
}

export interface PartitionView {
  readonly topic: string
  readonly partition: number
  /** The next offset to process. */
  readonly position: number
  readonly committed: number | undefined
  /** The end of the partition; -1 before the first response. */
  readonly end: number
  /** Unfinished records; -1 before the first response. */
  readonly lag: number
  /** Age of the oldest unfinished one. */
  readonly lagMs: number
  readonly isPaused: boolean
  /** By Burrow's rules; undefined before the first. */
  readonly verdict: Verdict | undefined
}
