import { parseArgs } from 'node:util'
import { BenchError } from './bench-error.ts'
import { CONTESTANTS } from './contestants/all.ts'
import type { Contestant } from './contestants/contestant.ts'
import type { JobSize } from './job/records.ts'
import { VARIANTS, type Variant } from './job/variant.ts'

export interface BenchOptions {
  readonly size: JobSize
  /** Each contestant runs so often. */
  readonly runs: number
  readonly seed: number
  readonly contestants: readonly Contestant[]
  readonly variant: Variant
  /** Whether the last line of standard output is the result as JSON, and the only one. */
  readonly isJson: boolean
}

export type CommandLine =
  | { readonly kind: 'help' }
  | { readonly kind: 'list' }
  | { readonly kind: 'compare'; readonly options: BenchOptions }

/** Those whose figures `--json` prints. */
const USUAL = ['tributary', 'kafka-streams', 'kafka-streams-in-memory', 'kafka-streams-tuned', 'hand-written']

export const USAGE = `Usage: npm run bench -- [options]

Runs the same job on the same records, side by side and in turns, on Tributary, on Kafka Streams and on
loops written by hand, verifies what each of them has written, and compares what it took.

  --records N      bookings (2000000)
  --runs N         runs of each (3)
  --only L         these contestants, separated by commas, or all
                   (${USUAL.join(',')})
  --variant V      ${VARIANTS.map(({ name }) => name).join(', ')} (${VARIANTS[0]!.name})
  --seed S         other records (1)
  --json           standard output is one line: the figures as JSON; the rest goes to standard error
  --list           the contestants and variants
  --help           this text
`

/** @throws BenchError BENCH_USAGE */
export function readCommandLine(args: readonly string[]): CommandLine {
  const values = parse(args)
  if (values.help === true) return { kind: 'help' }
  if (values.list === true) return { kind: 'list' }
  return {
    kind: 'compare',
    options: {
      size: {
        bookings: readWhole('--records', values.records ?? '2000000', { min: 1_000, max: 50_000_000 }),
        customers: 100_000,
        activities: 20_000,
      },
      runs: readWhole('--runs', values.runs ?? '3', { min: 1, max: 100 }),
      seed: readWhole('--seed', values.seed ?? '1', { min: 0, max: 2 ** 31 - 1 }),
      contestants: readContestants(values.only ?? USUAL.join(',')),
      variant: readVariant(values.variant ?? VARIANTS[0]!.name),
      isJson: values.json ?? false,
    },
  }
}

export function listText(): string {
  const lines = (entries: readonly { readonly name: string; readonly title: string }[]): string =>
    entries.map(({ name, title }) => `  ${name.padEnd(34)}${title}\n`).join('')
  return `Contestants:\n${lines(CONTESTANTS)}\nVariants:\n${lines(VARIANTS)}`
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        records: { type: 'string' },
        runs: { type: 'string' },
        only: { type: 'string' },
        variant: { type: 'string' },
        seed: { type: 'string' },
        json: { type: 'boolean' },
        list: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values
  } catch (error) {
    throw refusal(error instanceof Error ? error.message : String(error))
  }
}

function readContestants(text: string): readonly Contestant[] {
  if (text === 'all') return CONTESTANTS
  return text.split(',').map(name => {
    const contestant = CONTESTANTS.find(each => each.name === name)
    if (contestant !== undefined) return contestant
    throw refusal(`--only names '${name}'; allowed are all, ${CONTESTANTS.map(each => each.name).join(', ')}`)
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
