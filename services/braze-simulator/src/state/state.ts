import type { EndpointName } from '../faults/fault.ts'
import type { ResolvedOptions } from '../options.ts'
import type { Verdict } from '../track/validate.ts'
import { arrayNames } from '../track/wire.ts'
import type { ArrayCounts, ArrayName } from '../track/wire.ts'
import { BoundedLog } from './bounded-log.ts'
import type { SilentEffectName } from './effects.ts'
import { InFlight } from './in-flight.ts'
import type { Overlaps } from './in-flight.ts'
import { Profiles } from './profiles.ts'
import type { Arrival, EventRecord, UserRecord } from './profiles.ts'

/** The answer's status; `reset` for a connection that was cut, `aborted` when the sender left mid-request. */
export type RequestStatus = number | 'reset' | 'aborted'

export interface RequestRecord {
  readonly endpoint: EndpointName
  /** Counted from 1 in order of arrival, refused ones included. */
  readonly request: number
  /** When it arrived, in milliseconds since the epoch. */
  readonly at: number
  readonly status: RequestStatus
  /** Objects as sent; `null` when the request was refused before its body was understood, and of a deletion. */
  readonly objects: ArrayCounts | null
  readonly bytes: number
  /** Objects that were refused. */
  readonly errors: number
  /** Distinct users. */
  readonly users: number
  /** Those of them that were in another request under way. */
  readonly overlapping: number
  /** The fault that decided the answer, or delayed it, or refused a user. */
  readonly faults: readonly number[]
  /** Whether the accepted objects were applied. Can be true of a failed request: that is the fault. */
  readonly applied: boolean
}

export interface StateSummary {
  /** Of `/users/track`. */
  readonly requests: {
    readonly total: number
    readonly byStatus: Readonly<Record<string, number>>
    /** Answered 201 with `errors`. */
    readonly partial: number
  }
  readonly objects: {
    /** Applied, and so kept or counted in `silent`. */
    readonly accepted: ArrayCounts
    readonly refused: ArrayCounts
    /** Refused objects by the id of the rule that they broke. */
    readonly refusedByRule: Readonly<Record<string, number>>
  }
  /** Objects per request that was answered 201. */
  readonly meanFill: number
  /** The largest seen, in refused requests too. */
  readonly max: { readonly objects: number; readonly bytes: number }
  readonly users: number
  readonly deletions: {
    /** Requests to `/users/delete`. */
    readonly byStatus: Readonly<Record<string, number>>
    /** Profiles that went. */
    readonly deleted: number
  }
  readonly events: { readonly kept: number; readonly dropped: number }
  readonly purchases: { readonly kept: number; readonly dropped: number }
  readonly overlaps: Overlaps
  /** What was done to accepted data without telling the sender, by name. */
  readonly silent: Readonly<Record<string, number>>
}

type Counts = Record<ArrayName, number>

const noCounts = (): Counts => ({ attributes: 0, events: 0, purchases: 0 })

const total = (counts: ArrayCounts): number => counts.attributes + counts.events + counts.purchases

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

/** All that was seen and taken in since the start or the last reset. */
export class SimulatorState {
  readonly inFlight: InFlight = new InFlight()
  readonly #options: Pick<ResolvedOptions, 'keepEvents' | 'keepRequests'>
  #profiles: Profiles
  #requests: BoundedLog<RequestRecord>
  #arrived = 0
  #byStatus = new Map<string, number>()
  #deletionsByStatus = new Map<string, number>()
  #deleted = 0
  #partial = 0
  #accepted = noCounts()
  #refused = noCounts()
  #refusedByRule = new Map<string, number>()
  #silent = new Map<SilentEffectName, number>()
  #filled = { requests: 0, objects: 0 }
  #max = { objects: 0, bytes: 0 }

