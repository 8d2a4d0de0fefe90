import { setTimeout as sleep } from 'node:timers/promises'
import type { Offsets } from './kafka/offsets.ts'

/** How far everything is. */
export interface Observation extends Offsets {
  readonly published: number
  /** Events that Braze has taken in. */
  readonly brazeEvents: number
}

export interface DeliveryWatch {
  readonly observe: () => Promise<Observation>
  /** Of everything that is to be published, malformed records included. */
  readonly records: number
  readonly brazeEvents: number
  readonly onObservation: (observation: Observation) => void
  readonly signal: AbortSignal
  /** How long nothing may move. Default 30 s. */
  readonly stallMs?: number
  readonly pollMs?: number
  readonly now?: () => number
}

export interface DeliveryEnd {
  /** False when nothing has moved for too long. */
  readonly isDelivered: boolean
  readonly last: Observation
  /** When the last thing moved, by `now`. */
  readonly movedAt: number
}

const STALL_MS = 30_000
const POLL_MS = 200

/** Waits until everything is published, committed by both groups and in Braze, or until nothing moves any more. */
export async function untilDelivered(watch: DeliveryWatch): Promise<DeliveryEnd> {
  const { stallMs = STALL_MS, pollMs = POLL_MS, now = () => performance.now() } = watch
  let last: Observation | undefined
  let movedAt = now()
  for (;;) {
    const seen = await watch.observe()
    watch.onObservation(seen)
    if (last === undefined || hasMoved(last, seen)) movedAt = now()
    last = seen
    const isDelivered =
      seen.published === watch.records && seen.lag === 0 && seen.brazeEvents >= watch.brazeEvents
    if (isDelivered || now() - movedAt >= stallMs) return { isDelivered, last, movedAt }
    await sleep(pollMs, undefined, { signal: watch.signal })
  }
}

function hasMoved(before: Observation, after: Observation): boolean {
  return (Object.keys(after) as (keyof Observation)[]).some(name => after[name] !== before[name])
}
