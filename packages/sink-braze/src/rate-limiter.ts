import type { Clock, DeliveryAssignment, DeliveryCall } from '@tributary/topology'
import { BrazeError } from './errors.ts'
import type { Ending, Grant } from './grant.ts'
import { HourBudget } from './hour-budget.ts'
import { Pacer } from './pacer.ts'
import { Pause } from './pause.ts'
import { Ring } from './ring.ts'
import { Shares } from './shares.ts'
import { Waiters, type Waiter } from './waiters.ts'

/** Limits of one company and group of endpoints. */
export interface LimiterLimits {
  readonly maxRequests: number
  readonly windowMs: number
  readonly maxRequestsPerHour: number | undefined
  /** How long after an assignment the share of a new partition counts. Undefined: as long as it has to (`Handover`). */
  readonly handoverMs: number | undefined
}

export interface LimiterOptions {
  readonly clock: Clock
  readonly random: () => number
  /** The part of the window and of the hour that only urgent requests may take. */
  readonly urgentReserve: number
  /** The longest time from a grant to its end. */
  readonly requestTimeoutMs: number
  /** As many requests are under way at once. */
  readonly connections: number
}

export interface LimiterStats {
  /** Requests that count in the window now, those under way included, and how many may. */
  readonly used: number
  readonly quota: number
  /** Of the limits, by the partitions of this process; 1 without an assignment. */
  readonly share: number
  /** In this hour, where the contract has a limit for it. */
  readonly hour: { readonly used: number; readonly gained: number; readonly quota: number } | undefined
  readonly waiting: number
  /** What is left of a pause, in milliseconds. */
  readonly heldMs: number
  readonly rateLimited: number
  readonly pauses: number
  /** Waits that have ended with a grant or readiness, and how long they took together. */
  readonly waits: number
  readonly waitedMs: number
  /** What the latest answer said about the limit, and whether requests are spread because little remains. */
  readonly reported: { readonly limit: number; readonly remaining: number } | undefined
  readonly isSlow: boolean
  readonly oldestInFlightMs: number
}

/**
 * At most `maxRequests` in any span of `windowMs`, as Braze sees them arrive, and `maxRequestsPerHour` per hour of the clock,
 * of which a process has the share of its partitions (`Shares`, `HourBudget`).
 *
 * A request arrives somewhere between its grant and its answer. Therefore its place in the window is taken from the grant on
 * and becomes free `windowMs` after the answer: had Braze counted more arrivals than allowed in one span, the last granted of
 * them would have been granted while all the others still had their places.
 *
 * A pause (a 429), and an hour that yields nothing for longer than a window, send calls that wait for a grant away with the
 * time to come again, so that nobody's call lasts as long as that.
 */
export class RateLimiter {
  readonly #limits: LimiterLimits
  readonly #clock: Clock
  readonly #reserve: number
  readonly #maxUnderWay: number
  readonly #shares: Shares
  readonly #hour: HourBudget | undefined
  readonly #pause: Pause
  readonly #pacer: Pacer
  /** When the answers came whose places are still taken; in order. */
  readonly #answeredMs: Ring
  readonly #underWay = new Set<Grant>()
  readonly #waiters = new Waiters()
  readonly #counts = { rateLimited: 0, waits: 0, waitedMs: 0 }
  #cancelTimer: (() => void) | undefined

