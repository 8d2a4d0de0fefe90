import { setTimeout as sleep } from 'node:timers/promises'
import { newLogDirectory } from '../stack/log-directory.ts'
import type { ProcessGroup } from '../stack/process-group.ts'
import { ChaosError } from './chaos-error.ts'
import {
  DEPENDENCY_FAULTS,
  FaultMaker,
  SYSTEM_FAULTS,
  type Fault,
  type FaultKind,
  type Targets,
} from './faults.ts'
import { Fleet } from './fleet.ts'
import { prepareGround, type Ground } from './ground.ts'
import { LanePublisher } from './load/lane-publisher.ts'
import { Load } from './load/load.ts'
import { generatePopulation } from './load/population.ts'
import type { ChaosOptions } from './options.ts'
import { reportOf, type ChaosReport } from './report.ts'
import { CommitWatch } from './watch.ts'

export interface ChaosRun {
  readonly options: ChaosOptions
  /** Stops everything that was started. */
  readonly group: ProcessGroup
  readonly say: (line: string) => void
}

/** A member that is not heard of for so long has lost its partitions. */
export const SESSION_TIMEOUT_MS = 10_000
const RECOVERY_MS: number = SESSION_TIMEOUT_MS + 5_000
const WARM_UP_MS = 3_000
const DRAIN_STALL_MS = 120_000

/** @throws StackError, ChaosError */
export async function runChaos({ options, group, say }: ChaosRun): Promise<ChaosReport> {
  const startedAt = performance.now()
  const tell = (line: string): void => say(`${new Date().toISOString().slice(11, 23)} ${line}`)
  const logDirectory = await newLogDirectory('chaos')
  say(`The logs are in ${logDirectory}`)
  const { seed } = options
  const ground = await prepareGround({ group, logDirectory, seed, sessionTimeoutMs: SESSION_TIMEOUT_MS })
  tell('three brokers and the registry are ready')

  const publisher = new LanePublisher(ground.directBrokers)
  const watch = new CommitWatch(ground.directBrokers)
  const stopping = new AbortController()
  const load = new Load({
    publisher,
    codecs: ground.codecs,
    newerSchemaIds: ground.newerSchemaIds,
    population: generatePopulation(seed),
    seed,
    rate: options.rate,
  })
  const guarantee = options.guarantee === 'exactly-once' ? { GUARANTEE: options.guarantee } : {}
  const fleet = new Fleet({ group, logDirectory, env: { ...ground.env, ...guarantee }, onEvent: tell })
  group.defer(async () => {
    stopping.abort()
    fleet.close()
    await Promise.allSettled([publisher.close(), watch.close()])
  })
  const rows = load.writeRows()
  await until(() => publisher.acknowledged === rows, 'the rows are written')
  await fleet.start(1)
  await fleet.ready(1)
  tell('the first instance is ready')

  const loading = new AbortController()
  const watching = watch.run(stopping.signal)
  const running = load.run(loading.signal)
  const faults = await breakThings({
    options,
    targets: { ...ground, fleet, watch },
    tell,
    signal: stopping.signal,
  })
  loading.abort()
  await running
  await heal(ground, fleet)
  tell('everything is healed, the backlog drains')
  await publisher.end()
  await drain(watch, stopping.signal)
  tell('drained')
  fleet.noteRss()
  for (const slot of fleet.slots) await fleet.stop(slot)
  stopping.abort()
  await watching
  const seconds = (performance.now() - startedAt) / 1_000
  return await reportOf({ options, ground, faults, load, fleet, watch, seconds, recoveryMs: RECOVERY_MS })
}

interface Breaking {
  readonly options: ChaosOptions
  readonly targets: Targets
  readonly tell: (line: string) => void
  readonly signal: AbortSignal
}

/** Two lanes of faults beside each other, each one after the other, until the time is over. */
async function breakThings({ options, targets, tell, signal }: Breaking): Promise<readonly Fault[]> {
  const faults: Fault[] = []
  const until = performance.now() + options.minutes * 60_000
  const lane = async (name: string, all: readonly FaultKind[]): Promise<void> => {
    const { seed } = options
    const kinds = all.filter(kind => options.faults.includes(kind))
    const maker = new FaultMaker(targets, { seed, lane: name, sessionTimeoutMs: SESSION_TIMEOUT_MS, signal })
    await sleep(WARM_UP_MS, undefined, { signal })
    while (kinds.some(kind => maker.canMake(kind))) {
      for (const kind of maker.round(kinds)) {
        if (performance.now() >= until) return
        if (!maker.canMake(kind)) continue
        tell(`${kind} begins`)
        const fault = await maker.make(kind)
        faults.push(fault)
        targets.fleet.noteRss()
        tell(`${kind} is over: ${fault.what}`)
        await sleep(maker.pauseMs(), undefined, { signal })
      }
    }
  }
  await Promise.all([lane('system', SYSTEM_FAULTS), lane('dependencies', DEPENDENCY_FAULTS)])
  return faults
}

async function heal({ proxies, registryProxy, api, nodes }: Ground, fleet: Fleet): Promise<void> {
  api.fault = { kind: 'none' }
  for (const proxy of [...proxies, registryProxy]) await proxy.heal()
  for (const node of nodes) if (!node.isRunning) await node.start()
  if (fleet.slots.length === 0) await fleet.start(1)
}

/** Resolves when everything is committed, or when nothing has moved for too long: what is missing is lost then. */
async function drain(watch: CommitWatch, signal: AbortSignal): Promise<void> {
  let movedAt = performance.now()
  let before = -1
  while (performance.now() - movedAt < DRAIN_STALL_MS) {
    const ends = await watch.inputEnds()
    const committed = watch.samples.at(-1)?.offsets
    if (ends !== undefined && committed !== undefined) {
      if (ends.every((end, partition) => committed[partition]! >= end)) return
      const sum = committed.reduce((total, offset) => total + offset, 0)
      if (sum !== before) movedAt = performance.now()
      before = sum
    }
    await sleep(500, undefined, { signal })
  }
}

async function until(holds: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 60_000
  while (!holds()) {
    if (performance.now() > deadline) throw new ChaosError('CHAOS_HARNESS', `It took too long until ${what}.`)
    await sleep(50)
  }
}
