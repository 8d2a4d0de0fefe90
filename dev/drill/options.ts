import { parseArgs } from 'node:util'
import { DrillError } from './drill-error.ts'

export interface DrillOptions {
  /** Scenarios whose name holds this text; undefined: all. */
  readonly only: string | undefined
  /** Without the scenarios that need processes, and with a small backlog. */
  readonly isShort: boolean
  /** What is left to chance follows from it. */
  readonly seed: number
  /** Whether standard output is the last line alone. */
  readonly isJson: boolean
}

export type CommandLine = { readonly kind: 'help' } | { readonly kind: 'run'; readonly options: DrillOptions }

export const USAGE = `Usage: npm run drill -- [options]

Puts the Braze sink through everything that Braze can do to it, and compares what is at Braze, among the
dead letters and committed afterwards. The exit code is 0 only when nothing differs.

  --only TEXT   scenarios whose name holds the text
  --short       without the scenarios that need processes, and with a small backlog
  --seed S      what is left to chance: backoffs, the order in which Braze applies requests (1)
  --json        standard output is one line: the result as JSON; the rest goes to standard error
  --help        this text
`

const MAX_SEED = 2 ** 31 - 1

/** @throws DrillError DRILL_USAGE */
export function readCommandLine(args: readonly string[]): CommandLine {
  const values = parse(args)
  if (values.help === true) return { kind: 'help' }
  const seed = Number(values.seed ?? '1')
  if (!Number.isInteger(seed) || seed < 0 || seed > MAX_SEED || values.seed === '') {
    throw refusal(`--seed is '${values.seed}'; allowed is a whole number from 0 to ${MAX_SEED}`)
  }
  return {
    kind: 'run',
    options: { only: values.only, isShort: values.short ?? false, seed, isJson: values.json ?? false },
  }
}

function parse(args: readonly string[]): {
  readonly only?: string | undefined
  readonly short?: boolean | undefined
  readonly seed?: string | undefined
  readonly json?: boolean | undefined
  readonly help?: boolean | undefined
} {
  try {
    return parseArgs({
      args: [...args],
      options: {
        only: { type: 'string' },
        short: { type: 'boolean' },
        seed: { type: 'string' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values
  } catch (error) {
    throw refusal(error instanceof Error ? error.message : String(error))
  }
}

export function refusal(what: string): DrillError {
  return new DrillError('DRILL_USAGE', `${what}.\n\n${USAGE}`)
}
