import { readFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { BenchError } from '../bench-error.ts'
import type { ProgramCommand } from '../contestants/contestant.ts'
import { prepareGround, type Ground } from '../ground.ts'
import { customerId, JobRecords, ROWS_WRITTEN_AT } from '../job/records.ts'
import { schemaText } from '../job/schemas.ts'
import { TopicWriter } from '../job/topic-writer.ts'
import { PLAIN } from '../job/variant.ts'
import type { TablesOptions } from '../options.ts'
import type { BenchRun } from '../run-bench.ts'
import { readFigures } from './figures.ts'
import { lookupIndex } from './lookups.ts'

export interface TablesResult {
  readonly contestant: string
  readonly round: number
  /** As the program told them: `loadSeconds`, `lookupsPerSecond`, and so on. */
  readonly figures: Readonly<Record<string, number>>
}

const TOPIC = 'bench-rows'
const PARTITIONS = 4
const LOOKUPS = 2_000_000
const CUSTOMERS = 100_000
const ACTIVITIES = 20_000

/** @throws BenchError, StackError */
export async function runTables(run: BenchRun, options: TablesOptions): Promise<readonly TablesResult[]> {
  const ground = await prepareGround(run.group, run.logDirectory)
  const records = new JobRecords(options.seed, PLAIN, {
    bookings: options.rows,
    customers: CUSTOMERS,
    activities: ACTIVITIES,
  })
  await publishTable(ground, records)
  const lookupSum = expectedSum(records)
  run.say(`${options.rows} rows published.`)
  const results: TablesResult[] = []
  for (let round = 1; round <= options.runs; round += 1) {
    for (const contestant of options.contestants) {
      const command = await contestant.prepare(ground)
      const figures = await runProgram(ground, options, { name: contestant.name, command, round })
      checkFigures(contestant.name, figures, { rows: options.rows, lookupSum, lookupAheadSum: lookupSum })
      results.push({ contestant: contestant.name, round, figures })
      const text = Object.entries(figures).map(([name, value]) => `${name} ${Math.round(value * 100) / 100}`)
      run.say(`round ${round} ${contestant.name}: ${text.join(', ')}`)
    }
  }
  return results
}

/** Rows are bookings under keys of their own: 133 bytes with the frame. */
async function publishTable(ground: Ground, records: JobRecords): Promise<void> {
  await ground.kafka.admin.createTopics([
    { name: TOPIC, partitions: PARTITIONS, replicationFactor: 1, config: { 'cleanup.policy': 'compact' } },
    { name: `${TOPIC}-asked`, partitions: PARTITIONS, replicationFactor: 1 },
  ])
  const writer = await TopicWriter.open(ground, {
    name: TOPIC,
    partitions: PARTITIONS,
    schema: schemaText('booking'),
  })
  for (let index = 0; index < records.size.bookings; index += 1) {
    const waiting = writer.write(customerId(index), records.booking(index), ROWS_WRITTEN_AT)
    if (waiting !== undefined) await waiting
  }
  await writer.close()
}

/** What the lookups have to add up to. */
function expectedSum(records: JobRecords): number {
  let sum = 0
  for (let count = 0; count < LOOKUPS; count += 1) {
    const row = records.booking(lookupIndex(count, records.size.bookings))
    sum += row.quantity + row.activityId.length
  }
  return sum
}

async function runProgram(
  ground: Ground,
  options: TablesOptions,
  turn: { readonly name: string; readonly command: ProgramCommand; readonly round: number },
): Promise<Readonly<Record<string, number>>> {
  const name = `tables-${turn.name}-${turn.round}`
  const stateDirectory = join(ground.dataDirectory, name)
  const logFile = join(ground.logDirectory, `${name}.log`)
  await mkdir(stateDirectory, { recursive: true })
  const exit = await ground.group.run({
    name: turn.name,
    command: turn.command.command,
    args: turn.command.args,
    logFile,
    env: {
      BENCH_BROKER: ground.broker,
      BENCH_REGISTRY: ground.registryUrl,
      BENCH_ROWS_TOPIC: TOPIC,
      BENCH_ROWS: String(options.rows),
      BENCH_LOOKUPS: String(LOOKUPS),
      BENCH_SEED: String(options.seed),
      BENCH_GROUP: name,
      BENCH_STATE_DIRECTORY: stateDirectory,
      // The Java program reads its place as the whole job's does.
      BENCH_BOOKINGS: TOPIC,
      BENCH_CUSTOMERS: TOPIC,
      BENCH_ACTIVITIES: TOPIC,
      BENCH_OUTPUT: TOPIC,
      BENCH_GUARANTEE: 'at-least-once',
      BENCH_STEPS: 'plain',
      BENCH_API: '',
      BENCH_EVENT_SCHEMA_ID: '-1',
      NODE_OPTIONS: undefined,
    },
  })
  await rm(stateDirectory, { recursive: true, force: true })
  if (exit.code !== 0) throw new BenchError('BENCH_CONTESTANT', `${turn.name} failed: read ${logFile}.`)
  return readFigures(readFileSync(logFile, 'utf8'))
}

function checkFigures(
  name: string,
  figures: Readonly<Record<string, number>>,
  expected: { readonly rows: number; readonly lookupSum: number; readonly lookupAheadSum: number },
): void {
  for (const [figure, wanted] of Object.entries(expected)) {
    const seen = figures[figure]
    if (seen === wanted || (figure !== 'rows' && seen === undefined)) continue
    throw new BenchError('BENCH_WRONG_OUTPUT', `${name} told ${figure} ${seen} instead of ${wanted}.`)
  }
}
