import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createProject, type CreatedProject } from 'create-tributary'
import { repositoryRoot } from '../stack/repository.ts'

const run = promisify(execFile)
const PNPM = 'pnpm@12.21.0'

/** Compiles a package of the workspace and packs it as it would be published. Returns the archive's path. */
export async function packPackage(folder: string, destination: string): Promise<string> {
  const path = join(repositoryRoot, 'packages', folder)
  await run('tsc', ['-b', path], { cwd: repositoryRoot })
  const before = new Set(await readdir(destination))
  // Not npm's: only pnpm knows the versions behind `workspace:` and `catalog:`.
  await run('npx', ['--yes', PNPM, 'pack', '--pack-destination', destination], { cwd: path })
  const archive = (await readdir(destination)).find(name => !before.has(name) && name.endsWith('.tgz'))
  if (archive === undefined) throw new Error(`Packing ${folder} has left no archive in ${destination}`)
  return join(destination, archive)
}

/** A project that has the library of this repository, as an archive in its own folder. */
export async function createFromRepository(folder: string): Promise<CreatedProject> {
  const scratch = await mkdtemp(join(tmpdir(), 'tributary-pack-'))
  try {
    const archive = await packPackage('topology', scratch)
    const name = archive.slice(scratch.length + 1)
    const project = createProject({ folder, topology: `file:vendor/${name}` })
    await mkdir(join(project.folder, 'vendor'))
    await cp(archive, join(project.folder, 'vendor', name))
    return project
  } finally {
    await rm(scratch, { recursive: true })
  }
}