  constructor(options: Pick<ResolvedOptions, 'keepEvents' | 'keepRequests'>) {
    this.#options = options
    this.#profiles = new Profiles(options.keepEvents)
    this.#requests = new BoundedLog(options.keepRequests)
  }

  /** A request has arrived. @returns its number */
  arrive(): number {
    this.#arrived += 1
    return this.#arrived
  }

  /** Takes in what was accepted: attributes first, then events, then purchases, as the entries are ordered. */
  apply(verdict: Verdict, arrival: Arrival): void {
    for (const entry of verdict.accepted) {
      this.#accepted[entry.array] += 1
      for (const effect of this.#profiles.apply(entry, arrival)) increment(this.#silent, effect)
    }
    for (const { entry, rule } of verdict.refused) {
      this.#refused[entry.array] += 1
      increment(this.#refusedByRule, rule)
    }
  }

  /** Removes the profile with this key, with all that is known of it. What happened stays among the events. */
  delete(key: string): void {
    if (this.#profiles.delete(key)) this.#deleted += 1
  }

  /** A request is done with. */
  record(record: RequestRecord): void {
    this.#requests.push(record)
    if (record.endpoint === 'delete') {
      increment(this.#deletionsByStatus, String(record.status))
      return
    }
    increment(this.#byStatus, String(record.status))
    const objects = record.objects === null ? 0 : total(record.objects)
    this.#max.objects = Math.max(this.#max.objects, objects)
    this.#max.bytes = Math.max(this.#max.bytes, record.bytes)
    if (record.status !== 201) return
    this.#filled.requests += 1
    this.#filled.objects += objects
    if (record.errors > 0) this.#partial += 1
  }

  summary(): StateSummary {
    const { requests, objects } = this.#filled
    return {
      requests: {
        total: [...this.#byStatus.values()].reduce((sum, count) => sum + count, 0),
        byStatus: Object.fromEntries(this.#byStatus),
        partial: this.#partial,
      },
      objects: {
        accepted: { ...this.#accepted },
        refused: { ...this.#refused },
        refusedByRule: Object.fromEntries(this.#refusedByRule),
      },
      meanFill: requests === 0 ? 0 : objects / requests,
      max: { ...this.#max },
      users: this.#profiles.users,
      deletions: { byStatus: Object.fromEntries(this.#deletionsByStatus), deleted: this.#deleted },
      events: this.#profiles.kept('events'),
      purchases: this.#profiles.kept('purchases'),
      overlaps: this.inFlight.overlaps(),
      silent: Object.fromEntries(this.#silent),
    }
  }

  /** Every event that is kept, in the order in which they were taken in. */
  events(): readonly EventRecord[] {
    return this.#profiles.events()
  }

  eventLines(): Generator<string, void, undefined> {
    return this.#profiles.eventLines()
  }

  user(externalId: string): UserRecord | undefined {
    return this.#profiles.user(externalId)
  }

  /** The latest requests, oldest first. */
  requests(): readonly RequestRecord[] {
    return this.#requests.snapshot()
  }

  /** Forgets everything, so that the next request is number 1 again. */
  reset(): void {
    this.#profiles = new Profiles(this.#options.keepEvents)
    this.#requests = new BoundedLog(this.#options.keepRequests)
    this.inFlight.resetCounts()
    this.#arrived = 0
    this.#byStatus = new Map()
    this.#deletionsByStatus = new Map()
    this.#deleted = 0
    this.#partial = 0
    this.#accepted = noCounts()
    this.#refused = noCounts()
    this.#refusedByRule = new Map()
    this.#silent = new Map()
    this.#filled = { requests: 0, objects: 0 }
    this.#max = { objects: 0, bytes: 0 }
  }
}

/** Sums per array, with 0 for an array that was not sent. */
export function countsOf(sent: Readonly<Record<ArrayName, number | undefined>>): ArrayCounts {
  return Object.fromEntries(arrayNames.map(name => [name, sent[name] ?? 0])) as Counts
}
