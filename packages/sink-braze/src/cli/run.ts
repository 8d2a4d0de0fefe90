import { capacity } from './capacity/capacity.ts'
import { type CliContext, UsageError } from './context.ts'

interface Command {
  readonly summary: string
  /** Answers the exit code. */
  run(args: readonly string[], context: CliContext): number
}

const COMMANDS: Readonly<Record<string, Command>> = {
  capacity: {
    summary: 'how many requests an event rate needs, and whether the limits carry it',
    run: capacity,
  },
}

const USAGE = `Usage: tributary braze <command>

Commands:
${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(11)} ${summary}`)
  .join('\n')}

tributary braze <command> --help says more.
`

/** Runs one command of `tributary braze`: 2 when it is called wrongly; what else an exit code means, each command says. */
export function runCli(args: readonly string[], context: CliContext): number {
  const [name, ...rest] = args
  if (name === '--help' || name === '-h' || name === 'help') {
    context.print(USAGE)
    return 0
  }
  const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) {
    context.complain(name === undefined ? USAGE : `There is no command braze ${name}.\n\n${USAGE}`)
    return 2
  }
  try {
    return command.run(rest, context)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    context.complain(`${error.message}\n`)
    return 2
  }
}