  constructor(limits: LimiterLimits, options: LimiterOptions) {
    const { clock, random, urgentReserve, requestTimeoutMs, connections } = options
    const { maxRequests, windowMs, maxRequestsPerHour, handoverMs } = limits
    this.#limits = limits
    this.#clock = clock
    this.#reserve = urgentReserve
    this.#maxUnderWay = connections
    this.#shares = new Shares(limits, {
      maxUnderWay: connections,
      shortMs: handoverMs ?? windowMs,
      longMs: handoverMs ?? windowMs + requestTimeoutMs,
    })
    this.#hour =
      maxRequestsPerHour === undefined
        ? undefined
        : new HourBudget(maxRequestsPerHour, { nowMs: clock.now(), spanMs: requestTimeoutMs })
    this.#pause = new Pause(windowMs, random)
    this.#pacer = new Pacer(windowMs)
    this.#answeredMs = new Ring(maxRequests)
  }

  get stats(): LimiterStats {
    this.#refresh()
    const nowMs = this.#clock.monotonicMs()
    const { latest } = this.#pacer
    const [oldest] = this.#underWay
    const { used, gained } = this.#hour ?? { used: 0, gained: 0 }
    return {
      used: this.#used,
      quota: this.#quotaAt(nowMs),
      share: this.#shares.share,
      hour: this.#hour === undefined ? undefined : { used, gained, quota: this.#shares.perHour },
      waiting: this.#waiters.size,
      heldMs: this.heldMs,
      pauses: this.#pause.count,
      ...this.#counts,
      reported: latest === undefined ? undefined : { limit: latest.limit, remaining: latest.remaining },
      isSlow: this.#pacer.isSlow(nowMs),
      oldestInFlightMs: oldest === undefined ? 0 : nowMs - oldest.startedMs,
    }
  }

  /** How long a pause still holds everything back. */
  get heldMs(): number {
    return Math.max(0, this.#pause.untilMs - this.#clock.monotonicMs())
  }

  /** Why the share of this process is nothing at all. */
  get problem(): string | undefined {
    return this.#shares.problem
  }

  /** The first call ends the time in which everything is this process's, and what was gained in it. */
  assign(assignment: DeliveryAssignment): void {
    this.#refresh()
    if (!this.#shares.isAssigned) this.#hour?.forfeit()
    this.#shares.assign(assignment, this.#clock.monotonicMs())
    this.#hour?.setQuota(this.#shares.perHour)
    this.#serve()
  }

  /** Resolves when a grant would be given at once. Takes nothing. */
  async whenReady(call: DeliveryCall): Promise<void> {
    await this.#wait('ready', call)
  }

  /** @throws BrazeError BRAZE_RATE_LIMITED with the time to come again, when everything is held back */
  async acquire(call: DeliveryCall): Promise<Grant> {
    return (await this.#wait('grant', call)) as Grant
  }

  #wait(kind: Waiter['kind'], call: DeliveryCall): Promise<Grant | undefined> {
    call.signal.throwIfAborted()
    const waiting = this.#waiters.join({ kind, call, sinceMs: this.#clock.monotonicMs() })
    this.#serve()
    return waiting
  }

  #serve(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    this.#refresh()
    this.#sendAway()
    for (let waiter = this.#waiters.first(); waiter !== undefined; waiter = this.#waiters.first()) {
      const waitMs = this.#waitMs(waiter.isUrgent)
      if (waitMs > 0) {
        // Without a time to wait for, it is an answer or an assignment that will make room.
        if (waitMs !== Infinity) {
          this.#cancelTimer = this.#clock.schedule(Math.ceil(waitMs), () => this.#serve())
        }
        return
      }
      const nowMs = this.#clock.monotonicMs()
      this.#counts.waits += 1
      this.#counts.waitedMs += nowMs - waiter.sinceMs
      waiter.resolve(waiter.kind === 'grant' ? this.#grant(nowMs) : undefined)
    }
  }

  #grant(nowMs: number): Grant {
    const grant: Grant = { startedMs: nowMs, end: ending => this.#end(grant, ending) }
    this.#underWay.add(grant)
    this.#hour?.take()
    this.#pacer.granted(nowMs)
    return grant
  }

  #end(grant: Grant, ending: Ending): void {
    // First: if the hour has turned meanwhile, the request counts in the new one too.
    this.#refresh()
    const nowMs = this.#clock.monotonicMs()
    this.#underWay.delete(grant)
    if (ending.kind === 'unused') this.#hour?.giveBack()
    else this.#answeredMs.push(nowMs)
    if (ending.kind === 'refused') {
      this.#counts.rateLimited += 1
      this.#pause.begin(grant.startedMs, nowMs, ending.pauseMs)
    } else if (ending.kind === 'answered') {
      this.#pause.passed(grant.startedMs)
      const share = this.#shares.requests / this.#limits.maxRequests
      if (ending.reading !== undefined) {
        this.#pacer.observe(ending.reading, nowMs, { share, underWay: this.#underWay.size })
      }
    }
    this.#serve()
  }

  #sendAway(): void {
    const { heldMs } = this
    if (heldMs > 0) {
      this.#waiters.rejectGrants(
        () => true,
        () => rateLimited(heldMs),
      )
      return
    }
    if (this.#waiters.size === 0 || this.#hour === undefined) return
    for (const isUrgent of [true, false]) {
      const hourMs = this.#hourWaitMs(isUrgent)
      if (hourMs <= this.#limits.windowMs) continue
      this.#waiters.rejectGrants(
        waiter => waiter.isUrgent === isUrgent,
        () => rateLimited(hourMs),
      )
    }
  }

  /** 0: a request may go now. Infinity: not before something happens. Otherwise it is to be asked again after that time. */
  #waitMs(isUrgent: boolean): number {
    if (this.#underWay.size >= this.#maxUnderWay) return Infinity
    const nowMs = this.#clock.monotonicMs()
    return Math.max(
      this.heldMs,
      this.#windowWaitMs(isUrgent, nowMs),
      this.#hourWaitMs(isUrgent),
      this.#pacer.waitMs(nowMs),
    )
  }

  #windowWaitMs(isUrgent: boolean, nowMs: number): number {
    const quota = this.#quotaAt(nowMs)
    const limit = isUrgent ? quota : quota - Math.floor(quota * this.#reserve)
    const excess = this.#used - limit
    if (excess < 0) return 0
    const answered = this.#answeredMs.at(excess)
    return Math.min(
      answered === undefined || limit === 0 ? Infinity : answered + this.#limits.windowMs - nowMs,
      this.#pause.growsInMs(nowMs) ?? Infinity,
      this.#nextGainMs(nowMs),
    )
  }

  #hourWaitMs(isUrgent: boolean): number {
    if (this.#hour === undefined) return 0
    const waitMs = this.#hour.waitMs(this.#underWay.size, isUrgent ? 0 : this.#reserve)
    return waitMs === 0 ? 0 : Math.min(waitMs, this.#nextGainMs(this.#clock.monotonicMs()))
  }

  #nextGainMs(nowMs: number): number {
    const { nextGainMs } = this.#shares
    // At least a moment, for a timer may fire a fraction too early.
    return nextGainMs === undefined ? Infinity : Math.max(1, nextGainMs - nowMs)
  }

  /** Requests that the window may hold. */
  #quotaAt(nowMs: number): number {
    const { requests } = this.#shares
    return requests === 0 ? 0 : Math.max(1, Math.floor(requests * this.#pause.factorAt(nowMs)))
  }

  get #used(): number {
    return this.#underWay.size + this.#answeredMs.length
  }

  /** Brings everything that depends on the time up to now. */
  #refresh(): void {
    const { windowMs } = this.#limits
    const nowMs = this.#clock.monotonicMs()
    const epochMs = this.#clock.now()
    const underWay = this.#underWay.size
    this.#shares.settle(nowMs, fromMs => {
      this.#hour?.advance(epochMs - (nowMs - fromMs), underWay)
      this.#hour?.setQuota(this.#shares.perHour)
    })
    this.#hour?.advance(epochMs, underWay)
    for (let first = this.#answeredMs.at(0); first !== undefined; first = this.#answeredMs.at(0)) {
      if (nowMs < first + windowMs) return
      this.#answeredMs.shift()
    }
  }
}

/** @param heldMs until the limiter lets requests through again */
export function rateLimited(heldMs: number, options: { readonly status?: number } = {}): BrazeError {
  const ms = Math.ceil(heldMs)
  return new BrazeError('BRAZE_RATE_LIMITED', `Braze takes no requests for another ${ms} ms`, {
    retry: { kind: 'after', ms, isAttempt: false },
    ...options,
  })
}
