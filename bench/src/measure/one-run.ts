import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { exitText, type ManagedProcess } from '../../../dev/stack/managed-process.ts'
import { BenchError } from '../bench-error.ts'
import type { Contestant, ProgramCommand } from '../contestants/contestant.ts'
import type { Ground } from '../ground.ts'
import type { Job } from '../job/job.ts'
import { schemaText } from '../job/schemas.ts'
import { busyCpuSeconds, cpuSecondsOf, peakRssMiB } from './cpu.ts'
import { readMilestones } from './milestones.ts'
import { readOutput } from './output-reader.ts'
import { dropTopics, startProcesses, type Turn } from './processes.ts'
import { committedOffsets, endOffsets } from './progress.ts'
import { timeOfShare, type Appended } from './statistics.ts'
import { Verifier } from './verify.ts'

export interface RunResult {
  readonly contestant: string
  readonly round: number
  /** Bookings a second, between a tenth and nine tenths of the output. */
  readonly recordsPerSecond: number
  /** From the start of the process to the last output, committed where the guarantee is exactly-once. */
  readonly wallSeconds: number
  /** User and system time of the contestant's processes alone. */
  readonly cpuSeconds: number
  readonly cpuSecondsPerMillion: number
  /** Of all its processes together. */
  readonly peakRssMiB: number
  /** From the start of the process; undefined where the program does not tell. */
  readonly tablesLoadedSeconds: number | undefined
  readonly tableRows: number
  readonly tableRowsPerSecond: number | undefined
  readonly firstOutputSeconds: number
  readonly brokerCpuSeconds: number
  /** Of everything else on the machine meanwhile, this harness included. */
  readonly foreignCpuSeconds: number
  /** Others used much of the processors: compare with care. */
  readonly isDisturbed: boolean
  readonly outputs: number
  /** Of the verified output. */
  readonly sha256: string
}

type RunCost = Pick<
  RunResult,
  'cpuSeconds' | 'cpuSecondsPerMillion' | 'brokerCpuSeconds' | 'foreignCpuSeconds' | 'isDisturbed'
>

const POLL_MS = 50
const NO_PROGRESS_MS = 60_000
/** Of the contestant's window, in processors. */
const DISTURBED_FROM = 0.2

/** Runs a contestant over the whole job, measures it and verifies what it wrote. @throws BenchError */
export async function runContestant(
  ground: Ground,
  job: Job,
  turn: {
    readonly contestant: Contestant
    readonly command: ProgramCommand
    /** Begins the names of its output and of its group. */
    readonly prefix: string
    readonly round: number
  },
): Promise<RunResult> {
  const { contestant, round } = turn
  const name = `${turn.prefix}-${contestant.name}-${round}`
  const output = `${name}-output`
  const { partitions } = job.records.variant
  await ground.kafka.admin.createTopics([
    { name: output, partitions, replicationFactor: 1, config: { 'message.timestamp.type': 'LogAppendTime' } },
  ])
  const eventSchemaId = await ground.registry.register(`${output}-value`, schemaText('marketing-event'))
  const before = cpuOf(ground)
  const startedAt = Date.now()
  const processes = await startProcesses(ground, {
    ...turn,
    name,
    inputs: job.inputs,
    output,
    eventSchemaId,
    variant: job.records.variant,
    apiUrl: job.apiUrl,
  })
  await untilFinished(ground, job, { contestant, name, output, processes })
  const finishedAt = Date.now()
  const cpuSeconds = sum(processes.map(({ pid }) => cpuSecondsOf(pid)))
  const peak = sum(processes.map(({ pid }) => peakRssMiB(pid)))
  const after = cpuOf(ground)
  await Promise.all(processes.map(child => child.stop()))

  const { appended, sha256 } = await verifyOutput(ground, job, { output, eventSchemaId })
  await dropTopics(ground, name)
  await rm(join(ground.dataDirectory, name), { recursive: true, force: true })
  const spent = { cpuSeconds, broker: after.broker - before.broker, busy: after.busy - before.busy }
  const { bookings } = job.records.size
  return {
    contestant: contestant.name,
    round,
    ...tableFigures(processes, startedAt),
    ...paceOf(appended, { bookings, startedAt }),
    ...costOf(spent, { bookings, seconds: (finishedAt - startedAt) / 1_000 }),
    // Exactly-once is over when the input is committed.
    ...(contestant.guarantee === 'exactly-once' && { wallSeconds: (finishedAt - startedAt) / 1_000 }),
    peakRssMiB: peak,
    outputs: job.expected.count,
    sha256,
  }
}

