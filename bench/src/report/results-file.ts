import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { currentCommit, describeMachine, type Commit, type Machine } from './machine.ts'

const directory = join(import.meta.dirname, '..', '..', 'results')

/** What every results file begins with. */
export interface ResultsHead {
  readonly kind: string
  readonly command: string
  readonly at: string
  readonly machine: Machine
  readonly commit: Commit
}

/** Writes `results/<time>-<kind>-<commit>.json` and returns its path. */
export async function writeResults(kind: string, results: object): Promise<string> {
  const at = new Date().toISOString()
  const commit = await currentCommit()
  const head: ResultsHead = {
    kind,
    command: ['npm run bench --', ...process.argv.slice(2)].join(' '),
    at,
    machine: await describeMachine(),
    commit,
  }
  await mkdir(directory, { recursive: true })
  const name = `${at.slice(0, 16).replace(':', '')}-${kind}-${commit.id}.json`
  const file = join(directory, name)
  await writeFile(file, `${JSON.stringify({ ...head, ...results }, undefined, 2)}\n`)
  return file
}
