import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { exitText, type ManagedProcess } from '../../../dev/stack/managed-process.ts'
import { BenchError } from '../bench-error.ts'
import type { Contestant, ProgramCommand } from '../contestants/contestant.ts'
import { prepareContestants } from '../contestants/prepare.ts'
import { prepareGround, type Ground } from '../ground.ts'
import { createStreamTopic, inputTopics, publishRows, type InputTopics } from '../job/publish.ts'
import { bookingIndex, customerIndex, JobRecords } from '../job/records.ts'
import { schemaText } from '../job/schemas.ts'
import { TopicWriter } from '../job/topic-writer.ts'
import { PLAIN } from '../job/variant.ts'
import { busyCpuSeconds, cpuSecondsOf } from '../measure/cpu.ts'
import { dropTopics, startProcesses } from '../measure/processes.ts'
import { percentile } from '../measure/statistics.ts'
import type { LatencyOptions } from '../options.ts'
import type { BenchRun } from '../run-bench.ts'
import { Arrivals, type Arrival } from './arrivals.ts'
import { checkedArrivals } from './check.ts'
import { SteadyLoad } from './load.ts'

/** Milliseconds from when a booking was due to be sent until its event was read. */
export interface LatencyResult {
  readonly contestant: string
  readonly round: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
  readonly events: number
  /** Processors that all other processes used on average, this harness and the broker included. */
  readonly otherProcessors: number
}

const START_DEADLINE_MS = 90_000
/** Until the first event comes: the load begins when the contestant is there, not with what has piled up meanwhile. */
const TRICKLE_PER_SECOND = 20
/** On a machine that is busy with much else a backlog takes its time. */
const LAST_ARRIVAL_MS = 60_000
const POLL_MS = 20

/** @throws BenchError, StackError */
export async function runLatency(run: BenchRun, options: LatencyOptions): Promise<readonly LatencyResult[]> {
  const ground = await prepareGround(run.group, run.logDirectory)
  const ready = await prepareContestants(ground, { ...options, variant: PLAIN }, run.say)
  // As many bookings as it takes; each is made when it is due.
  const size = { bookings: 0, customers: 100_000, activities: 20_000 }
  const records = new JobRecords(options.seed, PLAIN, size)
  const rows = inputTopics('latency', PLAIN)
  await publishRows(ground, records, rows)
  const results: LatencyResult[] = []
  for (let round = 1; round <= options.runs; round += 1) {
    for (const { contestant, command } of ready) {
      const result = await measureOne(ground, records, { contestant, command, rows, round, options })
      results.push(result)
      run.say(latencyLine(result))
    }
  }
  return results
}

function latencyLine(result: LatencyResult): string {
  const { round, contestant, p50, p99, p999, max, otherProcessors } = result
  const figures = Object.entries({ p50, p99, 'p99.9': p999, max }).map(
    ([name, ms]) => `${name} ${ms.toFixed(1)} ms`,
  )
  return `round ${round} ${contestant}: ${figures.join(', ')}, verified; others used ${otherProcessors.toFixed(1)} processors`
}

interface LatencyTurn {
  readonly contestant: Contestant
  readonly command: ProgramCommand
  readonly rows: InputTopics
  readonly round: number
  readonly options: LatencyOptions
}

