import { createHistogram } from 'node:perf_hooks'
import type { Clock } from '../clock.ts'
import type { Logger } from '../config.ts'
import { Histogram } from './histogram.ts'

/** How late timers were, in milliseconds: for so long nothing else had its turn either. */
export interface EventLoopDelay {
  readonly max: number
  readonly p99: number
}

export interface EventLoopWatchOptions {
  readonly clock: Clock
  readonly logger: Logger
  /** A timer that is this late is logged. */
  readonly stallWarningMs: number
}

/** A stall is measured short by no more than this. */
const EVERY_MS = 100
const DELAY_BOUNDS_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/**
 * Looks ten times a second how late its own timer is. Work of the runtime is done in slices, but an author's function that
 * computes for seconds, a process that is stopped, or a machine without time to spare keeps heartbeats from being sent, and
 * the group takes the partitions away. Without this nothing would say why.
 */
export class EventLoopWatch {
  readonly #options: EventLoopWatchOptions
  /** Microseconds: a histogram takes whole numbers from 1. */
  readonly #delays = createHistogram()
  /** Since the start, in seconds. */
  readonly delays: Histogram = new Histogram(DELAY_BOUNDS_SECONDS)
  #cancel: (() => void) | undefined

  constructor(options: EventLoopWatchOptions) {
    this.#options = options
  }

  start(): void {
    const { clock } = this.#options
    const dueMs = clock.monotonicMs() + EVERY_MS
    this.#cancel = clock.schedule(EVERY_MS, () => {
      this.#record(clock.monotonicMs() - dueMs)
      this.start()
    })
  }

  stop(): void {
    this.#cancel?.()
  }

  /** Since the last call. */
  take(): EventLoopDelay {
    if (this.#delays.count === 0) return { max: 0, p99: 0 }
    const delay = { max: this.#delays.max / 1_000, p99: this.#delays.percentile(99) / 1_000 }
    this.#delays.reset()
    return delay
  }

  #record(lateMs: number): void {
    const { logger, stallWarningMs } = this.#options
    this.#delays.record(Math.max(1, Math.round(lateMs * 1_000)))
    this.delays.observe(Math.max(0, lateMs) / 1_000)
    if (lateMs >= stallWarningMs)
      logger.warn(
        { blockedMs: Math.round(lateMs), stallWarningMs },
        'the event loop was blocked: no heartbeat was sent, nothing was read or acknowledged meanwhile',
      )
  }
}
