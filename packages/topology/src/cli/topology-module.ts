import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { TopologyError } from '../errors.ts'
import type { CompiledTopology } from '../plan/compiled.ts'
import type { TopologyDescription } from '../plan/describe.ts'
import { type CliContext, CliError } from './context.ts'

/** What commands need of a topology. The module may have been built with another copy of this package. */
export interface LoadedTopology {
  readonly name: string
  readonly compiled: CompiledTopology
  describe(): string
  toMermaid(): string
  toJSON(): TopologyDescription
  /** Parameters of the function that built it for which there was no argument. */
  readonly missingArguments: number
}

export const MODULE_OPTIONS = {
  export: { type: 'string' },
  args: { type: 'string' },
} as const

export const MODULE_USAGE = `A topology module is a JavaScript or TypeScript file that exports a topology, or a function that builds one:
  --export <name>               which of its exports; needed where several could be meant
  --args <JSON array>           arguments for the function; without them it is called with none, so that what it is given
                                for running (an enrichment's function, say) is undefined. {"$destination": "name"} in them
                                stands for a destination, which a deliver step needs
`

export interface ModuleValues {
  readonly export?: string
  readonly args?: string
}

/** Imports the module and finds the topology. @throws CliError */
export async function loadTopology(
  path: string,
  values: ModuleValues,
  context: CliContext,
): Promise<LoadedTopology> {
  const file = resolve(context.workingDirectory, path)
  if (!existsSync(file)) throw new CliError(`There is no file ${path}.`, 1)
  const given = argumentsIn(values.args)
  let exports: Readonly<Record<string, unknown>>
  try {
    exports = (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>
  } catch (error) {
    throw new CliError(`${path} cannot be loaded: ${(error as Error).message}`, 1, error)
  }
  if (values.export !== undefined) {
    if (!Object.hasOwn(exports, values.export))
      throw new CliError(`${path} has no export ${values.export}; it has ${namesIn(exports)}.`, 1)
    return await topologyOf({ path, name: values.export }, exports[values.export], given)
  }
  const topologies = Object.entries(exports).filter(([, value]) => isTopology(value))
  const functions = Object.entries(exports).filter(([, value]) => typeof value === 'function')
  const candidates = topologies.length > 0 ? topologies : functions
  const [first, ...others] = candidates
  if (first === undefined)
    throw new CliError(
      `${path} exports neither a topology nor a function that builds one; it has ${namesIn(exports)}.`,
      1,
    )
  if (others.length > 0)
    throw new CliError(
      `${path} has several exports that could be meant: ${candidates.map(([name]) => name).join(', ')}. --export chooses one.`,
      2,
    )
  return await topologyOf({ path, name: first[0] }, first[1], given)
}

function argumentsIn(text: string | undefined): readonly unknown[] {
  if (text === undefined) return []
  try {
    const value: unknown = JSON.parse(text, (_, part: unknown) => destinationFor(part))
    if (Array.isArray(value)) return value
  } catch {
    // Refused below, like JSON of another kind.
  }
  throw new CliError(`--args is ${text}; a JSON array is needed, such as '[{"lingerMs":100}]'.`, 2)
}

/** JSON has no functions, and a destination is nothing without one. Nothing that loads topologies delivers. */
function destinationFor(part: unknown): unknown {
  if (typeof part !== 'object' || part === null || !('$destination' in part)) return part
  return {
    name: String(part.$destination),
    deliver: () => Promise.reject(new CliError('A destination that stands for another delivers nothing.', 1)),
  }
}

async function topologyOf(
  { path, name }: { readonly path: string; readonly name: string },
  value: unknown,
  given: readonly unknown[],
): Promise<LoadedTopology> {
  if (isTopology(value)) return withMissing(value, 0)
  if (typeof value !== 'function')
    throw new CliError(`${name} of ${path} is neither a topology nor a function that builds one.`, 1)
  const missing = Math.max(0, value.length - given.length)
  let built: unknown
  try {
    built = await (value as (...args: readonly unknown[]) => unknown)(...given)
  } catch (error) {
    const code = TopologyError.is(error) ? ` (${error.code})` : ''
    const hint =
      missing > 0
        ? `\nIt takes ${value.length} and was given ${given.length}: --args gives them, or export a topology that has them.`
        : ''
    throw new CliError(
      `${name} of ${path} builds no topology: ${(error as Error).message}${code}${hint}`,
      1,
      error,
    )
  }
  if (isTopology(built)) return withMissing(built, missing)
  throw new CliError(`What ${name} of ${path} returns is no topology.`, 1)
}

type AnyTopology = Omit<LoadedTopology, 'missingArguments'>

function withMissing(topology: AnyTopology, missingArguments: number): LoadedTopology {
  return {
    name: topology.name,
    compiled: topology.compiled,
    describe: () => topology.describe(),
    toMermaid: () => topology.toMermaid(),
    toJSON: () => topology.toJSON(),
    missingArguments,
  }
}

function isTopology(value: unknown): value is AnyTopology {
  return (
    typeof value === 'object' &&
    value !== null &&
    'compiled' in value &&
    'toMermaid' in value &&
    'toJSON' in value &&
    'describe' in value
  )
}

function namesIn(exports: Readonly<Record<string, unknown>>): string {
  return Object.keys(exports).join(', ') || 'none'
}
