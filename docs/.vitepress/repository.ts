import { existsSync } from 'node:fs'
import { posix } from 'node:path'
import { fileURLToPath } from 'node:url'

// The pages of `docs/` link to files of the repository by their relative paths, so that they can be followed where the
// repository is read. On the site some of those files are pages of their own, and the rest are named, not linked.

const root = fileURLToPath(new URL('../../', import.meta.url))

export interface ForeignPage {
  /** In the repository. */
  readonly file: string
  /** The page is `packages/<name>` on the site. */
  readonly name: string
  readonly title: string
}

/** Markdown files outside `docs/` that are pages of the site. */
export const FOREIGN_PAGES: readonly ForeignPage[] = [
  { file: 'packages/topology/README.md', name: 'topology', title: 'topology' },
  {
    file: 'packages/topology/ARCHITECTURE.md',
    name: 'topology-architecture',
    title: 'How topology is built',
  },
  { file: 'packages/enrichers/README.md', name: 'enrichers', title: 'enrichers' },
  { file: 'packages/sink-braze/README.md', name: 'sink-braze', title: 'sink-braze' },
  { file: 'packages/create-tributary/README.md', name: 'create-tributary', title: 'create-tributary' },
  { file: 'services/marketing-events/README.md', name: 'marketing-events', title: 'marketing-events' },
  { file: 'services/braze-sink/README.md', name: 'braze-sink', title: 'braze-sink' },
  { file: 'services/activities-api/README.md', name: 'activities-api', title: 'activities-api' },
  { file: 'services/braze-simulator/README.md', name: 'braze-simulator', title: 'braze-simulator' },
  { file: 'services/console/README.md', name: 'console', title: 'console' },
].filter(({ file }) => existsSync(root + file))

/**
 * Where a link of a repository file leads on the site: a path that is relative to the page's own, a route of the site, or
 * nowhere (`undefined`), when its target is a file that the site does not show.
 *
 * @throws Error for a target that does not exist
 */
export function siteLink(href: string, fromFile: string): string | undefined {
  if (/^[a-z]+:|^#|^\//.test(href)) return href
  const [, path = '', anchor = ''] = /^([^#]*)(#.*)?$/.exec(href) ?? []
  const target = posix.normalize(posix.join(posix.dirname(fromFile), path))
  if (!existsSync(root + target)) throw new Error(`${fromFile} links to ${target}, which does not exist`)
  return routeOf(target, anchor)
}

/** The repository file behind a page of the site. */
export function fileOfPage(page: string): string {
  const foreign = FOREIGN_PAGES.find(({ name }) => page === `packages/${name}.md`)
  return foreign?.file ?? `docs/${page}`
}

function routeOf(target: string, anchor: string): string | undefined {
  if (target.startsWith('docs/') && target.endsWith('.md')) return `/${target.slice(5, -3)}${anchor}`
  const folder = target.replace(/\/$/, '')
  if (folder === 'docs/decisions') return '/decisions/'
  if (folder === 'docs/reference') return '/reference/'
  const page = FOREIGN_PAGES.find(({ file }) => file === target || file === `${folder}/README.md`)
  return page === undefined ? undefined : `/packages/${page.name}${anchor}`
}
