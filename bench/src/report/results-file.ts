import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Outcome } from '../measurement.ts'
import type { Measurement } from '../options.ts'
import { currentCommit, describeMachine, machineSlug, type Commit, type Machine } from './machine.ts'

export const RESULTS_DIRECTORY: string = join(import.meta.dirname, '..', '..', 'results')
/** Of runs that nobody quotes. Git ignores it. */
const LOCAL = 'local'

/** What every results file begins with. */
export interface ResultsHead {
  readonly kind: string
  /** Repeats the measurement. */
  readonly command: string
  readonly at: string
  readonly machine: Machine
  readonly commit: Commit
}

export interface ResultsFile extends ResultsHead {
  readonly options: object
  readonly summary: object
  readonly runs: readonly object[]
}

/**
 * Writes `results/<machine>/<kind>.json`, in place of the one before, or `results/local/<time>-<kind>-<commit>.json`.
 * Returns its path.
 */
export async function writeResults(
  outcome: Outcome,
  how: { readonly measurement: Measurement; readonly args: readonly string[]; readonly isSaved: boolean },
): Promise<string> {
  const at = new Date().toISOString()
  const commit = await currentCommit()
  const machine = await describeMachine()
  const command = ['npm run bench --', ...how.args.filter(arg => arg !== '--save' && arg !== '--json')].join(
    ' ',
  )
  const head: ResultsHead = { kind: outcome.name, command, at, machine, commit }
  const directory = join(RESULTS_DIRECTORY, how.isSaved ? machineSlug(machine) : LOCAL)
  await mkdir(directory, { recursive: true })
  const name = how.isSaved ? outcome.name : `${at.slice(0, 16).replace(':', '')}-${outcome.name}-${commit.id}`
  const file = join(directory, `${name}.json`)
  const content = {
    ...head,
    options: optionsForFile(how.measurement),
    summary: outcome.summary,
    ...outcome.details,
  }
  await writeFile(file, `${JSON.stringify(content, undefined, 2)}\n`)
  return file
}

/** The committed ones, by machine and by kind; both in the order of their names. */
export async function readSavedResults(
  directory: string = RESULTS_DIRECTORY,
): Promise<ReadonlyMap<string, ReadonlyMap<string, ResultsFile>>> {
  const machines = new Map<string, ReadonlyMap<string, ResultsFile>>()
  for (const machine of await namesIn(directory)) {
    if (machine === LOCAL) continue
    const files = (await namesIn(join(directory, machine))).filter(name => name.endsWith('.json'))
    const results = await Promise.all(
      files.map(async name => {
        const text = await readFile(join(directory, machine, name), 'utf8')
        return [name.slice(0, -'.json'.length), JSON.parse(text) as ResultsFile] as const
      }),
    )
    if (results.length > 0) machines.set(machine, new Map(results))
  }
  return machines
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).toSorted()
  } catch {
    // Nothing was saved yet.
    return []
  }
}

/** Without what is only code: contestants and axes by their names. */
function optionsForFile({ options }: Measurement): object {
  const named = (entries: readonly { readonly name: string; readonly title: string }[]): object =>
    entries.map(({ name, title }) => ({ name, title }))
  return {
    ...options,
    ...('contestants' in options && { contestants: named(options.contestants) }),
    ...('axes' in options && { axes: named(options.axes) }),
  }
}
