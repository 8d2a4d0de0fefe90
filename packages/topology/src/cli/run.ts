import { TopologyError } from '../errors.ts'
import type { Command } from './command.ts'
import { COMMANDS, GROUPS } from './commands.ts'
import { type CliContext, CliError } from './context.ts'
import { findPlugIn, findPlugIns, runPlugIn, type PlugInPlaces } from './plug-ins.ts'

/** What stands in the list of all commands: one that is alone, or a group of several. */
const ENTRIES: ReadonlyMap<string, string> = new Map(
  COMMANDS.map(({ name, summary }) => {
    const first = firstWord(name)
    // `describe diff` stands with `describe`.
    const alone = COMMANDS.find(command => command.name === first)
    return [first, GROUPS[first] ?? alone?.summary ?? summary]
  }),
)

const USAGE = `Usage: tributary <command>

Commands:
${line('help', 'this, and the plug-ins that were found')}
${Array.from(ENTRIES, ([name, summary]) => line(name, summary)).join('\n')}

tributary <command> --help says more. Any other command <name> is the program tributary-<name>: the one in the nearest
node_modules/.bin, else the one on the PATH.
`

/**
 * Runs one command of the `tributary` program: 0 done, 1 failed, 2 called wrongly, 130 interrupted, others by command. A
 * plug-in's exit code is its own.
 */
export async function runCli(args: readonly string[], context: CliContext): Promise<number> {
  const [name] = args
  if (isHelp(name)) {
    context.print(USAGE + plugInsText(context))
    return 0
  }
  if (name === undefined) {
    context.complain(USAGE)
    return 2
  }
  try {
    return await runCommand(name, args, context)
  } catch (error) {
    if (error instanceof CliError) {
      context.complain(`${error.message}\n`)
      return error.exitCode
    }
    if (context.signal?.aborted === true) return 130
    if (!TopologyError.is(error)) throw error
    context.complain(`${error.message} (${error.code})\n`)
    return 1
  }
}

async function runCommand(first: string, args: readonly string[], context: CliContext): Promise<number> {
  const command = commandOf(args)
  if (command !== undefined) return await command.run(args.slice(words(command.name).length), context)
  if (Object.hasOwn(GROUPS, first)) return groupHelp(first, args[1], context)
  const plugIn = findPlugIn(first, placesOf(context))
  if (plugIn !== undefined) return await runPlugIn(plugIn, args.slice(1), context.workingDirectory)
  throw new CliError(
    `There is no command ${first}, and no program tributary-${first} in a node_modules/.bin from ${context.workingDirectory} upwards or on the PATH.\n\n${USAGE}`,
    2,
  )
}

/** The longest name that the arguments begin with: `describe diff` comes before `describe`. */
function commandOf(args: readonly string[]): Command | undefined {
  const called = COMMANDS.filter(({ name }) => words(name).every((word, i) => args[i] === word))
  return called.toSorted((a, b) => words(b.name).length - words(a.name).length)[0]
}

function groupHelp(group: string, name: string | undefined, context: CliContext): number {
  const members = COMMANDS.filter(command => firstWord(command.name) === group)
  const usage = `Usage: tributary ${group} <command>

Commands:
${members.map(command => line(words(command.name).slice(1).join(' '), command.summary)).join('\n')}

tributary ${group} <command> --help says more.
`
  if (isHelp(name)) {
    context.print(usage)
    return 0
  }
  const problem = name === undefined ? 'A command is missing.' : `There is no command ${group} ${name}.`
  throw new CliError(`${problem}\n\n${usage}`, 2)
}

function isHelp(word: string | undefined): boolean {
  return word === '--help' || word === '-h' || word === 'help'
}

function plugInsText(context: CliContext): string {
  const lines = Array.from(findPlugIns(placesOf(context)))
    // A command of our own is never a plug-in's.
    .filter(([name]) => !ENTRIES.has(name) && name !== 'help')
    .map(([name, program]) => line(name, program))
  return lines.length === 0 ? '' : `\nPlug-ins:\n${lines.join('\n')}\n`
}

function placesOf({ workingDirectory, searchPath }: CliContext): PlugInPlaces {
  return { workingDirectory, searchPath }
}

function words(name: string): readonly string[] {
  return name.split(' ')
}

function firstWord(name: string): string {
  return name.split(' ')[0] ?? name
}

function line(name: string, text: string): string {
  return `  ${name.padEnd(11)} ${text}`
}
