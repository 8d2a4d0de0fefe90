import { activities, customerEvents, customers, marketingEvents } from '@tributary/marketing-events'
import { HttpSchemaRegistry, SchemaNotLoaded, type SchemaRegistry, type Serde } from '@tributary/topology'
import type { Fault } from './faults.ts'
import type { Fleet } from './fleet.ts'
import { DEAD_LETTERS, type Ground } from './ground.ts'
import type { Load } from './load/load.ts'
import type { ChaosOptions } from './options.ts'
import { dumpTopic, type DumpedRecord } from './topic-dump.ts'
import { isPoison, judge } from './verify/judge.ts'
import { RowHistory } from './verify/row-history.ts'
import { Timeline } from './verify/timeline.ts'
import type { CommitWatch } from './watch.ts'

/** The line that `--json` prints. */
export interface ChaosFigures {
  readonly seconds: number
  /** Domain events, undecodable ones included. */
  readonly inputs: number
  /** Inputs that have an output, or should have. */
  readonly expectedOutputs: number
  /** Records in the output topic. */
  readonly outputs: number
  readonly lost: number
  readonly duplicates: number
  readonly overtaken: number
  readonly wrong: number
  readonly deadLetters: number
  readonly faults: Readonly<Record<string, number>>
  /** The longest time in which a partition gave nothing although an input was waiting. */
  readonly longestPauseSeconds: number
  /** Of such a time the part behind the last disturbance in it. */
  readonly longestRecoverySeconds: number
  /** Processes that ended although nobody asked them to, or not as they should. */
  readonly badEnds: number
  /** Processes that ended with an error before they were ready, and were started again. */
  readonly failedStarts: number
  readonly peakRssMiB: number
}

export interface ChaosReport {
  readonly figures: ChaosFigures
  /** Sentences: the first differences of each kind. */
  readonly differences: readonly string[]
  /** Which partition the longest pause was in, and when. */
  readonly longestPause: string
  readonly isGood: boolean
}

export interface Finished {
  readonly options: ChaosOptions
  readonly ground: Ground
  readonly faults: readonly Fault[]
  readonly load: Load
  readonly fleet: Fleet
  readonly watch: CommitWatch
  readonly seconds: number
  readonly recoveryMs: number
}

export async function reportOf(finished: Finished): Promise<ChaosReport> {
  const { options, ground, faults, fleet, watch, seconds, recoveryMs } = finished
  const read = (topic: string): Promise<readonly DumpedRecord[]> => dumpTopic(ground.reader, topic)
  const inputs = await read(customerEvents.name)
  const outputs = await read(marketingEvents.name)
  const deadLetters = await read(DEAD_LETTERS)
  const customerRows = await read(customers.name)
  const activityRows = await read(activities.name)
  const registry = new HttpSchemaRegistry({ url: ground.env['SCHEMA_REGISTRY_URL']! })
  const judgement = judge({
    guarantee: options.guarantee,
    inputs,
    outputs,
    deadLetters,
    customers: new RowHistory(customerRows, await decoderOf(customers, registry, customerRows)),
    activities: new RowHistory(activityRows, await decoderOf(activities, registry, activityRows)),
    poisonRows: new Map([
      [customers.name, customerRows.filter(isPoison)],
      [activities.name, activityRows.filter(isPoison)],
    ]),
    inputTopic: customerEvents.name,
    timeline: new Timeline({ faults, samples: watch.samples, recoveryMs }),
    decodeInput: await decoderOf(customerEvents, registry, inputs),
    decodeOutput: await decoderOf(marketingEvents, registry, outputs),
    recoveryMs,
  })
  const { lost, duplicates, overtaken, wrong, late } = judgement.differences.counts
  const figures: ChaosFigures = {
    seconds: Math.round(seconds),
    inputs: inputs.length,
    expectedOutputs: judgement.expectedOutputs,
    outputs: outputs.length,
    lost,
    duplicates,
    overtaken,
    wrong,
    deadLetters: deadLetters.length,
    faults: countFaults(finished),
    longestPauseSeconds: inSeconds(judgement.longestPauseMs),
    longestRecoverySeconds: inSeconds(judgement.longestRecoveryMs),
    badEnds: fleet.complaints.length,
    failedStarts: fleet.failedStarts,
    peakRssMiB: fleet.peakRssMiB,
  }
  const isExact = options.guarantee === 'at-least-once' || duplicates === 0
  return {
    figures,
    longestPause: judgement.longestPause,
    differences: [...judgement.differences.sentences, ...fleet.complaints],
    isGood: isExact && lost + overtaken + wrong + late + fleet.complaints.length === 0,
  }
}

/** Reads at once, because every schema that the records name is fetched here. */
async function decoderOf<T>(
  { name, value }: { readonly name: string; readonly value: Serde<T> },
  registry: SchemaRegistry,
  records: readonly DumpedRecord[],
): Promise<(bytes: Buffer) => T> {
  const codec = await value.open({
    topic: name,
    part: 'value',
    uses: { read: true, write: false },
    registry,
  })
  const decode = (bytes: Buffer): T => codec.decode(bytes, 0, bytes.length)
  for (const record of records) {
    if (record.value === null || isPoison(record)) continue
    try {
      decode(record.value)
    } catch (error) {
      if (!(error instanceof SchemaNotLoaded)) throw error
      await error.load()
    }
  }
  return decode
}

function countFaults({ faults, load }: Finished): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const { kind } of faults) counts[kind] = (counts[kind] ?? 0) + 1
  return { ...counts, ...load.counts }
}

function inSeconds(ms: number): number {
  return Math.round(ms / 100) / 10
}
