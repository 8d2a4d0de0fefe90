import { TopologyError } from '../../errors.ts'
import { type CliContext, CliError } from '../context.ts'
import { list } from './list.ts'
import { replay } from './replay.ts'
import { show } from './show.ts'

const COMMANDS: Readonly<Record<string, (args: readonly string[], context: CliContext) => Promise<number>>> =
  { list, show, replay }

const USAGE = `Usage: tributary dlq <command>

Commands:
  list        one line per dead letter, and how many there are of each code
  show        everything about one of them
  replay      plays them back, to the topics that they came from or to another one

tributary dlq <command> --help says more.
`

/** `tributary dlq`. */
export async function dlq(args: readonly string[], context: CliContext): Promise<number> {
  const [name, ...rest] = args
  if (name === '--help' || name === '-h' || name === 'help') {
    context.print(USAGE)
    return 0
  }
  const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command === undefined)
    throw new CliError(
      name === undefined
        ? `A command is missing.\n\n${USAGE}`
        : `There is no command dlq ${name}.\n\n${USAGE}`,
      2,
    )
  try {
    return await command(rest, context)
  } catch (error) {
    if (context.signal?.aborted === true) return 130
    if (TopologyError.is(error)) throw new CliError(`${error.message} (${error.code})`, 1, error)
    throw error
  }
}
