import type { InstanceView, PartitionView, Verdict } from '../snapshot.ts'
import type { CounterWindow } from './counter-window.ts'
import type { ProbeAnswer } from './instance-probe.ts'
import { sumOf, type Scrape } from './prometheus-text.ts'

export const RATE_MS = 10_000

/** Burrow's numbers, as `tributary_consumer_status` has them. */
const VERDICTS: Readonly<Record<number, Verdict>> = { 1: 'OK', 2: 'WARN', 4: 'STOP', 5: 'STALL', 6: 'REWIND' }

/** Everything that is known of one process. */
export interface Observation {
  readonly name: string
  /** The latest that it has said; undefined as long as it has said nothing. */
  readonly answer: ProbeAnswer | undefined
  readonly seenAtMs: number | undefined
  /** Why the latest question was not answered; undefined when it was. */
  readonly failure: string | undefined
  readonly window: CounterWindow
}

export function instanceView({ name, answer, seenAtMs, failure, window }: Observation): InstanceView {
  const scrape = answer?.scrape
  return {
    name,
    service: answer?.status.service,
    application: scrape && applicationOf(scrape),
    isReachable: answer !== undefined && failure === undefined,
    failure,
    seenAtMs,
    state: answer?.status.state ?? 'unknown',
    isReady: answer?.readiness.isReady ?? false,
    reasons: answer?.readiness.reasons ?? [],
    partitions: answer === undefined ? [] : partitionsOf(answer),
    inFlight: (answer?.status.tasks ?? []).reduce((sum, { inFlight }) => sum + inFlight, 0),
    inPerSecond: recordsInPerSecond(window),
    outPerSecond: recordsOutPerSecond(window),
    residentBytes: scrape && figure(scrape, 'process_resident_memory_bytes'),
    startedAtMs: scrape && (figure(scrape, 'process_start_time_seconds') ?? 0) * 1_000,
  }
}

/** A source is a step that records come out of and none goes into; it counts what it has decoded. */
function recordsInPerSecond(window: CounterWindow): number {
  return window.perSecond('tributary_step_records_out_total', RATE_MS, { kind: 'source' })
}

function recordsOutPerSecond(window: CounterWindow): number {
  return (
    window.perSecond('tributary_output_records_total', RATE_MS) +
    window.perSecond('tributary_delivery_settled_records_total', RATE_MS, { outcome: 'accepted' })
  )
}

export function applicationOf(scrape: Scrape): string | undefined {
  return scrape.get('tributary_application_info')?.[0]?.labels['application']
}

function figure(scrape: Scrape, name: string): number | undefined {
  return scrape.has(name) ? sumOf(scrape, name) : undefined
}

function partitionsOf({ status, scrape }: ProbeAnswer): readonly PartitionView[] {
  const verdicts = new Map(
    (scrape.get('tributary_consumer_status') ?? []).map(({ labels, value }) => [
      `${labels['topic']}/${labels['partition']}`,
      VERDICTS[value],
    ]),
  )
  return status.tasks
    .flatMap(task => task.sources)
    .map(({ topic, partition, position, committed, highWatermark, lag, lagMs, isPaused }) => ({
      topic,
      partition,
      position,
      committed,
      end: highWatermark,
      lag,
      lagMs,
      isPaused,
      verdict: verdicts.get(`${topic}/${partition}`),
    }))
    .toSorted((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
}
