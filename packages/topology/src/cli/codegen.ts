import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { relative, resolve, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { type CliContext, CliError } from './context.ts'
import { type GeneratedFile, generateFiles, type SchemaFile } from './generate.ts'

const USAGE = `Usage: tributary codegen <file or glob>… --out <directory> [--check]

Writes one TypeScript file for each Avro schema: the schema as a constant, the type of its values, and a serde.
Schemas may refer to named types of one another.

  --out <directory>  where the files go; it is made if need be
  --check            writes nothing, and fails where a file is missing or differs
`

/** `tributary codegen`. */
export function codegen(args: readonly string[], context: CliContext): number {
  const { values, positionals } = parse(args)
  if (values.help === true) {
    context.print(USAGE)
    return 0
  }
  if (values.out === undefined) throw new CliError(`--out is missing.\n\n${USAGE}`, 2)
  const out = resolve(context.workingDirectory, values.out)
  const inputs = findInputs(positionals, context.workingDirectory)
  const files = generateFiles(inputs.map(path => readSchema(path, out, context.workingDirectory)))
  return values.check === true ? check(files, out, context) : write(files, out, context)
}

function parse(args: readonly string[]): ReturnType<typeof parseArguments> {
  try {
    return parseArguments(args)
  } catch (error) {
    throw new CliError(`${(error as Error).message}\n\n${USAGE}`, 2, error)
  }
}

function parseArguments(args: readonly string[]): {
  readonly values: { readonly out?: string; readonly check?: boolean; readonly help?: boolean }
  readonly positionals: readonly string[]
} {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      out: { type: 'string' },
      check: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
}

/** The paths in an order that depends on nothing but their names. */
function findInputs(patterns: readonly string[], workingDirectory: string): readonly string[] {
  if (patterns.length === 0) throw new CliError(`No schema file is given.\n\n${USAGE}`, 2)
  const found = patterns.flatMap(pattern => {
    const path = resolve(workingDirectory, pattern)
    // A file's own name comes before its meaning as a pattern.
    const matches = existsSync(path)
      ? [path]
      : globSync(pattern, { cwd: workingDirectory }).map(match => resolve(workingDirectory, match))
    if (matches.length === 0) throw new CliError(`No file matches ${pattern}.`, 1)
    return matches
  })
  return [...new Set(found)].sort((a, b) => (a < b ? -1 : 1))
}

function readSchema(path: string, out: string, workingDirectory: string): SchemaFile {
  const shown = relative(workingDirectory, path)
  try {
    const source = relative(out, path).split(sep).join('/')
    return { path: shown, source, schema: JSON.parse(readFileSync(path, 'utf8')) as unknown }
  } catch (error) {
    throw new CliError(`${shown} cannot be read: ${(error as Error).message}`, 1, error)
  }
}

function write(files: readonly GeneratedFile[], out: string, context: CliContext): number {
  mkdirSync(out, { recursive: true })
  for (const { name, text } of files) {
    const path = resolve(out, name)
    const isChanged = contentOf(path) !== text
    if (isChanged) writeFileSync(path, text)
    context.print(`${isChanged ? 'written' : 'as it was'}: ${relative(context.workingDirectory, path)}\n`)
  }
  return 0
}

function check(files: readonly GeneratedFile[], out: string, context: CliContext): number {
  const problems = files.flatMap(({ name, text }) => {
    const path = resolve(out, name)
    const content = contentOf(path)
    if (content === text) return []
    const shown = relative(context.workingDirectory, path)
    return [content === undefined ? `${shown} is missing` : `${shown} differs from its schema`]
  })
  if (problems.length === 0) return 0
  context.complain(
    `${problems.join('\n')}\nRun tributary codegen without --check, and commit what it writes.\n`,
  )
  return 1
}

function contentOf(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
