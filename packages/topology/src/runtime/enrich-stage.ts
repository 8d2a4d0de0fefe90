import { backoffMs } from '../backoff.ts'
import type { Clock } from '../clock.ts'
import { adviceForUnknown, retryAdviceOf, TopologyError } from '../errors.ts'
import { Fifo } from '../fifo.ts'
import type { Counters, EnrichCounts } from '../observability/counters.ts'
import type { Tracing } from '../observability/tracing.ts'
import type { EnrichContext, EnrichNode } from '../plan/node.ts'
import type { RecordContext } from '../record.ts'
import { laneKeyOf } from './lane-key.ts'

export interface EnrichJob {
  readonly key: unknown
  readonly value: unknown
  /** A copy that may be kept. */
  readonly context: RecordContext
  /** Called once, unless the stage was stopped first. */
  readonly onResult: (result: unknown) => void
  readonly onFailure: (error: unknown) => void
}

export interface EnrichStageOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly counters: Counters
  readonly tracing?: Tracing | undefined
}

/**
 * The calls of one `enrich` step in one task: bounded concurrency, a timeout and a retry per call, and per key one at a
 * time in order of arrival. A call that waits for its retry keeps its place, so an outage fills the stage and the task
 * stops reading: progress stops, correctness does not (law 7).
 */
export class EnrichStage {
  readonly #node: EnrichNode
  readonly #options: EnrichStageOptions
  /** Keys with a call under way, and what waits behind it. */
  readonly #lanes = new Map<string, Fifo<EnrichJob>>()
  readonly #ready = new Fifo<EnrichJob>()
  readonly #stop = new AbortController()
  #inFlight = 0
  #waitingInLanes = 0
  #callsUnderWay = 0
  readonly #counts: EnrichCounts

  constructor(node: EnrichNode, options: EnrichStageOptions) {
    this.#node = node
    this.#options = options
    this.#counts = options.counters.enrich(node.name)
  }

  get step(): string {
    return this.#node.name
  }

  /** Calls that have not answered yet; those that wait for a retry are in flight, but not here. */
  get callsUnderWay(): number {
    return this.#callsUnderWay
  }

  get inFlight(): number {
    return this.#inFlight
  }

  get waiting(): number {
    return this.#ready.length + this.#waitingInLanes
  }

  /** The task stops reading while this holds. */
  get isFull(): boolean {
    return this.#inFlight + this.#ready.length + this.#waitingInLanes >= this.#node.maxInFlight
  }

  submit(job: EnrichJob): void {
    const lane = this.#laneOf(job)
    if (lane !== undefined) {
      const waiting = this.#lanes.get(lane)
      if (waiting !== undefined) {
        waiting.push(job)
        this.#waitingInLanes += 1
        return
      }
      this.#lanes.set(lane, new Fifo())
    }
    this.#ready.push(job)
    this.#startReady()
  }

  /** Aborts every call; nothing is reported any more. */
  stop(): void {
    this.#stop.abort(new TopologyError('TOPOLOGY_CLOSED', `The step ${this.#node.name} was stopped`))
  }

  #laneOf(job: EnrichJob): string | undefined {
    return this.#node.order === 'unordered' ? undefined : laneKeyOf(job.key)
  }

  #startReady(): void {
    while (this.#inFlight < this.#node.maxInFlight) {
      const job = this.#ready.take()
      if (job === undefined) return
      this.#inFlight += 1
      void this.#run(job)
    }
  }

  async #run(job: EnrichJob): Promise<void> {
    const settle = await this.#attempt(job)
    if (this.#stop.signal.aborted) return
    this.#inFlight -= 1
    this.#leaveLane(job)
    // The continuation goes first: the next job of the lane must not reach the outputs before this one.
    settle()
    this.#startReady()
  }

  #leaveLane(job: EnrichJob): void {
    const lane = this.#laneOf(job)
    if (lane === undefined) return
    const next = this.#lanes.get(lane)?.take()
    if (next === undefined) {
      this.#lanes.delete(lane)
      return
    }
    this.#waitingInLanes -= 1
    this.#ready.push(next)
  }

  /** Never rejects: the answer is what to tell the task. */
  async #attempt(job: EnrichJob): Promise<() => void> {
    const { retry } = this.#node
    for (let attempts = 1; ; attempts += 1) {
      try {
        const result = await this.#callOnce(job)
        return () => job.onResult(result)
      } catch (error) {
        if (!this.#stop.signal.aborted) this.#counts.failures += 1
        const advice = retryAdviceOf(error, adviceForUnknown(error))
        if (this.#stop.signal.aborted || advice.kind === 'never' || attempts >= retry.maxAttempts) {
          return () => job.onFailure(error)
        }
        this.#counts.retries += 1
        const waitMs = advice.kind === 'after' ? advice.ms : backoffMs(attempts, retry, this.#options.random)
        try {
          await this.#options.clock.sleep(waitMs, { signal: this.#stop.signal })
        } catch {
          return () => job.onFailure(error)
        }
      }
    }
  }

  async #callOnce(job: EnrichJob): Promise<unknown> {
    const { name, timeoutMs, call } = this.#node
    const controller = new AbortController()
    let rejectLate: (reason: Error) => void = () => {}
    const late = new Promise<never>((_, reject) => {
      rejectLate = reject
    })
    // A call need not heed its signal.
    const stopped = (): void => {
      const reason = this.#stop.signal.reason as Error
      controller.abort(reason)
      rejectLate(reason)
    }
    this.#stop.signal.addEventListener('abort', stopped, { once: true })
    const cancelTimer = this.#options.clock.schedule(timeoutMs, () => {
      const error = new TopologyError(
        'TOPOLOGY_ENRICHMENT_FAILED',
        `${name}: no answer within ${timeoutMs} ms`,
        {
          retry: { kind: 'backoff' },
        },
      )
      controller.abort(error)
      rejectLate(error)
    })
    this.#callsUnderWay += 1
    this.#counts.calls += 1
    const startedMs = this.#options.clock.monotonicMs()
    try {
      const context: EnrichContext = { ...job.context, signal: controller.signal }
      const { tracing } = this.#options
      if (tracing === undefined) return await Promise.race([call(job.value, job.key, context), late])
      const span = { operation: 'enrich', step: name, records: [job.context] }
      return await tracing.call(span, () => Promise.race([call(job.value, job.key, context), late]))
    } finally {
      this.#callsUnderWay -= 1
      this.#counts.duration.observe((this.#options.clock.monotonicMs() - startedMs) / 1_000)
      cancelTimer()
      this.#stop.signal.removeEventListener('abort', stopped)
    }
  }
}
