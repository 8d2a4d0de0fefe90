import { spawn } from 'node:child_process'
import { accessSync, constants, readdirSync, statSync } from 'node:fs'
import { constants as system } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { CliError } from './context.ts'

const PREFIX = 'tributary-'
/** No separator and no leading dash: a name is never a path, and never an option. */
const NAME = /^[a-z0-9][a-z0-9-]*$/i
/** As shells report a child that a signal has ended. */
const SIGNALLED = 128

export interface PlugInPlaces {
  readonly workingDirectory: string
  /** As in PATH. */
  readonly searchPath: string | undefined
}

/** The program that `tributary <name>` runs when `name` is none of its own commands; undefined when there is none. */
export function findPlugIn(name: string, places: PlugInPlaces): string | undefined {
  if (!NAME.test(name)) return undefined
  return foldersOf(places)
    .map(folder => join(folder, PREFIX + name))
    .find(isProgram)
}

/** Every plug-in by name, sorted. Of several with one name the nearest counts, as for `findPlugIn`. */
export function findPlugIns(places: PlugInPlaces): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const folder of foldersOf(places)) {
    for (const file of filesOf(folder)) {
      const name = file.slice(PREFIX.length)
      if (!file.startsWith(PREFIX) || !NAME.test(name) || found.has(name)) continue
      const path = join(folder, file)
      if (isProgram(path)) found.set(name, path)
    }
  }
  return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/**
 * Answers the program's exit code. It shares the terminal, so Ctrl-C reaches it without us; we stay until it has ended.
 * What is sent to us alone is passed on.
 */
export async function runPlugIn(
  program: string,
  args: readonly string[],
  workingDirectory: string,
): Promise<number> {
  const child = spawn(program, args, { cwd: workingDirectory, stdio: 'inherit' })
  const stay = (): void => undefined
  const passOn = (signal: NodeJS.Signals): void => void child.kill(signal)
  process.on('SIGINT', stay)
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, passOn)
  try {
    return await new Promise<number>((done, failed) => {
      child.once('error', failed)
      child.once('exit', (code, signal) => done(code ?? SIGNALLED + system.signals[signal ?? 'SIGTERM']))
    })
  } catch (error) {
    throw new CliError(`${program} cannot be run: ${(error as Error).message}`, 1, error)
  } finally {
    process.off('SIGINT', stay)
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.off(signal, passOn)
  }
}

/** `node_modules/.bin` of the working directory and of those above it, then PATH. */
function foldersOf({ workingDirectory, searchPath = '' }: PlugInPlaces): readonly string[] {
  const folders: string[] = []
  for (let at = resolve(workingDirectory), above = ''; at !== above; above = at, at = dirname(at)) {
    folders.push(join(at, 'node_modules', '.bin'))
  }
  for (const folder of searchPath.split(delimiter)) {
    if (folder !== '') folders.push(resolve(workingDirectory, folder))
  }
  return folders
}

function filesOf(folder: string): readonly string[] {
  try {
    return readdirSync(folder)
  } catch {
    // Most places have no such folder.
    return []
  }
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
