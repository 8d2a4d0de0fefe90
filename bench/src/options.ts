import { parseArgs } from 'node:util'
import { BenchError } from './bench-error.ts'
import { CONTESTANTS, LATENCY_CONTESTANTS, USUAL_CONTESTANTS } from './contestants/all.ts'
import type { Contestant } from './contestants/contestant.ts'
import { AXES, type Axis } from './growth/axes.ts'
import type { JobSize } from './job/records.ts'
import { PLAIN, VARIANTS, type Variant } from './job/variant.ts'
import { TABLE_CONTESTANTS, type TableContestant } from './tables/table-contestants.ts'

interface CommonOptions {
  /** Each contestant runs so often. */
  readonly runs: number
  readonly seed: number
}

export interface BenchOptions extends CommonOptions {
  readonly size: JobSize
  readonly contestants: readonly Contestant[]
  readonly variant: Variant
}

export interface LatencyOptions extends CommonOptions {
  readonly contestants: readonly Contestant[]
  readonly recordsPerSecond: number
  /** Until code is compiled and caches are filled. */
  readonly warmUpSeconds: number
  /** How long is measured, after the warm-up. */
  readonly seconds: number
}

export interface TablesOptions extends CommonOptions {
  readonly contestants: readonly TableContestant[]
  readonly rows: number
}

export interface GrowthOptions extends CommonOptions {
  readonly axes: readonly Axis[]
  readonly bookings: number
  /** Of the customers, on the axis `rows`: points beyond it are left out. */
  readonly maxRows: number
}

export type Measurement =
  | { readonly kind: 'compare'; readonly options: BenchOptions }
  | { readonly kind: 'latency'; readonly options: LatencyOptions }
  | { readonly kind: 'tables'; readonly options: TablesOptions }
  | { readonly kind: 'growth'; readonly options: GrowthOptions }

export interface OutputOptions {
  /** Standard output is one line, the figures as JSON; the rest goes to standard error. */
  readonly isJson: boolean
  /** Where the results are written: among those that `docs/performance.md` quotes, or apart from them. */
  readonly isSaved: boolean
}

export type CommandLine =
  | { readonly kind: 'help' }
  | { readonly kind: 'list' }
  | { readonly kind: 'measure'; readonly measurement: Measurement; readonly output: OutputOptions }
  /** `isQuick`: the smallest sizes, to see that everything runs. */
  | { readonly kind: 'all'; readonly isQuick: boolean; readonly output: OutputOptions }
  | { readonly kind: 'report' }

const names = (entries: readonly { readonly name: string }[]): string =>
  entries.map(({ name }) => name).join(', ')

export const USAGE = `Usage: npm run bench -- [options]
       npm run bench -- latency | tables | growth [options]
       npm run bench -- all [--quick] [--save]
       npm run bench -- report

Runs the same job on the same records, side by side and in turns, on Tributary, on Kafka Streams and on
loops written by hand, verifies what each of them has written, and compares what it took.
latency: how long a record takes from when it is sent until what comes of it can be read.
tables:  a large table, loaded and looked up.
growth:  records per second and memory of Tributary against partitions, tables, steps and rows.
all:     everything that docs/performance.md shows; report: writes that document's figures anew.

  --records N      bookings (2000000, fewer for some variants; growth: 600000)
  --runs N         runs of each (3; growth: 1)
  --only L         these, separated by commas, or all: contestants, of growth the axes
                   (${USUAL_CONTESTANTS.join(',')})
  --variant V      ${names(VARIANTS)} (${PLAIN.name})
  --rate R         latency: bookings per second (5000)
  --seconds S      latency: how long is measured (30)
  --warm-up S      latency: seconds before that (20)
  --rows N         tables: rows (5000000); growth: the most rows (5000000)
  --seed S         other records (1)
  --save           writes the results to bench/results/<machine>/, which is committed, not to bench/results/local/
  --quick          all: small sizes, one run each, to see that everything runs
  --json           standard output is one line: the figures as JSON; the rest goes to standard error
  --list           the contestants and variants
  --help           this text
`

const OPTIONS = {
  records: { type: 'string' },
  runs: { type: 'string' },
  only: { type: 'string' },
  variant: { type: 'string' },
  rate: { type: 'string' },
  seconds: { type: 'string' },
  'warm-up': { type: 'string' },
  rows: { type: 'string' },
  seed: { type: 'string' },
  save: { type: 'boolean' },
  quick: { type: 'boolean' },
  json: { type: 'boolean' },
  list: { type: 'boolean' },
  help: { type: 'boolean' },
} as const

type OptionName = keyof typeof OPTIONS
type Values = ReturnType<typeof parse>['values']

