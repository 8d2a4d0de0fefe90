import { parseArgs, type ParseArgsConfig } from 'node:util'
import { CliError } from './context.ts'

type Options = NonNullable<ParseArgsConfig['options']>
export type Parsed<O extends Options> = ReturnType<
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

/** Exactly the arguments that a command takes, by what they are called in its usage. */
export function exactly<const N extends readonly string[]>(
  positionals: readonly string[],
  names: N,
  usage: string,
): { readonly [I in keyof N]: string } {
  const missing = names[positionals.length]
  if (missing !== undefined) throw new CliError(`The ${missing} is missing.\n\n${usage}`, 2)
  const rest = positionals.slice(names.length)
  if (rest.length > 0) throw new CliError(`${rest.join(' ')} is too much.\n\n${usage}`, 2)
  return positionals as unknown as { readonly [I in keyof N]: string }
}
