import { codegen } from './codegen.ts'
import { type CliContext, CliError } from './context.ts'
import { dlq } from './dlq/dlq.ts'
import { findPlugIn, findPlugIns, runPlugIn, type PlugInPlaces } from './plug-ins.ts'

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
${line('help', 'this, and the plug-ins that were found')}
${Object.entries(COMMANDS)
  .map(([name, { summary }]) => line(name, summary))
  .join('\n')}

tributary <command> --help says more. Any other command <name> is the program tributary-<name>: the one in the nearest
node_modules/.bin, else the one on the PATH.
`

/**
 * Runs one command of the `tributary` program: 0 done, 1 failed, 2 called wrongly, 130 interrupted. A plug-in's exit code is
 * its own.
 */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
  const [name, ...rest] = args
  if (name === '--help' || name === '-h' || name === 'help') {
    context.print(USAGE + plugInsText(context))
    return 0
  }
  if (name === undefined) {
    context.complain(USAGE)
    return 2
  }
  try {
    return await runCommand(name, rest, context)
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    context.complain(`${error.message}\n`)
    return error.exitCode
  }
}

async function runCommand(name: string, args: readonly string[], context: CliContext): Promise<number> {
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command !== undefined) return await command.run(args, context)
  const plugIn = findPlugIn(name, placesOf(context))
  if (plugIn !== undefined) return await runPlugIn(plugIn, args, context.workingDirectory)
  throw new CliError(
    `There is no command ${name}, and no program tributary-${name} in a node_modules/.bin from ${context.workingDirectory} upwards or on the PATH.\n\n${USAGE}`,
    2,
  )
}

function plugInsText(context: CliContext): string {
  const lines = Array.from(findPlugIns(placesOf(context)))
    // A command of our own is never a plug-in's.
    .filter(([name]) => !Object.hasOwn(COMMANDS, name) && name !== 'help')
    .map(([name, program]) => line(name, program))
  return lines.length === 0 ? '' : `\nPlug-ins:\n${lines.join('\n')}\n`
}

function placesOf({ workingDirectory, searchPath }: CliContext): PlugInPlaces {
  return { workingDirectory, searchPath }
}

function line(name: string, text: string): string {
  return `  ${name.padEnd(11)} ${text}`
}
