import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { activities, customerEvents, customers, marketingEvents } from '@tributary/marketing-events'
import { HttpSchemaRegistry, SchemaNotLoaded, type SchemaRegistry, type Serde } from '@tributary/topology'
import type { Fault } from './faults.ts'
import type { Fleet } from './fleet.ts'
import { DEAD_LETTERS, type Ground } from './ground.ts'
import { timedBySending } from './load/lane-publisher.ts'
import type { Load } from './load/load.ts'
import { fateOf, poisonKindOf, type Part } from './load/poison.ts'
import type { ChaosOptions } from './options.ts'
import { dumpTopic, type DumpedRecord } from './topic-dump.ts'
import { countsOf, type Undeliverable } from './verify/dead-letters.ts'
import { judge, type Judgement } from './verify/judge.ts'
import { RowHistory } from './verify/row-history.ts'
import { Timeline } from './verify/timeline.ts'
import type { CommitWatch } from './watch.ts'

/** The line that `--json` prints. */
export interface ChaosFigures {
  readonly seconds: number
  /** Domain events, unreadable ones included. */
  readonly inputs: number
  /** Inputs that have an output, or should have. */
  readonly expectedOutputs: number
  /** Records in the output topic. */
  readonly outputs: number
  readonly lost: number
  readonly duplicates: number
  readonly overtaken: number
  readonly wrong: number
  /** Records that have a dead letter. */
  readonly deadLetters: number
  /** The same by the code of their reason, and what the inputs and the rows ask for. They are equal, or nothing is good. */
  readonly deadLettersByReason: Readonly<Record<string, number>>
  readonly expectedDeadLettersByReason: Readonly<Record<string, number>>
  /** Further letters of the same records: each start of a process reads the lookup topics again. */
  readonly repeatedDeadLetters: number
  /** Unusual records by kind, events and rows. */
  readonly poison: Readonly<Record<string, number>>
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
  const { options, fleet } = finished
  await keepTimeline(finished)
  const topics = await readTopics(finished.ground)
  const judgement = await judgeTopics(finished, topics)
  const { deadLetters, differences, longestPause } = judgement
  const { lost, duplicates, overtaken, wrong, late } = differences.counts
  const isExact = options.guarantee === 'at-least-once' || duplicates === 0
  const hasItsLetters = isDeepStrictEqual(deadLetters.byCode, deadLetters.expectedByCode)
  return {
    figures: figuresOf(finished, topics, judgement),
    longestPause,
    differences: [...differences.sentences, ...fleet.complaints],
    isGood: isExact && hasItsLetters && lost + overtaken + wrong + late + fleet.complaints.length === 0,
  }
}

/** What the topics hold in the end. */
interface Topics {
  readonly inputs: readonly DumpedRecord[]
  readonly outputs: readonly DumpedRecord[]
  readonly letters: readonly DumpedRecord[]
  readonly customerRows: readonly DumpedRecord[]
  readonly activityRows: readonly DumpedRecord[]
}

async function readTopics({ reader }: Ground): Promise<Topics> {
  const readInput = async (topic: string) => (await dumpTopic(reader, topic)).map(timedBySending)
  return {
    inputs: await readInput(customerEvents.name),
    outputs: await dumpTopic(reader, marketingEvents.name),
    letters: await dumpTopic(reader, DEAD_LETTERS),
    customerRows: await readInput(customers.name),
    activityRows: await readInput(activities.name),
  }
}

async function judgeTopics(
  { options, ground, faults, watch, recoveryMs }: Finished,
  { inputs, outputs, letters, customerRows, activityRows }: Topics,
): Promise<Judgement> {
  const registry = new HttpSchemaRegistry({ url: ground.env['SCHEMA_REGISTRY_URL']! })
  const decodeRow = <Row>(topic: Topic<Row>, rows: readonly DumpedRecord[]) =>
    decoderOf(topic, registry, readable(rows, 'row'))
  return judge({
    guarantee: options.guarantee,
    inputs,
    outputs,
    deadLetters: letters,
    customers: new RowHistory(customerRows, await decodeRow(customers, customerRows)),
    activities: new RowHistory(activityRows, await decodeRow(activities, activityRows)),
    undeliverableRows: [
      ...undeliverable(customers.name, customerRows),
      ...undeliverable(activities.name, activityRows),
    ],
    inputTopic: customerEvents.name,
    timeline: new Timeline({ faults, samples: watch.samples, recoveryMs }),
    decodeInput: await decoderOf(customerEvents, registry, readable(inputs, 'event')),
    decodeOutput: await decoderOf(marketingEvents, registry, outputs),
    recoveryMs,
  })
}

function figuresOf(finished: Finished, topics: Topics, judgement: Judgement): ChaosFigures {
  const { fleet, seconds } = finished
  const { inputs, outputs, customerRows, activityRows } = topics
  const { deadLetters, differences, expectedOutputs, longestPauseMs, longestRecoveryMs } = judgement
  const { lost, duplicates, overtaken, wrong } = differences.counts
  const kinds = [...inputs, ...customerRows, ...activityRows].flatMap(record => poisonKindOf(record) ?? [])
  return {
    seconds: Math.round(seconds),
    inputs: inputs.length,
    expectedOutputs,
    outputs: outputs.length,
    lost,
    duplicates,
    overtaken,
    wrong,
    deadLetters: deadLetters.records,
    deadLettersByReason: deadLetters.byCode,
    expectedDeadLettersByReason: deadLetters.expectedByCode,
    repeatedDeadLetters: deadLetters.repeats,
    poison: countsOf(kinds),
    faults: countFaults(finished),
    longestPauseSeconds: inSeconds(longestPauseMs),
    longestRecoverySeconds: inSeconds(longestRecoveryMs),
    badEnds: fleet.complaints.length,
    failedStarts: fleet.failedStarts,
    peakRssMiB: fleet.peakRssMiB,
  }
}

/** Beside the topics, for whoever looks into a difference. */
async function keepTimeline({ ground, faults, watch }: Finished): Promise<void> {
  const file = join(ground.reader.directory, 'timeline.json')
  await writeFile(file, JSON.stringify({ faults, samples: watch.samples }))
}

function readable(records: readonly DumpedRecord[], part: Part): readonly DumpedRecord[] {
  return records.filter(record => fateOf(record, part).becomes === 'processed')
}

function undeliverable(topic: string, rows: readonly DumpedRecord[]): readonly Undeliverable[] {
  return rows.flatMap(record => {
    const fate = fateOf(record, 'row')
    return fate.becomes === 'letter' ? [{ topic, record, code: fate.code }] : []
  })
}

interface Topic<T> {
  readonly name: string
  readonly value: Serde<T>
}

/** Reads at once, because every schema that the records name is fetched here. */
async function decoderOf<T>(
  { name, value }: Topic<T>,
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
    if (record.value === null) continue
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
