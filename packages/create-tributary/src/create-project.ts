import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const template = fileURLToPath(new URL('../template/', import.meta.url))

export interface ProjectOptions {
  /** Made where it is missing; has to be empty. Its name becomes the package's name and the application id. */
  readonly folder: string
  /** What package.json says of `@tributary/topology`: a range of versions, or where the package is. */
  readonly topology: string
}

export interface CreatedProject {
  readonly name: string
  readonly folder: string
  /** Relative to the folder, sorted. */
  readonly files: readonly string[]
}

/** Says what the user has to do differently. */
export class CreateError extends Error {
  override readonly name = 'CreateError'
}

/**
 * Copies the template and gives it its name.
 * @throws CreateError for a folder that is not empty, or whose name cannot be a package's
 */
export function createProject({ folder, topology }: ProjectOptions): CreatedProject {
  const path = resolve(folder)
  const name = basename(path)
  // What npm takes for a package and Kafka for a group and the topics that are named after it.
  if (!/^[a-z0-9][a-z0-9._-]{0,99}$/.test(name))
    throw new CreateError(
      `The folder's name becomes the project's, and '${name}' cannot: allowed are 1 to 100 of the characters a-z 0-9 . _ -, with a letter or a digit first.`,
    )
  if (existsSync(path) && readdirSync(path).some(entry => entry !== '.git'))
    throw new CreateError(`${path} is not empty: name a folder that is, or one that does not exist yet.`)
  mkdirSync(path, { recursive: true })
  const skipped = join(template, 'node_modules')
  cpSync(template, path, { recursive: true, filter: source => source !== skipped })
  // Under their own names npm would leave the first out, and tools would take the others for the repository's.
  renameSync(join(path, '_gitignore'), join(path, '.gitignore'))
  for (const file of ['package.json', 'tsconfig.json']) renameSync(join(path, `_${file}`), join(path, file))
  const files = globSync('**/*', { cwd: path, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
  for (const file of [...files, join(path, '.gitignore')]) {
    const text = readFileSync(file, 'utf8')
    const filled = text.replaceAll('my-topology', name).replaceAll('TOPOLOGY_SPECIFIER', topology)
    if (filled !== text) writeFileSync(file, filled)
  }
  return { name, folder: path, files: files.map(file => file.slice(path.length + 1)).toSorted() }
}
