import { parseArgs } from 'node:util'
import { BenchError } from './bench-error.ts'
import { CONTESTANTS, LATENCY_CONTESTANTS } from './contestants/all.ts'
import type { Contestant } from './contestants/contestant.ts'
import type { JobSize } from './job/records.ts'
import { VARIANTS, type Variant } from './job/variant.ts'

interface CommonOptions {
  /** Each contestant runs so often. */
  readonly runs: number
  readonly seed: number
  /** Whether the last line of standard output is the result as JSON, and the only one. */
  readonly isJson: boolean
}

export interface BenchOptions extends CommonOptions {
  readonly size: JobSize
  readonly contestants: readonly Contestant[]
  readonly variant: Variant
}

export interface LatencyOptions extends CommonOptions {
  readonly contestants: readonly Contestant[]
  readonly recordsPerSecond: number
  /** How long is measured, after the warm-up. */
  readonly seconds: number
}

export interface TablesOptions extends CommonOptions {
  readonly rows: number
}

export type CommandLine =
  | { readonly kind: 'help' }
  | { readonly kind: 'list' }
  | { readonly kind: 'compare'; readonly options: BenchOptions }
  | { readonly kind: 'latency'; readonly options: LatencyOptions }
  | { readonly kind: 'tables'; readonly options: TablesOptions }

/** Those whose figures `--json` prints. */
const USUAL = ['tributary', 'kafka-streams', 'kafka-streams-in-memory', 'kafka-streams-tuned', 'hand-written']

export const USAGE = `Usage: npm run bench -- [options]
       npm run bench -- latency [options]
       npm run bench -- tables [options]

Runs the same job on the same records, side by side and in turns, on Tributary, on Kafka Streams and on
loops written by hand, verifies what each of them has written, and compares what it took. latency: how long
a record takes from when it is sent until what comes of it can be read. tables: a large table, loaded and
looked up.

  --records N      bookings (2000000)
  --runs N         runs of each (3)
  --only L         these contestants, separated by commas, or all
                   (${USUAL.join(',')})
  --variant V      ${VARIANTS.map(({ name }) => name).join(', ')} (${VARIANTS[0]!.name})
  --rate R         latency: bookings per second (5000)
  --seconds S      latency: how long is measured, after a warm-up (30)
  --rows N         tables: rows (5000000)
  --seed S         other records (1)
  --json           standard output is one line: the figures as JSON; the rest goes to standard error
  --list           the contestants and variants
  --help           this text
`

/** @throws BenchError BENCH_USAGE */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parse(args)
  if (values.help === true) return { kind: 'help' }
  if (values.list === true) return { kind: 'list' }
  const common: CommonOptions = {
    runs: readWhole('--runs', values.runs ?? '3', { min: 1, max: 100 }),
    seed: readWhole('--seed', values.seed ?? '1', { min: 0, max: 2 ** 31 - 1 }),
    isJson: values.json ?? false,
  }
  switch (positionals.join(' ')) {
    case '':
      return {
        kind: 'compare',
        options: {
          ...common,
          size: {
            bookings: readWhole('--records', values.records ?? '2000000', { min: 1_000, max: 50_000_000 }),
            customers: 100_000,
            activities: 20_000,
          },
          contestants: readContestants(CONTESTANTS, values.only ?? USUAL.join(',')),
          variant: readVariant(values.variant ?? VARIANTS[0]!.name),
        },
      }
    case 'latency':
      return {
        kind: 'latency',
        options: {
          ...common,
          contestants: readContestants(LATENCY_CONTESTANTS, values.only ?? 'all'),
          recordsPerSecond: readWhole('--rate', values.rate ?? '5000', { min: 1, max: 100_000 }),
          seconds: readWhole('--seconds', values.seconds ?? '30', { min: 1, max: 3_600 }),
        },
      }
    case 'tables':
      return {
        kind: 'tables',
        options: {
          ...common,
          rows: readWhole('--rows', values.rows ?? '5000000', { min: 1_000, max: 50_000_000 }),
        },
      }
    default:
      throw refusal(
        `'${positionals.join(' ')}' is nothing that can be measured; allowed are latency, tables, or nothing`,
      )
  }
}

export function listText(): string {
  const lines = (entries: readonly { readonly name: string; readonly title: string }[]): string =>
    entries.map(({ name, title }) => `  ${name.padEnd(34)}${title}\n`).join('')
  return `Contestants:
${lines(CONTESTANTS)}
Variants:
${lines(VARIANTS)}
Contestants of latency:
${lines(LATENCY_CONTESTANTS)}`
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        records: { type: 'string' },
        runs: { type: 'string' },
        only: { type: 'string' },
        variant: { type: 'string' },
        rate: { type: 'string' },
        seconds: { type: 'string' },
        rows: { type: 'string' },
        seed: { type: 'string' },
        json: { type: 'boolean' },
        list: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    })
  } catch (error) {
    throw refusal(error instanceof Error ? error.message : String(error))
  }
}

function readContestants(all: readonly Contestant[], text: string): readonly Contestant[] {
  if (text === 'all') return all
  return text.split(',').map(name => {
    const contestant = all.find(each => each.name === name)
    if (contestant !== undefined) return contestant
    throw refusal(`--only names '${name}'; allowed are all, ${all.map(each => each.name).join(', ')}`)
  })
}

function readVariant(text: string): Variant {
  const variant = VARIANTS.find(({ name }) => name === text)
  if (variant !== undefined) return variant
  throw refusal(`--variant is '${text}'; allowed are ${VARIANTS.map(({ name }) => name).join(', ')}`)
}

function readWhole(label: string, text: string, limits: { min: number; max: number }): number {
  const value = Number(text)
  if (text !== '' && Number.isInteger(value) && value >= limits.min && value <= limits.max) return value
  throw refusal(`${label} is '${text}'; allowed is a whole number from ${limits.min} to ${limits.max}`)
}

function refusal(what: string): BenchError {
  return new BenchError('BENCH_USAGE', `${what}.\n\n${USAGE}`)
}