/** What each subcommand takes; others are refused, so that none is silently without effect. */
const TAKES: Readonly<Record<string, readonly OptionName[]>> = {
  '': ['records', 'runs', 'only', 'variant', 'seed', 'save', 'json'],
  latency: ['runs', 'only', 'rate', 'seconds', 'warm-up', 'seed', 'save', 'json'],
  tables: ['runs', 'only', 'rows', 'seed', 'save', 'json'],
  growth: ['records', 'runs', 'only', 'rows', 'seed', 'save', 'json'],
  all: ['quick', 'save', 'json'],
  report: [],
}

/** @throws BenchError BENCH_USAGE */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parse(args)
  if (values.help === true) return { kind: 'help' }
  if (values.list === true) return { kind: 'list' }
  const subcommand = positionals.join(' ')
  const takes = TAKES[subcommand]
  if (takes === undefined) {
    const allowed = Object.keys(TAKES).filter(Boolean).join(', ')
    throw refusal(`'${subcommand}' is nothing that can be measured; allowed are ${allowed}, or nothing`)
  }
  for (const name of Object.keys(values) as OptionName[]) {
    if (takes.includes(name)) continue
    const allowed = takes.map(each => `--${each}`).join(', ') || 'no option'
    throw refusal(`--${name} means nothing to '${subcommand || 'the comparison'}'; allowed: ${allowed}`)
  }
  const output = { isJson: values.json ?? false, isSaved: values.save ?? false }
  if (subcommand === 'report') return { kind: 'report' }
  if (subcommand === 'all') return { kind: 'all', isQuick: values.quick ?? false, output }
  return { kind: 'measure', measurement: readMeasurement(subcommand, values), output }
}

function readMeasurement(subcommand: string, values: Values): Measurement {
  const common = {
    runs: readWhole('--runs', values.runs ?? (subcommand === 'growth' ? '1' : '3'), { min: 1, max: 100 }),
    seed: readWhole('--seed', values.seed ?? '1', { min: 0, max: 2 ** 31 - 1 }),
  }
  const rows = (): number => readWhole('--rows', values.rows ?? '5000000', { min: 1_000, max: 50_000_000 })
  const records = (usual: number): number =>
    readWhole('--records', values.records ?? String(usual), { min: 1_000, max: 50_000_000 })
  switch (subcommand) {
    case 'latency':
      return {
        kind: 'latency',
        options: {
          ...common,
          contestants: readNames(LATENCY_CONTESTANTS, values.only ?? 'all'),
          recordsPerSecond: readWhole('--rate', values.rate ?? '5000', { min: 1, max: 100_000 }),
          warmUpSeconds: readWhole('--warm-up', values['warm-up'] ?? '20', { min: 0, max: 3_600 }),
          seconds: readWhole('--seconds', values.seconds ?? '30', { min: 1, max: 3_600 }),
        },
      }
    case 'tables': {
      const contestants = readNames(TABLE_CONTESTANTS, values.only ?? 'all')
      return { kind: 'tables', options: { ...common, contestants, rows: rows() } }
    }
    case 'growth': {
      const axes = readNames(AXES, values.only ?? 'all')
      return { kind: 'growth', options: { ...common, axes, bookings: records(600_000), maxRows: rows() } }
    }
    default: {
      const variant = readVariant(values.variant ?? PLAIN.name)
      const size = { bookings: records(variant.usualBookings), customers: 100_000, activities: 20_000 }
      const contestants = readNames(CONTESTANTS, values.only ?? USUAL_CONTESTANTS.join(','))
      return { kind: 'compare', options: { ...common, size, contestants, variant } }
    }
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
${lines(LATENCY_CONTESTANTS)}
Contestants of tables:
${lines(TABLE_CONTESTANTS)}
Axes of growth:
${lines(AXES)}`
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS })
  } catch (error) {
    throw refusal(error instanceof Error ? error.message : String(error))
  }
}

function readNames<T extends { readonly name: string }>(all: readonly T[], text: string): readonly T[] {
  if (text === 'all') return all
  return text.split(',').map(name => {
    const found = all.find(each => each.name === name)
    if (found !== undefined) return found
    throw refusal(`--only names '${name}'; allowed are all, ${names(all)}`)
  })
}

function readVariant(text: string): Variant {
  const variant = VARIANTS.find(({ name }) => name === text)
  if (variant !== undefined) return variant
  throw refusal(`--variant is '${text}'; allowed are ${names(VARIANTS)}`)
}

function readWhole(label: string, text: string, limits: { min: number; max: number }): number {
  const value = Number(text)
  if (text !== '' && Number.isInteger(value) && value >= limits.min && value <= limits.max) return value
  throw refusal(`${label} is '${text}'; allowed is a whole number from ${limits.min} to ${limits.max}`)
}

function refusal(what: string): BenchError {
  return new BenchError('BENCH_USAGE', `${what}.\n\n${USAGE}`)
}
