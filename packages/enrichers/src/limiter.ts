import Bottleneck from 'bottleneck'

/**
 * Bottleneck starts each job behind two one-millisecond timers in series, so one limiter starts about 430 jobs a
 * second whatever its settings allow: 50 ms calls with `maxConcurrent: 200` reach 433 of 4,000 a second. Therefore
 * a job here is not a call but a slot: it makes calls one after the other while there are any, this many at most
 * before it queues again, so that slots with less to do get their turn.
 */
const CALLS_PER_SLOT = 16

/** For the same reason a limiter of rate is asked no more than this often, and grants several calls at a time. */
const GRANTS_PER_SECOND = 200

/**
 * Concurrency and rate against the other side, by `bottleneck`. Its traps are kept away from: no `highWater`
 * (its default strategy drops jobs), no `reservoir` (a fixed window lets twice the limit through at its edge), no
 * retries by its `failed` event (they bypass the rate and keep their slot while they wait), no `updateSettings`.
 *
 * Bottleneck reads the system's time, not an injected clock.
 */
export class Limiter {
  readonly #slots: Bottleneck
  readonly #rate: Bottleneck | undefined
  readonly #callsPerGrant: number
  #grantedCalls = 0
  #grant: Promise<void> | undefined

  constructor(limits: { readonly concurrency: number; readonly ratePerSecond: number | undefined }) {
    this.#slots = new Bottleneck({ maxConcurrent: limits.concurrency })
    const rate = limits.ratePerSecond
    this.#callsPerGrant = rate === undefined ? 1 : Math.ceil(rate / GRANTS_PER_SECOND)
    if (rate !== undefined) this.#rate = new Bottleneck({ minTime: (1_000 * this.#callsPerGrant) / rate })
  }

  /**
   * Runs `step` in a slot, again and again until it answers that it found no call to make. In any second no more
   * than `ratePerSecond` steps begin, plus one grant's worth.
   * @throws when the limiter is closed before the slot's turn
   */
  async run(step: () => Promise<boolean>): Promise<void> {
    await this.#slots.schedule(async () => {
      for (let calls = 0; calls < CALLS_PER_SLOT; calls++) {
        await this.#allowed()
        if (await step()) continue
        this.#grantedCalls++
        return
      }
    })
  }

  async close(): Promise<void> {
    // The rate first: slots that wait for it then end, and the slots' own stop waits for those.
    await this.#rate?.stop({ dropWaitingJobs: true })
    await this.#slots.stop({ dropWaitingJobs: true })
  }

  async #allowed(): Promise<void> {
    if (this.#rate === undefined) return
    while (this.#grantedCalls <= 0) await (this.#grant ??= this.#nextGrant(this.#rate))
    this.#grantedCalls--
  }

  async #nextGrant(rate: Bottleneck): Promise<void> {
    try {
      // What is left of the last grant lapses; kept, it would add up to a burst.
      await rate.schedule(async () => void (this.#grantedCalls = this.#callsPerGrant))
    } finally {
      this.#grant = undefined
    }
  }
}
