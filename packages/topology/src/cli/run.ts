import { codegen } from './codegen.ts'
import { type CliContext, CliError } from './context.ts'
import { dlq } from './dlq/dlq.ts'

interface Command {
  readonly summary: string
  /** Answers the exit code. */
  run(args: readonly string[], context: CliContext): number | Promise<number>
}

const COMMANDS: Readonly<Record<string, Command>> = {
  codegen: { summary: 'Avro schemas (.avsc) to TypeScript', run: codegen },
  dlq: { summary: 'dead letters: list them, look at one, play them back', run: dlq },
}

const USAGE = `Usage: tributary <command>

Commands:
${Object.entries(COMMANDS)
  .map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`)
  .join('\n')}

tributary <command> --help says more.
`

/** Runs one command of the `tributary` program: 0 done, 1 failed, 2 called wrongly, 130 interrupted. */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
  const [name, ...rest] = args
  if (name === '--help' || name === '-h' || name === 'help') {
    context.print(USAGE)
    return 0
  }
  const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined) {
    context.complain(name === undefined ? USAGE : `There is no command ${name}.\n\n${USAGE}`)
    return 2
  }
  try {
    return await command.run(rest, context)
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    context.complain(`${error.message}\n`)
    return error.exitCode
  }
}
