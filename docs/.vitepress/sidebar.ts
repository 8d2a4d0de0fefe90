import { existsSync, globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { DefaultTheme } from 'vitepress'
import { FOREIGN_PAGES } from './repository.ts'

const docs = fileURLToPath(new URL('../', import.meta.url))

interface Group {
  readonly text: string
  /** In their order; a page that is not there is left out. */
  readonly pages: readonly string[]
  /** Pages of this folder that no group lists follow behind, by their names. */
  readonly folder?: string
  readonly collapsed?: boolean
}

const GROUPS: readonly Group[] = [
  { text: 'Begin', pages: ['tutorial/index'], folder: 'tutorial' },
  {
    text: 'Guide',
    pages: [
      'guide/index',
      'guide/streams-and-tables',
      'guide/joins',
      'guide/enriching',
      'guide/branching',
      'guide/rekeying',
      'guide/delivering',
      'guide/dead-letters',
      'guide/exactly-once',
      'guide/schemas',
      'guide/testing',
      'guide/coming-from-kafka-streams',
    ],
    folder: 'guide',
  },
  {
    text: 'Reference',
    pages: [
      'reference/index',
      'reference/operators',
      'reference/config',
      'reference/environment',
      'reference/errors',
      'reference/package-errors',
      'reference/http',
      'reference/metrics',
      'reference/cli',
    ],
    folder: 'reference',
  },
  {
    text: 'Operations',
    pages: ['operations', 'console', 'braze', 'reliability', 'performance'],
    folder: 'operations',
  },
  { text: 'Runbook', pages: ['runbook/index'], folder: 'runbook', collapsed: true },
  { text: 'Decisions', pages: ['decisions/index'], folder: 'decisions', collapsed: true },
]

/** The groups with the pages that there are, titled by their first headings. No page of `docs/` is left out. */
export function sidebar(): DefaultTheme.SidebarItem[] {
  const found = globSync('**/*.md', { cwd: docs, exclude: ['node_modules', '.vitepress'] })
    .map(file => file.slice(0, -3))
    .filter(page => page !== 'index' && !page.includes('['))
    .sort()
  const listed = new Set(GROUPS.flatMap(({ pages }) => pages))
  const unlisted = found.filter(page => !listed.has(page))
  const homes = new Set(GROUPS.map(({ folder }) => folder))
  const isHomeless = (page: string): boolean => !homes.has(page.split('/')[0])
  const groups = GROUPS.map(({ text, pages, folder, collapsed = false }) => ({
    text,
    collapsed,
    items: [
      ...pages.filter(page => existsSync(`${docs}${page}.md`)),
      ...unlisted.filter(page => folder !== undefined && page.startsWith(`${folder}/`)),
    ].map(itemOf),
  }))
  return [
    ...groups,
    {
      text: 'Packages and services',
      collapsed: true,
      items: FOREIGN_PAGES.map(({ name, title }) => ({ text: title, link: `/packages/${name}` })),
    },
    { text: 'More', collapsed: true, items: unlisted.filter(isHomeless).map(itemOf) },
  ].filter(({ items }) => items.length > 0)
}

function itemOf(page: string): DefaultTheme.SidebarItem {
  const isOverview = page.endsWith('/index') && page !== 'tutorial/index'
  const text = isOverview
    ? 'Overview'
    : (/^# (.*)$/m.exec(readFileSync(`${docs}${page}.md`, 'utf8'))?.[1] ?? page)
  return { text: text.replaceAll('`', ''), link: `/${page.replace(/(^|\/)index$/, '$1')}` }
}
