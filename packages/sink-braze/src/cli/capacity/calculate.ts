import { drainSeconds } from './drain.ts'
import { HOUR_SECONDS, placeSeconds, WINDOW_SECONDS, type Limits, type Load } from './load.ts'
import { sharing, type Sharing } from './sharing.ts'

export interface Capacity {
  readonly objectsPerEvent: number
  readonly peak: {
    readonly objectsPerSecond: number
    readonly requestsPerSecond: number
    readonly requestsPerWindow: number
    /** Places in the window that they take, those under way included. */
    readonly placesInWindow: number
    /** Requests under way at a time in each process that has partitions. */
    readonly underWayPerReplica: number
    /** Of the limit; above 1 it does not carry. */
    readonly shareOfWindow: number
    /** Events per second that the burst limit carries. */
    readonly carriedEventsPerSecond: number
  }
  readonly worstHour: {
    /** Counted from 0, as the hours were given. */
    readonly hour: number
    readonly eventsPerSecond: number
    /** Objects in a request at that rate: fewer than wanted when `lingerMs` is over before there are enough. */
    readonly fill: number
    readonly requests: number
    /** Undefined without an hourly limit. */
    readonly shareOfHour: number | undefined
    /** Events per second, as an hour's mean, that the hourly limit carries with full requests. */
    readonly carriedEventsPerSecond: number | undefined
  }
  readonly sharing: Sharing | undefined
  /** Until a backlog is gone; Infinity: never; undefined: there is none. */
  readonly drainSeconds: number | undefined
  /** The same for a backlog of profile updates alone, which the urgent reserve is not for. */
  readonly drainSecondsOfUpdates: number | undefined
  readonly carries: boolean
  /** Why it does not carry. */
  readonly reasons: readonly string[]
  readonly advice: readonly string[]
}

/**
 * - objects per event = 1 + attributes per event × (1 − suppressed) × (1 − folded): the event itself is always sent.
 * - requests per second at the peak = objects per second ÷ fill. Requests are full there: what waits for a limit fills them.
 * - places in the window at the peak = requests per second × (3 s + latency): a request's place is free 3 s after its answer.
 * - under way at a time = requests per second × latency (Little's law).
 * - fill in an hour = min(fill, 1 + objects per second and replica × linger): a request goes when it is full, or `lingerMs`
 *   after its first object. A request counts as one however full it is (https://www.braze.com/docs/api/api_limits).
 */
export function calculate(load: Load, limits: Limits): Capacity {
  const { attributesPerEvent, suppressedShare, foldedShare, fill } = load
  const objectsPerEvent = 1 + attributesPerEvent * (1 - suppressedShare) * (1 - foldedShare)
  const objectsPerSecond = load.peakEventsPerSecond * objectsPerEvent
  const requestsPerSecond = objectsPerSecond / fill
  const worstHour = worstHourOf(load, limits, objectsPerEvent)
  const placesInWindow = requestsPerSecond * placeSeconds(load)
  const need = { perWindow: placesInWindow, perHour: worstHour.requests }
  const capacity = {
    objectsPerEvent,
    peak: {
      objectsPerSecond,
      requestsPerSecond,
      requestsPerWindow: requestsPerSecond * WINDOW_SECONDS,
      placesInWindow,
      underWayPerReplica: (requestsPerSecond * load.latencyMs) / 1_000 / workingReplicas(load),
      shareOfWindow: placesInWindow / limits.perWindow,
      carriedEventsPerSecond: ((limits.perWindow / placeSeconds(load)) * fill) / objectsPerEvent,
    },
    worstHour,
    sharing: load.partitions === undefined ? undefined : sharing(load.partitions, load.replicas, limits),
    drainSeconds: load.backlog === undefined ? undefined : drainSeconds(load, limits, objectsPerEvent),
    drainSecondsOfUpdates:
      load.backlog === undefined
        ? undefined
        : drainSeconds(load, withoutReserve(limits, load), objectsPerEvent),
  }
  const reasons = reasonsAgainst(capacity, need)
  return { ...capacity, carries: reasons.length === 0, reasons, advice: adviceFor(capacity, load) }
}

