import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { repositoryRoot } from '../../../dev/stack/repository.ts'
import { figures, withFigures } from './document.ts'
import { readSavedResults } from './results-file.ts'

const DOCS = join(repositoryRoot, 'docs')
const DOCUMENT = join(DOCS, 'performance.md')
const DRAWINGS = join(DOCS, 'performance')

/** What the saved results come to, by file. */
export async function documentFiles(): Promise<ReadonlyMap<string, string>> {
  const { markdown, drawings } = figures(await readSavedResults())
  const files = new Map([[DOCUMENT, withFigures(await readFile(DOCUMENT, 'utf8'), markdown)]])
  for (const [path, drawing] of Object.entries(drawings)) files.set(join(DOCS, path), drawing)
  return files
}

/** Writes the figures of `docs/performance.md`, and its drawings, anew. Returns the files. */
export async function writeDocument(): Promise<readonly string[]> {
  const files = await documentFiles()
  // Drawings of results that are no more.
  await rm(DRAWINGS, { recursive: true, force: true })
  for (const [file, content] of files) {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, content)
  }
  return [...files.keys()]
}
