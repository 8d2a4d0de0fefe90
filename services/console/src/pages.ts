import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FastifyInstance } from 'fastify'

/** Where the build puts them, seen from the sources as well as from `dist`. */
export const PAGES_FOLDER: string = fileURLToPath(new URL('../dist/web/', import.meta.url))

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}

interface Page {
  readonly path: string
  readonly type: string
  readonly bytes: Buffer
}

/**
 * The built pages. Read once, and served under their own names alone: no path that is asked for ever meets the file system.
 * @throws Error when they have not been built
 */
export function readPages(folder: string = PAGES_FOLDER): readonly Page[] {
  let names: string[]
  try {
    names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  } catch (cause) {
    throw new Error(`The pages are not built (${folder} is missing): node services/console/web/build.ts`, {
      cause,
    })
  }
  return names.flatMap(name => {
    const type = TYPES[extname(name)]
    const path = `/${name.replaceAll('\\', '/')}`
    return type === undefined ? [] : [{ path, type, bytes: readFileSync(join(folder, name)) }]
  })
}

export function addPages(server: FastifyInstance, pages: readonly Page[]): void {
  for (const { path, type, bytes } of pages) {
    // The build writes the hash of what they hold into the names of all but the first.
    const isNamedByHash = path.startsWith('/assets/')
    const caching = isNamedByHash ? 'public, max-age=31536000, immutable' : 'no-cache'
    for (const url of path === '/index.html' ? ['/', path] : [path])
      server.get(url, (_, reply) => reply.type(type).header('cache-control', caching).send(bytes))
  }
}
