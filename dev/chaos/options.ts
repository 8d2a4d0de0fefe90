import { parseArgs } from 'node:util'
import { ChaosError } from './chaos-error.ts'
import { DEPENDENCY_FAULTS, SYSTEM_FAULTS, type FaultKind } from './faults.ts'

export interface ChaosOptions {
  /** How long faults go on; starting, draining and judging come on top. */
  readonly minutes: number
  /** The load and the order of the faults follow from it. */
  readonly seed: number
  readonly guarantee: 'at-least-once' | 'exactly-once'
  /** Domain events per second. */
  readonly rate: number
  /** The kinds that are made. */
  readonly faults: readonly FaultKind[]
  /** Whether the last line of standard output is the result as JSON, and the only one. */
  readonly isJson: boolean
}

export type CommandLine = { readonly kind: 'help' } | { readonly kind: 'run'; readonly options: ChaosOptions }

const ALL_FAULTS: readonly FaultKind[] = [...SYSTEM_FAULTS, ...DEPENDENCY_FAULTS]
const GUARANTEES = ['at-least-once', 'exactly-once'] as const

export const USAGE = `Usage: npm run chaos -- [options]

Runs the marketing topology on three brokers under load while everything around it breaks, again and
again, and compares what comes out with a plain recomputation. The exit code is 0 only when nothing is
lost, overtaken or wrong, and every fault was recovered from in time.

  --minutes M      how long things break (1)
  --seed S         another load, other faults (1)
  --guarantee G    ${GUARANTEES.join(' or ')} (${GUARANTEES[0]})
  --rate R         domain events per second (150)
  --faults L       only these kinds, separated by commas, of
                   ${SYSTEM_FAULTS.join(', ')},
                   ${DEPENDENCY_FAULTS.join(', ')}
  --json           standard output is one line: the result as JSON; the rest goes to standard error
  --help           this text
`

/** @throws ChaosError CHAOS_USAGE */
export function readCommandLine(args: readonly string[]): CommandLine {
  const values = parse(args)
  if (values.help === true) return { kind: 'help' }
  const { guarantee = GUARANTEES[0] } = values
  const known = GUARANTEES.find(each => each === guarantee)
  if (known === undefined) throw refusal(`--guarantee is '${guarantee}'; allowed is ${GUARANTEES.join(', ')}`)
  return {
    kind: 'run',
    options: {
      minutes: readNumber('--minutes', values.minutes ?? '1', { min: 0.2, max: 24 * 60 }),
      seed: readWhole('--seed', values.seed ?? '1', { min: 0, max: 2 ** 32 - 1 }),
      guarantee: known,
      rate: readWhole('--rate', values.rate ?? '150', { min: 1, max: 10_000 }),
      faults: values.faults === undefined ? ALL_FAULTS : readFaults(values.faults),
      isJson: values.json ?? false,
    },
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        minutes: { type: 'string' },
        seed: { type: 'string' },
        guarantee: { type: 'string' },
        rate: { type: 'string' },
        faults: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values
  } catch (error) {
    throw refusal(error instanceof Error ? error.message : String(error))
  }
}

function readNumber(label: string, text: string, limits: { min: number; max: number }): number {
  const value = Number(text)
  if (text !== '' && value >= limits.min && value <= limits.max) return value
  throw refusal(`${label} is '${text}'; allowed is a number from ${limits.min} to ${limits.max}`)
}

function readWhole(label: string, text: string, limits: { min: number; max: number }): number {
  const value = readNumber(label, text, limits)
  if (Number.isInteger(value)) return value
  throw refusal(`${label} is '${text}'; allowed is a whole number`)
}

function readFaults(text: string): readonly FaultKind[] {
  return text.split(',').map(name => {
    const kind = ALL_FAULTS.find(each => each === name)
    if (kind === undefined) throw refusal(`--faults names '${name}'; allowed are ${ALL_FAULTS.join(', ')}`)
    return kind
  })
}

function refusal(what: string): ChaosError {
  return new ChaosError('CHAOS_USAGE', `${what}.\n\n${USAGE}`)
}
