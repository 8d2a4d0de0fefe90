import { existsSync } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { localDirectory } from './repository.ts'

const KEPT_MS = 3 * 24 * 60 * 60 * 1_000

/** A folder for one run's logs, `.local/logs/<run>-<time>-<pid>`. Those of runs more than three days ago are removed. */
export async function newLogDirectory(run: string): Promise<string> {
  const logs = join(localDirectory, 'logs')
  if (existsSync(logs)) await removeOldRuns(logs)
  const time = new Date().toISOString().slice(0, 19).replaceAll(':', '')
  const directory = join(logs, `${run}-${time}-${process.pid}`)
  await mkdir(directory, { recursive: true })
  return directory
}

async function removeOldRuns(logs: string): Promise<void> {
  for (const entry of await readdir(logs, { withFileTypes: true })) {
    const directory = join(logs, entry.name)
    // Another run may be removing the same one.
    const age = await stat(directory).then(
      found => Date.now() - found.mtimeMs,
      () => 0,
    )
    if (entry.isDirectory() && age > KEPT_MS) await rm(directory, { recursive: true, force: true })
  }
}