function paceOf(
  appended: readonly Appended[],
  { bookings, startedAt }: { readonly bookings: number; readonly startedAt: number },
): Pick<RunResult, 'recordsPerSecond' | 'wallSeconds' | 'firstOutputSeconds'> {
  const first = appended.reduce((least, { atMs }) => Math.min(least, atMs), Infinity)
  const last = appended.reduce((most, { atMs }) => Math.max(most, atMs), 0)
  const seconds = (timeOfShare(appended, 0.9) - timeOfShare(appended, 0.1)) / 1_000
  return {
    recordsPerSecond: (bookings * 0.8) / seconds,
    wallSeconds: (last - startedAt) / 1_000,
    firstOutputSeconds: (first - startedAt) / 1_000,
  }
}

function costOf(
  spent: { readonly cpuSeconds: number; readonly broker: number; readonly busy: number },
  { bookings, seconds }: { readonly bookings: number; readonly seconds: number },
): RunCost {
  const foreign = spent.busy - spent.cpuSeconds - spent.broker
  return {
    cpuSeconds: spent.cpuSeconds,
    cpuSecondsPerMillion: (spent.cpuSeconds / bookings) * 1_000_000,
    brokerCpuSeconds: spent.broker,
    foreignCpuSeconds: foreign,
    isDisturbed: foreign > seconds * DISTURBED_FROM,
  }
}

/** At-least-once is finished with the last output; exactly-once when the group has committed all of its input. */
async function untilFinished(
  ground: Ground,
  job: Job,
  run: Pick<Turn, 'contestant' | 'name' | 'output'> & { readonly processes: readonly ManagedProcess[] },
): Promise<void> {
  const isExactlyOnce = run.contestant.guarantee === 'exactly-once'
  const wanted = isExactlyOnce ? job.records.size.bookings : job.expected.count
  let seen = -1
  let seenAt = Date.now()
  for (;;) {
    const now = isExactlyOnce
      ? await committedOffsets(ground.admin, run.name, job.inputs.bookings)
      : await endOffsets(ground.admin, run.output, job.records.variant.partitions)
    if (now >= wanted) return
    const ended = run.processes.find(({ exit }) => exit !== undefined)
    if (ended !== undefined) {
      throw new BenchError(
        'BENCH_CONTESTANT',
        `${ended.name} ended ${exitText(ended.exit!)} at ${now} of ${wanted}: read ${ended.logFile}.`,
      )
    }
    if (now !== seen) {
      seen = now
      seenAt = Date.now()
    } else if (Date.now() - seenAt > NO_PROGRESS_MS) {
      throw new BenchError(
        'BENCH_CONTESTANT',
        `${run.contestant.name} stands still at ${now} of ${wanted}: read ${run.processes[0]!.logFile}.`,
      )
    }
    await sleep(POLL_MS)
  }
}

async function verifyOutput(
  ground: Ground,
  job: Job,
  written: { readonly output: string; readonly eventSchemaId: number },
): Promise<{ appended: readonly Appended[]; sha256: string }> {
  const schema = schemaText('marketing-event')
  const verifier = new Verifier({
    expected: job.expected,
    size: job.records.size,
    partitions: job.records.variant.partitions,
    schema,
    writerSchemas: new Map([
      [written.eventSchemaId, await ground.registry.schemaById(written.eventSchemaId)],
    ]),
  })
  const appended: Appended[] = []
  for await (const { partition, appendedAtMs, records } of readOutput(ground.broker, written.output)) {
    for (const { key, value } of records) verifier.add({ partition, key: key!, value: value! })
    appended.push({ atMs: appendedAtMs, count: records.length })
  }
  return { appended, sha256: verifier.finish() }
}

function tableFigures(
  processes: readonly ManagedProcess[],
  startedAt: number,
): Pick<RunResult, 'tablesLoadedSeconds' | 'tableRows' | 'tableRowsPerSecond'> {
  const all = processes.map(({ logFile }) => readMilestones(logFile))
  const loading = Math.min(...all.map(({ tablesLoadingAtMs }) => tablesLoadingAtMs ?? Infinity))
  const loaded = Math.max(...all.map(({ tablesLoadedAtMs }) => tablesLoadedAtMs ?? -Infinity))
  const rows = sum(all.map(each => each.rows))
  const isTold = Number.isFinite(loading) && Number.isFinite(loaded)
  return {
    tablesLoadedSeconds: isTold ? (loaded - startedAt) / 1_000 : undefined,
    tableRows: rows,
    tableRowsPerSecond: isTold ? rows / Math.max(0.001, (loaded - loading) / 1_000) : undefined,
  }
}

function cpuOf(ground: Ground): { readonly busy: number; readonly broker: number } {
  return { busy: busyCpuSeconds(), broker: cpuSecondsOf(ground.serverPids.broker) }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
