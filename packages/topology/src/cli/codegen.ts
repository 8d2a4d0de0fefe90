import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { relative, resolve, sep } from 'node:path'
import { type Command, defineCommand } from './command.ts'
import { type CliContext, CliError } from './context.ts'
import { type GeneratedFile, generateFiles, type SchemaFile } from './generate.ts'

const USAGE = `Usage: tributary codegen <file or glob>… --out <directory> [--check]

Writes one TypeScript file for each Avro schema: the schema as a constant, the type of its values, and a serde.
Schemas may refer to named types of one another.

  --out <directory>  where the files go; it is made if need be
  --check            writes nothing, and fails where a file is missing or differs
  --json             what became of each file, as a JSON array
`

/** `tributary codegen`. */
export const CODEGEN: Command = defineCommand({
  name: 'codegen',
  summary: 'Avro schemas (.avsc) to TypeScript',
  usage: USAGE,
  examples: [
    "codegen 'schemas/*.avsc' --out src/generated",
    "codegen 'schemas/*.avsc' --out src/generated --check",
  ],
  options: {
    out: { type: 'string' },
    check: { type: 'boolean' },
    json: { type: 'boolean' },
  },
  exitCodes: { 1: 'failed; with --check: a file is missing or differs' },
  run({ values, positionals }, context) {
    if (values.out === undefined) throw new CliError(`--out is missing.\n\n${USAGE}`, 2)
    const out = resolve(context.workingDirectory, values.out)
    const inputs = findInputs(positionals, context.workingDirectory)
    const files = generateFiles(inputs.map(path => readSchema(path, out, context.workingDirectory)))
    const outcomes = files.map(file => outcomeOf(file, out, context.workingDirectory))
    if (values.check !== true) write(files, out)
    if (values.json === true) {
      context.print(`${JSON.stringify(outcomes)}\n`)
      return values.check === true && outcomes.some(({ state }) => state !== 'as it was') ? 1 : 0
    }
    return values.check === true ? check(outcomes, context) : tell(outcomes, context)
  },
})

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

interface Outcome {
  readonly path: string
  /** Before anything is written. */
  readonly state: 'missing' | 'differs' | 'as it was'
}

function outcomeOf({ name, text }: GeneratedFile, out: string, workingDirectory: string): Outcome {
  const path = resolve(out, name)
  const content = existsSync(path) ? readFileSync(path, 'utf8') : undefined
  const state = content === text ? 'as it was' : content === undefined ? 'missing' : 'differs'
  return { path: relative(workingDirectory, path), state }
}

function write(files: readonly GeneratedFile[], out: string): void {
  mkdirSync(out, { recursive: true })
  for (const { name, text } of files) {
    const path = resolve(out, name)
    if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text)
  }
}

function tell(outcomes: readonly Outcome[], context: CliContext): number {
  for (const { path, state } of outcomes)
    context.print(`${state === 'as it was' ? state : 'written'}: ${path}\n`)
  return 0
}

function check(outcomes: readonly Outcome[], context: CliContext): number {
  const problems = outcomes.flatMap(({ path, state }) =>
    state === 'as it was'
      ? []
      : [state === 'missing' ? `${path} is missing` : `${path} differs from its schema`],
  )
  if (problems.length === 0) return 0
  context.complain(
    `${problems.join('\n')}\nRun tributary codegen without --check, and commit what it writes.\n`,
  )
  return 1
}