function workingReplicas({ replicas, partitions = replicas }: Load): number {
  return Math.min(replicas, partitions)
}

/** What requests without an event may use. */
function withoutReserve({ perWindow, perHour }: Limits, { urgentReserve }: Load): Limits {
  const part = 1 - urgentReserve
  return { perWindow: perWindow * part, perHour: perHour === undefined ? undefined : perHour * part }
}

function worstHourOf(load: Load, { perHour }: Limits, objectsPerEvent: number): Capacity['worstHour'] {
  const hours = load.hours.map((eventsPerSecond, hour) => {
    const objectsPerSecond = eventsPerSecond * objectsPerEvent
    const fill = Math.min(load.fill, 1 + ((objectsPerSecond / load.replicas) * load.lingerMs) / 1_000)
    return { hour, eventsPerSecond, fill, requests: (objectsPerSecond * HOUR_SECONDS) / fill }
  })
  const worst = hours.reduce((a, b) => (b.requests > a.requests ? b : a))
  return {
    ...worst,
    shareOfHour: perHour === undefined ? undefined : worst.requests / perHour,
    carriedEventsPerSecond:
      perHour === undefined ? undefined : ((perHour / HOUR_SECONDS) * load.fill) / objectsPerEvent,
  }
}

/** Of the service. */
const DEFAULT_IN_FLIGHT = 8

type Figures = Omit<Capacity, 'carries' | 'reasons' | 'advice'>

function reasonsAgainst(
  { peak, worstHour, sharing: shared, drainSeconds: drain }: Figures,
  need: { readonly perWindow: number; readonly perHour: number },
): string[] {
  const reasons: string[] = []
  if (peak.shareOfWindow > 1) {
    reasons.push('the peak needs more requests in three seconds than the burst limit allows')
  }
  if (worstHour.shareOfHour !== undefined && worstHour.shareOfHour > 1) {
    reasons.push('the worst hour needs more requests than the hourly limit allows')
  }
  if (drain === Infinity) reasons.push('the backlog never drains')
  if (shared !== undefined && reasons.length === 0) {
    // Keys spread evenly, so a process has as large a part of the load as of the partitions.
    for (const { partitions, perWindow, perHour } of shared.replicas) {
      const part = partitions / shared.partitions
      if (need.perWindow * part > perWindow || (perHour !== undefined && need.perHour * part > perHour)) {
        reasons.push(
          `a replica with ${partitions} of ${shared.partitions} partitions may be left with too small a part of the limit`,
        )
      }
    }
  }
  return reasons
}

function adviceFor({ peak, worstHour, sharing: shared }: Figures, load: Load): string[] {
  const { fill, lingerMs, latencyMs, urgentReserve } = load
  const advice: string[] = []
  if (peak.underWayPerReplica > DEFAULT_IN_FLIGHT) {
    const atATime = Math.ceil(peak.underWayPerReplica)
    advice.push(
      `with ${latencyMs} ms to an answer a process has ${atATime} requests under way at the peak: BRAZE_MAX_IN_FLIGHT, ${DEFAULT_IN_FLIGHT} by default, has to be at least that`,
    )
  }
  const share = Math.max(peak.shareOfWindow, worstHour.shareOfHour ?? 0)
  if (share > 1 - urgentReserve && load.attributesPerEvent > 0) {
    advice.push(
      `above ${percent(1 - urgentReserve)} of a limit only requests with an event go: updates of users who have no event at the time wait`,
    )
  }
  const { shareOfHour } = worstHour
  if (shareOfHour !== undefined && worstHour.fill < fill) {
    const ifFull = shareOfHour * (worstHour.fill / fill)
    const gain = `${percent(shareOfHour)} of the hourly limit, full ones would need ${percent(ifFull)}`
    advice.push(`requests leave thin after ${lingerMs} ms: they need ${gain}; a longer linger fills them`)
  }
  if (shared !== undefined && shared.idleReplicas > 0) {
    advice.push(`${shared.idleReplicas} of the replicas have no partition and do nothing`)
  }
  return advice
}

export function percent(share: number): string {
  return `${(share * 100).toLocaleString('en', { maximumFractionDigits: 1 })} %`
}
