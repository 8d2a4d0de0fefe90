/* What the pages are given: once a second, whole. Times are milliseconds since the epoch by the server's clock. */

export interface Snapshot {
  readonly atMs: number
  /** What is wrong, the worst first. */
  readonly problems: readonly Problem[]
  readonly applications: readonly ApplicationView[]
  readonly instances: readonly InstanceView[]
  readonly tables: readonly TableView[]
  readonly sinks: readonly SinkView[]
  readonly graphs: readonly GraphView[]
  readonly deadLetterTopics: readonly string[]
  readonly isReplayAllowed: boolean
}

export interface Problem {
  /** A notice is of what is over, and is still to be known. */
  readonly severity: 'critical' | 'warning' | 'notice'
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
  /** All of that time. */
  readonly seconds: number
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

/** A table as one instance has it. */
export interface TableView {
  readonly instance: string
  readonly table: string
  readonly topic: string
  readonly scope: 'partitioned' | 'global'
  readonly state: string
  readonly rows: number
  readonly bytes: number
  /** Records that are not applied yet. */
  readonly lag: number
  readonly stalenessMs: number
  readonly malformed: number
}

/** What one instance sends to Braze. */
export interface SinkView {
  readonly instance: string
  /** Why nothing is sent; undefined when it is. */
  readonly problem: string | undefined
  readonly windowUsed: number
  readonly windowQuota: number
  /** Undefined where the contract has no hourly limit. */
  readonly hour: { readonly used: number; readonly quota: number } | undefined
  /** By Braze's own word; undefined before its first. */
  readonly reportedRemaining: number | undefined
  readonly pausedMs: number
  readonly pending: number
  /** Objects per call over the last minute; undefined without a call. */
  readonly fill: number | undefined
  readonly callsPerSecond: number
  readonly acceptedPerSecond: number
  /** Braze's objects since the start of the process; a record can become several. */
  readonly accepted: number
  readonly rejected: number
  /** From the event to Braze's answer, of what was accepted in the last minute; undefined without any. */
  readonly latencyMs: { readonly p50: number; readonly p99: number } | undefined
  /** What came back that was not 2xx in the last minute, and what was rejected. */
  readonly errors: readonly { readonly what: string; readonly count: number }[]
  /** What Braze said when something went wrong, the latest first. */
  readonly latestErrors: readonly SinkErrorView[]
}

export interface SinkErrorView {
  readonly endpoint: string
  /** Undefined for a request without an answer. */
  readonly status: number | undefined
  readonly code: string
  readonly says: string
  readonly firstAtMs: number
  readonly atMs: number
  readonly count: number
}

export interface GraphView {
  readonly application: string
  /** Inputs before their users. */
  readonly steps: readonly StepView[]
}

export interface StepView {
  readonly name: string
  readonly kind: string
  readonly inputs: readonly string[]
  readonly reads: string | undefined
  readonly writes: readonly string[]
  readonly table: string | undefined
  /** Since the start of the processes. */
  readonly in: number
  readonly out: number
  readonly inPerSecond: number
  readonly outPerSecond: number
  readonly dropped: Readonly<Record<string, number>>
  readonly deadLetters: Readonly<Record<string, number>>
  /** Within the last minute. */
  readonly droppedLastMinute: number
  readonly deadLettersLastMinute: number
  /** Of a source. */
  readonly lag: number | undefined
  /** Whether its oldest unfinished record is older than is told as a problem. */
  readonly isLate: boolean
}

/** How an application was at a time. */
export interface HistoryPoint {
  readonly atMs: number
  readonly lagRecords: number
  readonly lagMs: number
  readonly inPerSecond: number
  /** The worst of its partitions; undefined when nothing was known. */
  readonly verdict: Verdict | undefined
}

/** By application. */
export type History = Readonly<Record<string, readonly HistoryPoint[]>>
