import { MetricSet, type CommitHistory, type MetricFamily } from '@tributary/topology'
import { BURROW_STATUS, evaluateGroup, type GroupStatus } from './evaluate.ts'

/** What it needs of a clock; `systemClock` of `@tributary/topology` is one. */
export interface JudgeClock {
  now(): number
  monotonicMs(): number
  schedule(ms: number, callback: () => void): () => void
}

export interface ConsumerJudgeOptions {
  readonly group: string
  /** The part of the time in which the consumer is to be OK, such as 0.9995. */
  readonly objective: number
  readonly histories: () => readonly CommitHistory[]
  readonly clock: JudgeClock
}

export const CONSUMER_METRICS = {
  tributary_consumer_status: {
    type: 'gauge',
    unit: 'status',
    labels: ['group', 'topic', 'partition'],
    help: 'Verdict of Burrow’s rules on a partition, numbered as by Burrow: 1 OK, 2 WARN, 4 STOP, 5 STALL, 6 REWIND',
  },
  tributary_consumer_group_status: {
    type: 'gauge',
    unit: 'status',
    labels: ['group'],
    help: 'The worst of this process’s partitions: 1 OK, 2 WARN, 3 ERR',
  },
  tributary_slo_objective_ratio: {
    type: 'gauge',
    unit: 'ratio',
    labels: ['group'],
    help: 'The part of the time in which the consumer is to be OK',
  },
  tributary_slo_seconds_total: {
    type: 'counter',
    unit: 'seconds',
    labels: ['group'],
    help: 'Time that was judged: in which this process had partitions',
  },
  tributary_slo_good_seconds_total: {
    type: 'counter',
    unit: 'seconds',
    labels: ['group'],
    help: 'The part of it in which all of its partitions were OK',
  },
} as const

const JUDGED_EVERY_MS = 1_000

/** Judges a consumer by its own commits once a second, so that time without lag can be counted without Burrow. */
export class ConsumerJudge {
  readonly #options: ConsumerJudgeOptions
  #judgedMs = 0
  #goodMs = 0
  #lastMs: number | undefined
  #cancel: (() => void) | undefined

  constructor(options: ConsumerJudgeOptions) {
    this.#options = options
  }

  start(): void {
    this.#lastMs = this.#options.clock.monotonicMs()
    this.#next()
  }

  stop(): void {
    this.#cancel?.()
  }

  status(): GroupStatus {
    const { histories, clock } = this.#options
    return evaluateGroup(histories(), { nowMs: clock.now() })
  }

  metrics(): readonly MetricFamily[] {
    const { group, objective } = this.#options
    const set = new MetricSet(CONSUMER_METRICS)
    const { status, partitions } = this.status()
    for (const { topic, partition, status: verdict } of partitions) {
      const labels = { group, topic, partition: String(partition) }
      set.add('tributary_consumer_status', labels, BURROW_STATUS[verdict])
    }
    set.add('tributary_consumer_group_status', { group }, BURROW_STATUS[status])
    set.add('tributary_slo_objective_ratio', { group }, objective)
    set.add('tributary_slo_seconds_total', { group }, this.#judgedMs / 1_000)
    set.add('tributary_slo_good_seconds_total', { group }, this.#goodMs / 1_000)
    return set.families()
  }

  #next(): void {
    this.#cancel = this.#options.clock.schedule(JUDGED_EVERY_MS, () => {
      this.#judge()
      this.#next()
    })
  }

  #judge(): void {
    const nowMs = this.#options.clock.monotonicMs()
    const elapsedMs = nowMs - (this.#lastMs ?? nowMs)
    this.#lastMs = nowMs
    const { status, partitions } = this.status()
    if (partitions.length === 0) return
    this.#judgedMs += elapsedMs
    if (status === 'OK') this.#goodMs += elapsedMs
  }
}
