import { CALL_BOUNDS_SECONDS, Histogram, LATENCY_BOUNDS_SECONDS } from './histogram.ts'

/** What went through one step, over all tasks. Plain fields: a record costs an addition, and only a scrape reads them. */
export interface StepCounts {
  /** Counted where it is not what came out, ended and waits; 0 elsewhere. */
  in: number
  /** What was handed to the next step, or has left the topology. */
  out: number
  /** Of a join: lookups without a row. */
  misses: number
}

/** The calls of one `enrich` step, over all tasks. */
export interface EnrichCounts {
  calls: number
  failures: number
  /** Calls that are made once more; each was a failure. */
  retries: number
  readonly duration: Histogram
}

/** What was written to one topic and acknowledged. */
export interface OutputCounts {
  records: number
  batches: number
  bytes: number
  /** From the records' timestamps to the acknowledgement. */
  readonly latency: Histogram
}

export type RebalanceEvent = 'assigned' | 'revoked' | 'lost'

/** Records of a join that waited for their rows. */
export interface ParkingCounts {
  /** Now. */
  readonly waiting: number
  readonly total: number
  /** Their row has come. */
  readonly resumed: number
  /** No row has come in time. */
  readonly timedOut: number
}

/** A task that ends gives its records up; `failed` is a lookup that has thrown. */
export type ParkingOutcome = 'resumed' | 'timedOut' | 'failed' | 'given-up'

export interface CounterSnapshot {
  readonly consumed: number
  readonly produced: number
  readonly deadLetters: number
  /** `step → reason → records`. */
  readonly drops: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** By the name of the join. */
  readonly parked: Readonly<Record<string, ParkingCounts>>
  /** `code → records`. */
  readonly deadLettersByCode: Readonly<Record<string, number>>
  /** `step → code → records`. */
  readonly deadLettersByStep: Readonly<Record<string, Readonly<Record<string, number>>>>
  /** How often the group has changed what this process has. */
  readonly rebalances: Readonly<Record<RebalanceEvent, number>>
}

/** What happened to an application's records. Every record that ends without an output is counted here with its reason. */
export class Counters {
  deadLetters = 0
  /** Commits that were put off: the group or its coordinator refused for now. */
  commitFailures = 0
  readonly rebalances: Record<RebalanceEvent, number> = { assigned: 0, revoked: 0, lost: 0 }
  readonly #steps = new Map<string, StepCounts>()
  readonly #sources = new Set<StepCounts>()
  readonly #sinks = new Set<StepCounts>()
  readonly #enriches = new Map<string, EnrichCounts>()
  readonly #outputs = new Map<string, OutputCounts>()
  readonly #drops = new Map<string, Map<string, number>>()
  readonly #parked = new Map<string, { -readonly [Name in keyof ParkingCounts]: number }>()
  readonly #deadLetters = new Map<string, Map<string, number>>()

  /** Records that were decoded. */
  get consumed(): number {
    return sumOut(this.#sources)
  }

  /** Records that were handed to the collector. */
  get produced(): number {
    return sumOut(this.#sinks)
  }

  step(name: string): StepCounts {
    let counts = this.#steps.get(name)
    if (counts === undefined) {
      counts = { in: 0, out: 0, misses: 0 }
      this.#steps.set(name, counts)
    }
    return counts
  }

  source(name: string): StepCounts {
    const counts = this.step(name)
    this.#sources.add(counts)
    return counts
  }

  sink(name: string): StepCounts {
    const counts = this.step(name)
    this.#sinks.add(counts)
    return counts
  }

  enrich(step: string): EnrichCounts {
    let counts = this.#enriches.get(step)
    if (counts === undefined) {
      counts = { calls: 0, failures: 0, retries: 0, duration: new Histogram(CALL_BOUNDS_SECONDS) }
      this.#enriches.set(step, counts)
    }
    return counts
  }

  output(topic: string): OutputCounts {
    let counts = this.#outputs.get(topic)
    if (counts === undefined) {
      counts = { records: 0, batches: 0, bytes: 0, latency: new Histogram(LATENCY_BOUNDS_SECONDS) }
      this.#outputs.set(topic, counts)
    }
    return counts
  }

  get outputs(): ReadonlyMap<string, OutputCounts> {
    return this.#outputs
  }

  /** `reason` is one of a few words: a destination's own, or the engine's `DropReason`. */
  drop(step: string, reason: string): void {
    add(this.#drops, step, reason)
  }

  /** A record starts to wait. */
  parked(step: string): void {
    let counts = this.#parked.get(step)
    if (counts === undefined) {
      counts = { waiting: 0, total: 0, resumed: 0, timedOut: 0 }
      this.#parked.set(step, counts)
    }
    counts.waiting += 1
    counts.total += 1
  }

  /** It waits no longer. */
  unparked(step: string, outcome: ParkingOutcome): void {
    const counts = this.#parked.get(step)
    if (counts === undefined) return
    counts.waiting -= 1
    if (outcome === 'resumed' || outcome === 'timedOut') counts[outcome] += 1
  }

  deadLetter(step: string, error: unknown): void {
    const code =
      typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string'
        ? error.code
        : 'UNKNOWN'
    this.deadLetters += 1
    add(this.#deadLetters, step, code)
  }

  snapshot(): CounterSnapshot {
    return {
      consumed: this.consumed,
      produced: this.produced,
      deadLetters: this.deadLetters,
      drops: plain(this.#drops),
      parked: Object.fromEntries([...this.#parked].map(([step, counts]) => [step, { ...counts }])),
      deadLettersByCode: this.#byCode(),
      deadLettersByStep: plain(this.#deadLetters),
      rebalances: { ...this.rebalances },
    }
  }

  #byCode(): Record<string, number> {
    const byCode: Record<string, number> = {}
    for (const codes of this.#deadLetters.values())
      for (const [code, count] of codes) byCode[code] = (byCode[code] ?? 0) + count
    return byCode
  }
}

type CountsOfTwo = Map<string, Map<string, number>>

function add(counts: CountsOfTwo, first: string, second: string): void {
  let ofFirst = counts.get(first)
  if (ofFirst === undefined) {
    ofFirst = new Map()
    counts.set(first, ofFirst)
  }
  ofFirst.set(second, (ofFirst.get(second) ?? 0) + 1)
}

function plain(counts: CountsOfTwo): Record<string, Record<string, number>> {
  return Object.fromEntries([...counts].map(([first, ofFirst]) => [first, Object.fromEntries(ofFirst)]))
}

function sumOut(counts: ReadonlySet<StepCounts>): number {
  let sum = 0
  for (const { out } of counts) sum += out
  return sum
}