async function measureOne(ground: Ground, records: JobRecords, turn: LatencyTurn): Promise<LatencyResult> {
  const { variant } = records
  const { partitions } = variant
  const name = `latency-${turn.contestant.name}-${turn.round}`
  const inputs = { ...turn.rows, bookings: `${name}-bookings` }
  const output = `${name}-output`
  await createStreamTopic(ground, inputs.bookings, records.variant)
  await createStreamTopic(ground, output, records.variant)
  const eventSchemaId = await ground.registry.register(`${output}-value`, schemaText('marketing-event'))
  const schema = schemaText('booking')
  const writer = await TopicWriter.open(ground, { name: inputs.bookings, partitions, schema })
  const arrived = new Map<number, Arrival>()
  const arrivals = new Arrivals(ground.broker, { name: output, partitions }, arrival =>
    arrived.set(bookingIndex(arrival.event.properties.bookingId), arrival),
  )
  const processes = await startProcesses(ground, {
    ...turn,
    name,
    inputs,
    output,
    eventSchemaId,
    variant,
    apiUrl: '',
  })
  let load = new SteadyLoad(records, writer, { recordsPerSecond: TRICKLE_PER_SECOND, first: 0 })
  try {
    await waitUntil(() => (arrivals.check(), arrived.size > 0), { processes, deadlineMs: START_DEADLINE_MS })
    load.stop()
    const { recordsPerSecond } = turn.options
    load = new SteadyLoad(records, writer, { recordsPerSecond, first: load.next })
    return await underLoad(records, turn, { load, arrivals, arrived, processes })
  } finally {
    load.stop()
    await Promise.allSettled([arrivals.close(), writer.close(), ...processes.map(child => child.stop())])
    await dropTopics(ground, name)
    await rm(join(ground.dataDirectory, name), { recursive: true, force: true })
  }
}

async function underLoad(
  records: JobRecords,
  { contestant, round, options }: LatencyTurn,
  running: {
    readonly load: SteadyLoad
    readonly arrivals: Arrivals
    /** By booking. */
    readonly arrived: ReadonlyMap<number, Arrival>
    readonly processes: readonly ManagedProcess[]
  },
): Promise<LatencyResult> {
  const { load, arrivals, arrived, processes } = running
  await sleep(options.warmUpSeconds * 1_000)
  const first = load.next
  const before = { cpu: otherCpuSeconds(processes), at: performance.now() }
  await sleep(options.seconds * 1_000)
  const end = load.next
  const seconds = (performance.now() - before.at) / 1_000
  const otherProcessors = (otherCpuSeconds(processes) - before.cpu) / seconds
  load.stop()
  // Partitions do not end together, so the last event says nothing about the others.
  let next = first
  const isComplete = (): boolean => {
    while (next < end && (arrived.has(next) || !hasEvent(records, next))) next += 1
    return next === end
  }
  await waitUntil(() => (arrivals.check(), isComplete()), { processes, deadlineMs: LAST_ARRIVAL_MS })
  const latencies = checkedArrivals(records, arrived, [first, end]).map(
    ([index, { atMs }]) => atMs - load.dueAtMs(index),
  )
  return {
    contestant: contestant.name,
    round,
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    p999: percentile(latencies, 0.999),
    max: latencies.reduce((most, latency) => Math.max(most, latency), 0),
    events: latencies.length,
    otherProcessors,
  }
}

function hasEvent(records: JobRecords, booking: number): boolean {
  return records.customer(customerIndex(records.booking(booking).customerId)).marketingOptIn
}

async function waitUntil(
  isTrue: () => boolean,
  limits: { readonly processes: readonly ManagedProcess[]; readonly deadlineMs: number },
): Promise<void> {
  const deadline = performance.now() + limits.deadlineMs
  while (!isTrue()) {
    const ended = limits.processes.find(({ exit }) => exit !== undefined)
    if (ended !== undefined) {
      throw new BenchError(
        'BENCH_CONTESTANT',
        `${ended.name} ended ${exitText(ended.exit!)}: read ${ended.logFile}.`,
      )
    }
    if (performance.now() > deadline) {
      const { logFile } = limits.processes[0]!
      throw new BenchError(
        'BENCH_CONTESTANT',
        `Its events did not come within ${limits.deadlineMs / 1_000} s: read ${logFile}.`,
      )
    }
    await sleep(POLL_MS)
  }
}

function otherCpuSeconds(processes: readonly ManagedProcess[]): number {
  return busyCpuSeconds() - processes.reduce((sum, { pid }) => sum + cpuSecondsOf(pid), 0)
}
