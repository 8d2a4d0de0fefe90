import { readFileSync } from 'node:fs'
import { repositoryRoot } from '../stack/repository.ts'

/* Pages of the reference that are made of what stands elsewhere: of the tables in the services' READMEs, which their tests
   compare with the code, and of what the code says of its error codes. */

export interface ReferencePage {
  /** In the repository. */
  readonly file: string
  readonly text: string
}

export const SERVICES = [
  'activities-api',
  'braze-simulator',
  'braze-sink',
  'console',
  'marketing-events',
] as const

export interface Variable {
  readonly name: string
  readonly service: (typeof SERVICES)[number]
  readonly fallback: string
  readonly meaning: string
}

const read = (file: string): string => readFileSync(`${repositoryRoot}/${file}`, 'utf8')

/** Of all services, by name. */
export function variables(): readonly Variable[] {
  return SERVICES.flatMap(variablesOf).toSorted(
    (a, b) => a.name.localeCompare(b.name) || a.service.localeCompare(b.service),
  )
}

function variablesOf(service: Variable['service']): readonly Variable[] {
  const found: Variable[] = []
  let columns: readonly string[] = []
  for (const line of read(`services/${service}/README.md`).split('\n')) {
    const cells = line.startsWith('|') ? cellsOf(line) : []
    if (cells.includes('variable')) columns = cells
    else if (cells.length === 0) columns = []
    else found.push(...rowOf(service, columns, cells))
  }
  return found
}

const cellsOf = (line: string): readonly string[] =>
  line
    .slice(1, line.lastIndexOf('|'))
    .split(/(?<!\\)\|/)
    .map(cell => cell.trim())

/** A row may tell of several: `HOST`, `PORT`. */
function rowOf(
  service: Variable['service'],
  columns: readonly string[],
  cells: readonly string[],
): readonly Variable[] {
  const cell = (name: string): string => cells[columns.indexOf(name)] ?? ''
  const names = [...cell('variable').matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, name = '']) => name)
  const fallbacks = cell('default').split(names.length > 1 ? ', ' : '\n')
  const meaning = inReference(
    cells[columns.includes('meaning') ? columns.indexOf('meaning') : columns.length - 1] ?? '',
  )
  return names.map((name, index) => ({ name, service, fallback: fallbackText(fallbacks[index]), meaning }))
}

const fallbackText = (text = ''): string => (text === '' || text === '(none)' ? '–' : text)

/** Links of a service's page, as they are from `docs/reference`. */
const inReference = (text: string): string =>
  text.replaceAll('](../../docs/reference/', '](').replaceAll('](../../docs/', '](../')

export function environmentPage(): ReferencePage {
  const rows = variables().map(
    ({ name, service, fallback, meaning }) =>
      `| \`${name}\` | [${service}](../../services/${service}/README.md) | ${fallback} | ${meaning} |`,
  )
  return {
    file: 'docs/reference/environment.md',
    text: `<!-- Made of the READMEs of the services by \`npm run reference\`. -->

# Environment variables

What the services are told by their environment. A variable that is set to nothing counts as not set. One that begins with
\`BRAZE_\`, \`CONSOLE_\` or \`SIMULATOR_\` and that the service does not know stops its start, and so does a value that means nothing:
all faults are told at once. The options of an application that is built on the library are on [a page of their own](config.md).

| variable | service | default | meaning |
|---|---|---|---|
${rows.join('\n')}
`,
  }
}

export interface ErrorCode {
  readonly code: string
  /** In the answer that has it; undefined where there is none. */
  readonly status: string | undefined
  readonly meaning: string
}

export interface ErrorSource {
  readonly title: string
  readonly file: string
  readonly intro: string
}

export const ERROR_SOURCES: readonly ErrorSource[] = [
  {
    title: 'Enrichers',
    file: 'packages/enrichers/src/errors.ts',
    intro:
      'Every failure of `@tributary/enrichers` is an `EnricherError`. Its `retry` is what the `enrich` step acts on; a record that is given up has `TOPOLOGY_ENRICHMENT_FAILED` with this as the cause.',
  },
  {
    title: 'The sink to Braze',
    file: 'packages/sink-braze/src/errors.ts',
    intro:
      'Every failure of `@tributary/sink-braze` is a `BrazeError`. [Braze](../braze.md) tells what becomes of the objects.',
  },
  {
    title: 'The console',
    file: 'services/console/src/console-error.ts',
    intro: 'In the answers of its API, as `code` beside a `message` that repeats nothing of what was sent.',
  },
  {
    title: 'activities-api',
    file: 'services/activities-api/src/errors.ts',
    intro: 'In the answers of its API, and where it does not start.',
  },
]

/** As the comment before them tells: \`CODE\` (status): meaning. */
export function errorCodesOf({ file }: ErrorSource): readonly ErrorCode[] {
  const comment = /\/\*\*\n((?: \*.*\n)*? \* - `[A-Z_]+`[^]*?)\n \*\//.exec(read(file))?.[1] ?? ''
  return comment
    .split(/^ \* - /m)
    .slice(1)
    .map(entry => {
      const text = entry
        .replaceAll(/\s*\n \* ?/g, ' ')
        .replaceAll(/ {2,}/g, ' ')
        .trim()
      const [, code = '', status, meaning = ''] = /^`([A-Z_]+)`(?: \((\d+)\))?(?:: (.*))?$/.exec(text) ?? []
      return { code, status, meaning }
    })
}

export function packageErrorsPage(): ReferencePage {
  const sections = ERROR_SOURCES.map(source => {
    const rows = errorCodesOf(source).map(
      ({ code, status, meaning }) =>
        `| \`${code}\` | ${status ?? '–'} | ${meaning === '' ? '–' : sentence(meaning)} |`,
    )
    return `## ${source.title}\n\n${source.intro}\n\n| code | status | meaning |\n|---|---|---|\n${rows.join('\n')}\n`
  })
  return {
    file: 'docs/reference/package-errors.md',
    text: `<!-- Made of what the code says of its error codes by \`npm run reference\`. -->

# Error codes of the other packages and services

Those of the library are on [a page of their own](errors.md). Nothing matches on the text of a message: codes stay, texts change.

${sections.join('\n')}`,
  }
}

const sentence = (text: string): string => `${text[0]?.toUpperCase()}${text.slice(1)}`.replaceAll('|', '\\|')
