import type { ParseArgsConfig } from 'node:util'
import { parseArguments, type Parsed } from './arguments.ts'
import type { CliContext } from './context.ts'

export type Options = NonNullable<ParseArgsConfig['options']>

/** Of every command; a command may have more. */
export const EXIT_CODES: Readonly<Record<number, string>> = {
  0: 'done',
  1: 'failed',
  2: 'called wrongly',
  130: 'interrupted by Ctrl-C',
}

const HELP = { help: { type: 'boolean', short: 'h' } } as const

/** One command of the program, with everything that its help and `docs/reference/cli.md` say of it. */
export interface Command {
  /** As it is called: `dlq list`. */
  readonly name: string
  /** For the list of all commands. */
  readonly summary: string
  /** The text of `--help`. */
  readonly help: string
  readonly options: Options
  readonly exitCodes: Readonly<Record<number, string>>
  /** Answers the exit code. */
  run(args: readonly string[], context: CliContext): Promise<number>
}

export interface CommandDefinition<O extends Options> {
  readonly name: string
  readonly summary: string
  /** What the command takes and does, and its options. Examples and exit codes are added. */
  readonly usage: string
  /** Arguments behind `tributary`. */
  readonly examples: readonly string[]
  readonly options: O
  /** Besides those of every command, or in place of them. */
  readonly exitCodes?: Readonly<Record<number, string>>
  run(call: Parsed<O & typeof HELP>, context: CliContext, usage: string): number | Promise<number>
}

export function defineCommand<const O extends Options>(definition: CommandDefinition<O>): Command {
  const { name, summary, usage, examples } = definition
  const options = { ...definition.options, ...HELP }
  const exitCodes = { ...EXIT_CODES, ...definition.exitCodes }
  const help = [
    usage,
    'Examples:',
    ...examples.map(example => `  tributary ${example}`),
    '',
    'Exit codes:',
    ...Object.entries(exitCodes).map(([code, meaning]) => `  ${code.padEnd(5)} ${meaning}`),
    '',
  ].join('\n')
  return {
    name,
    summary,
    help,
    options,
    exitCodes,
    async run(args, context) {
      const call = parseArguments(args, options, usage)
      if ('help' in call.values && call.values.help === true) {
        context.print(help)
        return 0
      }
      return await definition.run(call, context, usage)
    },
  }
}
