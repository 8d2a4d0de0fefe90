import { parseArgs, type ParseArgsConfig } from 'node:util'
import { CliError } from '../context.ts'

type Options = NonNullable<ParseArgsConfig['options']>
type Parsed<O extends Options> = ReturnType<
  typeof parseArgs<{ args: string[]; allowPositionals: true; options: O }>
>

/** Unknown options and wrong kinds are refused with the usage. */
export function parseArguments<const O extends Options>(
  args: readonly string[],
  options: O,
  usage: string,
): Parsed<O> {
  try {
    return parseArgs({ args: [...args], allowPositionals: true, options })
  } catch (error) {
    throw new CliError(`${(error as Error).message}\n\n${usage}`, 2, error)
  }
}

/** The one topic that a command is about. */
export function onlyTopic(positionals: readonly string[], usage: string): string {
  const [topic, ...rest] = positionals
  if (topic === undefined) throw new CliError(`The dead-letter topic is missing.\n\n${usage}`, 2)
  if (rest.length > 0) throw new CliError(`${rest.join(' ')} is too much.\n\n${usage}`, 2)
  return topic
}
